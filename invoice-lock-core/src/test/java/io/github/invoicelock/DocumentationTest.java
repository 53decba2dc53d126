package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the documentation says of the code is so: quotations are word for word, links lead somewhere, tests that are named exist. */
class DocumentationTest {
    private static final Pattern TEST = Pattern.compile("`([A-Z]\\w*Test)(?:\\.(\\w+))?`");
    /** A literal of some words. */
    private static final Pattern SENTENCE = Pattern.compile("\"([^\"\\n]*[a-z,] [a-z][^\"\\n]{6,})\"");

    private static final Pattern LOGGED =
            Pattern.compile("(?s)\\.(?:info|warn|error|at(?:Info|Warn|Error)\\([^;\"]*\\.log)\\(\\s*\"([^\"]*)\"");
    private static final Pattern RULE = Pattern.compile("(?m)^### R(\\d+) ");

    static List<Docs> pages() {
        return Docs.all();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void java_is_quoted_from_what_is_compiled(Docs page) {
        SoftAssertions softly = new SoftAssertions();
        for (Docs.Block block : page.blocks()) {
            String snippet = block.marked("snippet");
            if (snippet != null) {
                String[] place = snippet.split("#", -1);
                softly.assertThat(block.code())
                        .as("%s in %s", snippet, page.path())
                        .isEqualTo(Docs.tagged(Docs.source(place[0]), place[1]));
            } else {
                softly.assertThat(block.language())
                        .as("language of a block of %s that no code is behind:%n%s", page.path(), block.code())
                        .isNotEqualTo("java");
            }
        }
        softly.assertAll();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void sql_that_is_said_to_be_part_of_a_file_is(Docs page) {
        for (Docs.Block block : page.blocks()) {
            String file = block.marked("part of");
            if (file != null) {
                assertThat(Docs.source(file)).contains(block.code());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("pages")
    void links_lead_to_files_and_headings_that_exist(Docs page) {
        SoftAssertions softly = new SoftAssertions();
        for (String link : page.links()) {
            softly.assertThat(page.target(link))
                    .as("%s in %s", link, page.path())
                    .exists();
            int anchor = link.indexOf('#');
            if (anchor >= 0 && Files.isRegularFile(page.target(link))) {
                softly.assertThat(Docs.at(page.target(link)).anchors())
                        .as("%s in %s", link, page.path())
                        .contains(link.substring(anchor + 1));
            }
        }
        softly.assertAll();
    }

    @ParameterizedTest
    @MethodSource("pages")
    void tests_that_are_named_exist(Docs page) {
        SoftAssertions softly = new SoftAssertions();
        TEST.matcher(page.text())
                .results()
                .forEach(match -> softly.assertThat(testsOf(match.group(1)))
                        .as("%s in %s", match.group(), page.path())
                        .contains(match.group(2) == null ? match.group(1) : match.group(2)));
        softly.assertAll();
    }

    /** Who clones it runs these two; .ci/run calls the second, as it stands there. */
    @Test
    void the_first_commands_of_readme_show_it_and_test_it() throws IOException {
        String commands = Docs.page("README.md").blocks().stream()
                .filter(block -> block.language().equals("sh"))
                .findFirst()
                .orElseThrow()
                .code();

        assertThat(commands.lines()).hasSize(2);
        assertThat(Files.readString(Path.of("../.ci/run")).lines())
                .contains(commands.lines().toList().get(1));
    }

    @Test
    void every_test_of_a_rule_is_named_by_that_rule() {
        String design = Docs.page("docs/design.md").text();
        assertThat(RULE.matcher(design).results().map(match -> match.group(1)))
                .as("the rules of docs/design.md")
                .containsExactlyElementsOf(Stream.iterate(1, n -> n + 1)
                        .limit(23)
                        .map(String::valueOf)
                        .toList());
        assertThat(testsOf("RulesTest").stream().filter(name -> name.matches("r\\d+_.*")))
                .isNotEmpty()
                .allSatisfy(name -> assertThat(design).contains("`RulesTest." + name + "`"));
    }

    @Test
    void every_text_that_the_journal_and_an_anomaly_may_hold_is_explained() {
        String operations = Docs.page("docs/operations.md").text();
        List<String> texts = Stream.of(
                        "TakeOvers",
                        "Settlements",
                        "Resolutions",
                        "OutsideWriting",
                        "Withdrawals",
                        "Marking",
                        "PendingAgainst",
                        "HostCode",
                        "Calling",
                        "CallUnderLock",
                        "BillingEngine",
                        "Calls",
                        "Judgement")
                .map(name -> Docs.source(name + ".java"))
                .map(source -> source.replaceAll("(?s)/\\*.*?\\*/|//[^\\n]*", ""))
                // those of exceptions explain themselves
                .map(source -> source.replaceAll(
                        "(?s)(throw new|throw Refusals\\.refused\\(|new \\w+Exception\\(|orElseThrow\\(|requireNonNull\\().*?;",
                        ""))
                .flatMap(source -> SENTENCE.matcher(source).results())
                .map(match -> match.group(1).strip())
                .toList();
        assertThat(texts)
                .as("found in the code")
                .contains("The outcome is unknown, and the invoice is no longer pending.", "No answer within")
                .hasSizeGreaterThan(20);
        assertThat(texts).allSatisfy(text -> assertThat(operations).contains(text));
    }

    @Test
    void every_line_of_the_log_that_is_no_debug_is_explained() {
        String operations = Docs.page("docs/operations.md").text();
        List<String> templates = Stream.of(
                        "Notices",
                        "IndexAdvice",
                        "JournalMetrics",
                        "PoolCheck",
                        "SettingRanges",
                        "NetworkTimeout",
                        "RecoverSchedule")
                .map(name -> Docs.source(name + ".java"))
                .flatMap(source -> LOGGED.matcher(source).results())
                .map(match -> match.group(1))
                .toList();
        assertThat(templates).hasSize(24);
        assertThat(templates).allSatisfy(template -> {
            for (String part : template.split("\\{}", -1)) {
                assertThat(operations).contains(part.strip());
            }
        });
    }

    private static List<String> testsOf(String className) {
        try {
            Class<?> tests = Class.forName(
                    "io.github.invoicelock." + className, false, DocumentationTest.class.getClassLoader());
            return Stream.concat(
                            Stream.of(className),
                            Arrays.stream(tests.getDeclaredMethods()).map(Method::getName))
                    .toList();
        } catch (ClassNotFoundException e) {
            return List.of();
        }
    }
}
