package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every exception, call, table, view, state, cause and reason that a page names exists; and what exists is named. */
class NamesInDocsTest {
    private static final String API = "io.github.invoicelock";
    private static final List<String> OF_THE_JDK =
            List.of("java.lang.", "java.io.", "java.net.", "java.sql.", "java.util.concurrent.");

    private static final Pattern EXCEPTION = Pattern.compile("\\b([A-Z]\\w*Exception)\\b");
    private static final Pattern CALL = Pattern.compile("\\bbiller\\.(\\w+)\\(");
    private static final Pattern OF_THE_JOURNAL = Pattern.compile("\\binvoice_lock\\.([a-z_]+)\\b");
    private static final Pattern CREATED =
            Pattern.compile("(?m)^create (?:or replace )?(?:unlogged )?(?:table|view|function) (\\w+)");

    @Test
    void exceptions() {
        Set<String> ours = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests()).importPackages(API).stream()
                        .filter(type -> type.getPackageName().equals(API))
                        .filter(type -> type.isAssignableTo(Throwable.class))
                        .map(JavaClass::getSimpleName)
                        .collect(Collectors.toCollection(TreeSet::new));

        assertThat(named(EXCEPTION).filter(name -> !ours.contains(name) && !isOfTheJdk(name)))
                .as("named, and not there")
                .isEmpty();
        assertThat(Docs.page("docs/operations.md").text()).contains(ours);
    }

    @Test
    void calls_of_the_biller() {
        Set<String> calls = Arrays.stream(LockingInvoiceBiller.class.getMethods())
                .map(method -> method.getName())
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(named(CALL).filter(name -> !calls.contains(name)))
                .as("named, and not there")
                .isEmpty();
    }

    @Test
    void tables_views_and_functions_of_the_journal() {
        Set<String> created = CREATED.matcher(Docs.source("V1__journal.psql"))
                .results()
                .map(match -> match.group(1))
                .collect(Collectors.toCollection(TreeSet::new));
        created.add("schema_history"); // Flyway's

        assertThat(named(OF_THE_JOURNAL).filter(name -> !created.contains(name)))
                .as("named, and not there")
                .isEmpty();
        String pages = Docs.all().stream().map(Docs::text).collect(Collectors.joining());
        assertThat(created).allSatisfy(name -> assertThat(pages).contains(name));
    }

    @Test
    void states_causes_and_reasons_are_explained_to_an_operator() {
        String operations = Docs.page("docs/operations.md").text();

        assertThat(Stream.of(AttemptState.values(), AttemptCause.values(), StopReason.values(), Withdrawal.values())
                        .flatMap(Arrays::stream)
                        .map(Enum::name))
                .allSatisfy(name -> assertThat(operations).containsPattern("\\b" + name + "\\b"));
    }

    private static Stream<String> named(Pattern pattern) {
        return Docs.all().stream()
                .flatMap(page -> pattern.matcher(page.text()).results())
                .map(match -> match.group(1))
                .distinct();
    }

    private static boolean isOfTheJdk(String exception) {
        return OF_THE_JDK.stream().anyMatch(room -> {
            try {
                Class.forName(room + exception, false, NamesInDocsTest.class.getClassLoader());
                return true;
            } catch (ClassNotFoundException e) {
                return false;
            }
        });
    }
}
