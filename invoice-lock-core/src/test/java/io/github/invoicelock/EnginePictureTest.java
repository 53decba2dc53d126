package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The picture of the engine in docs/design.md is of the code as it is. */
class EnginePictureTest {
    private static final Pattern PICTURE = Pattern.compile("```mermaid\\s+flowchart TD\\s+API(.*?)```", Pattern.DOTALL);
    private static final Pattern NODE = Pattern.compile("(\\w+)(?:\\[\"|\\{\")(\\w+)");
    private static final Pattern ARROW =
            Pattern.compile("^\\s*(\\w+)\\S*.*?-->(?:\\|\\w+\\|)? *(\\w+)", Pattern.MULTILINE);
    private static final Set<String> ROOMS = Set.of(
            "io.github.invoicelock.internal.engine",
            "io.github.invoicelock.internal.settlement",
            "io.github.invoicelock.internal.words");
    /** Who is so short needs no picture. */
    private static final int SHORT = 150;

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.github.invoicelock");
    private final String picture = picture();
    private final Map<String, JavaClass> drawn = drawn();

    @Test
    void each_arrow_goes_to_a_class_that_the_other_knows() {
        Matcher arrow = ARROW.matcher(picture);
        int arrows = 0;
        while (arrow.find()) {
            JavaClass from = drawnAs(arrow.group(1));
            JavaClass to = drawnAs(arrow.group(2));
            assertThat(knownTo(from)).as("known to %s", from.getSimpleName()).contains(to);
            arrows++;
        }
        assertThat(arrows).as("arrows").isGreaterThan(15);
    }

    @Test
    void who_has_much_to_do_is_drawn() {
        Map<String, Integer> lengths = SourceLengths.ofFiles(Path.of("src/main/java/io/github/invoicelock/internal"));
        assertThat(CLASSES.stream()
                        .filter(each -> ROOMS.contains(each.getPackageName()))
                        .filter(JavaClass::isTopLevelClass)
                        .filter(each -> lengths.entrySet().stream()
                                .anyMatch(file -> file.getKey().endsWith(each.getSimpleName() + ".java")
                                        && file.getValue() > SHORT))
                        .filter(each -> !each.getSimpleName().equals("RunInProgress")) // what a run has counted so far
                        .collect(Collectors.toSet()))
                .isSubsetOf(Set.copyOf(drawn.values()));
    }

    private JavaClass drawnAs(String node) {
        JavaClass found = drawn.get(node);
        if (found == null) {
            throw new AssertionError("There is no box " + node);
        }
        return found;
    }

    private static Set<JavaClass> knownTo(JavaClass from) {
        return Stream.concat(
                        from.getDirectDependenciesFromSelf().stream().map(each -> each.getTargetClass()),
                        from.getAllSubclasses().stream()) // an interface is drawn with who fulfils it
                .collect(Collectors.toSet());
    }

    private Map<String, JavaClass> drawn() {
        Map<String, JavaClass> nodes = new LinkedHashMap<>();
        Matcher node = NODE.matcher(picture);
        while (node.find()) {
            String name = node.group(2);
            nodes.put(
                    node.group(1),
                    CLASSES.stream()
                            .filter(each -> each.isTopLevelClass()
                                    && each.getSimpleName().equals(name))
                            .findFirst()
                            .orElseThrow(() -> new AssertionError("There is no class " + name)));
        }
        return nodes;
    }

    private static String picture() {
        try {
            Matcher found = PICTURE.matcher(Files.readString(Path.of("../docs/design.md")));
            assertThat(found.find()).as("a picture").isTrue();
            return "API" + found.group(1);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
