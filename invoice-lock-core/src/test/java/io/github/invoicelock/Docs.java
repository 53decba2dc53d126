package io.github.invoicelock;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A page of the documentation, with what it promises of itself: code blocks, each with the HTML comment in front of it, links, headings.
 *
 * @param path relative to the root of the project, with slashes
 * @param text its Markdown
 */
record Docs(String path, String text) {
    private static final Path ROOT = root();
    private static final List<Path> SOURCES = sources();
    private static final Pattern BLOCK =
            Pattern.compile("(?m)^( *)(?:<!-- *([^>]*?) *-->\\R\\s*)?```(\\w*)\\R(.*?)^ *```$", Pattern.DOTALL);
    private static final Pattern LINK = Pattern.compile("\\[[^\\]\\[]*]\\(([^()\\s]+(?:\\([^()\\s]*\\)[^()\\s]*)*)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ +(.*)$");

    /**
     * A fenced block.
     *
     * @param mark the HTML comment in front of it; null if there is none
     * @param language after the opening fence
     * @param code without the fence's own indentation
     */
    record Block(@Nullable String mark, String language, String code) {
        /** What stands behind a kind of mark, {@code snippet: …} for example; null if it is not of that kind. */
        @Nullable
        String marked(String kind) {
            return mark != null && mark.startsWith(kind + ":")
                    ? mark.substring(kind.length() + 1).strip()
                    : null;
        }
    }

    static Docs page(String path) {
        return new Docs(path, read(ROOT.resolve(path)));
    }

    /** README, CONTRIBUTING and all pages of docs and its folders. */
    static List<Docs> all() {
        try (Stream<Path> pages = Files.walk(ROOT.resolve("docs"))) {
            return Stream.concat(
                            Stream.of("README.md", "CONTRIBUTING.md"),
                            pages.map(page -> ROOT.relativize(page).toString().replace('\\', '/'))
                                    .filter(page -> page.endsWith(".md"))
                                    .sorted())
                    .map(Docs::page)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The only source file of that name, whatever module it is in. */
    static String source(String fileName) {
        List<Path> found = SOURCES.stream()
                .filter(file -> file.getFileName().toString().equals(fileName))
                .toList();
        if (found.size() != 1) {
            throw new AssertionError("There are " + found.size() + " files " + fileName + ": " + found);
        }
        return read(found.get(0));
    }

    /** All files below a directory src. What is built beside it comes and goes while the tests run. */
    private static List<Path> sources() {
        List<Path> sources = new ArrayList<>();
        try {
            Files.walkFileTree(ROOT, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                    String name = String.valueOf(directory.getFileName());
                    return !directory.equals(ROOT) && (name.equals("target") || name.startsWith("."))
                            ? FileVisitResult.SKIP_SUBTREE
                            : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    if (ROOT.relativize(file).toString().replace('\\', '/').contains("/src/")) {
                        sources.add(file);
                    }
                    return FileVisitResult.CONTINUE;
                }
            });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return List.copyOf(sources);
    }

    /** What stands between tag::name[] and end::name[], all regions of that name one after the other, without their indentation. */
    static String tagged(String source, String tag) {
        List<String> lines = new ArrayList<>();
        boolean inside = false;
        int regions = 0;
        for (String line : source.split("\\R", -1)) {
            if (line.strip().equals("// tag::" + tag + "[]")) {
                inside = true;
                regions++;
                if (regions > 1) {
                    lines.add("");
                }
            } else if (line.strip().equals("// end::" + tag + "[]")) {
                inside = false;
            } else if (inside && !line.strip().matches("// (tag|end)::\\w[\\w-]*\\[]")) {
                lines.add(line);
            }
        }
        if (regions == 0 || inside) {
            throw new AssertionError("No closed region " + tag);
        }
        return unindented(String.join("\n", lines));
    }

    List<Block> blocks() {
        return BLOCK.matcher(text)
                .results()
                .map(match -> new Block(match.group(2), match.group(3), unindented(match.group(4))))
                .toList();
    }

    /** The statements of the SQL block that is marked as the privileges of a role. */
    List<String> statements(String role) {
        return blocks().stream()
                .filter(block -> role.equals(block.marked("privileges")))
                .flatMap(block -> Arrays.stream(block.code().split(";")))
                .map(String::strip)
                .filter(statement -> !statement.isEmpty())
                .toList();
    }

    /** Where its links lead, without those to other sites. */
    List<String> links() {
        Matcher links = LINK.matcher(withoutCode());
        List<String> targets = new ArrayList<>();
        while (links.find()) {
            if (!links.group(1).matches("[a-z]+:.*")) {
                targets.add(links.group(1));
            }
        }
        return targets;
    }

    /** The anchors of its headings, as GitHub makes them. */
    List<String> anchors() {
        return HEADING.matcher(withoutCode())
                .results()
                .map(match -> match.group(1)
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-'))
                .toList();
    }

    /** The file that a relative link of this page leads to. */
    Path target(String link) {
        String file = link.replaceAll("#.*", "");
        Path self = ROOT.resolve(path);
        return file.isEmpty() ? self : self.resolveSibling(file).normalize();
    }

    String withoutCode() {
        return BLOCK.matcher(text).replaceAll("");
    }

    static Docs at(Path file) {
        return new Docs(ROOT.relativize(file).toString(), read(file));
    }

    private static String unindented(String code) {
        // stripIndent takes an empty last line for one without indentation
        return code.stripTrailing().stripIndent().strip();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The tests run in their module's directory. */
    private static Path root() {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("CONTRIBUTING.md"))) {
            directory = java.util.Objects.requireNonNull(directory.getParent(), "no project around here");
        }
        return directory;
    }
}
