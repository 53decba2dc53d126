package io.github.invoicelock;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Who may know whom, and how long and how wide a class may be; see CONTRIBUTING.md. */
class ArchitectureTest {
    private static final String ROOT = "io.github.invoicelock";
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);
    private static final Path INTERNAL = Path.of("src/main/java/io/github/invoicelock/internal");

    /** From the ground up: none knows one that comes later. */
    private static final List<String> ROOMS = List.of(
            "errors",
            "statements",
            "database",
            "limits",
            "host",
            "journal",
            "invoices",
            "judgement",
            "settlement",
            "words",
            "run",
            "engine",
            "setup");

    /** Their components are read by name; what is built from them in more than one place is made by factories. */
    private static final Set<String> WIDE_RECORDS = Set.of(
            ROOT + ".internal.judgement.BillerSettings", // the biller's settings, received whole
            ROOT + ".internal.invoices.InvoiceSettings", // the settings of the host's table
            ROOT + ".internal.database.Server", // the server's and the session's settings, one row of one question
            ROOT + ".internal.journal.JournalSettings", // whose attempts, and what is kept of them
            ROOT + ".internal.journal.NextState"); // R22: every column of a state

    private static final Set<String> LONG_METHODS = Set.of(
            "Steps.<init>", // the collaborators of a biller, each made once
            "DueAttempts.page"); // one statement

    /** What the host decides by settings; everything else asks the objects that were chosen. */
    private static final DescribedPredicate<JavaClass> CHOOSING = named(
            LockScope.class.getName(),
            LockStrategy.class.getName(),
            LockingInvoiceBiller.Builder.class.getName(), // what Citus and the pool can do
            ROOT + ".internal.engine.Steps",
            ROOT + ".internal.engine.Claims");

    @Test
    void the_rooms_know_one_another_in_one_direction_only() {
        for (int i = 0; i < ROOMS.size(); i++) {
            String room = ROOMS.get(i);
            String[] laterOrBeside = Stream.concat(
                            ROOMS.stream().skip(i + 1), room.equals("invoices") ? Stream.of("journal") : Stream.empty())
                    .map(ArchitectureTest::inRoom)
                    .toArray(String[]::new);
            if (laterOrBeside.length > 0) {
                noClasses()
                        .that()
                        .resideInAPackage(inRoom(room))
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(laterOrBeside)
                        .check(CLASSES);
            }
        }
        noClasses()
                .that()
                .resideInAPackage(inRoom("setup"))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        inRoom("judgement"), inRoom("settlement"), inRoom("words"), inRoom("run"), inRoom("engine"))
                .check(CLASSES);
        assertThat(CLASSES.stream()
                        .map(JavaClass::getPackageName)
                        .filter(each -> each.startsWith(ROOT + ".internal."))
                        .map(each -> each.substring((ROOT + ".internal.").length())))
                .as("rooms")
                .hasSameElementsAs(ROOMS);
    }

    private static String inRoom(String room) {
        return ROOT + ".internal." + room + "..";
    }

    @Test
    void the_test_kit_knows_the_api_and_nobody_knows_the_test_kit() {
        classes()
                .that()
                .resideInAPackage(ROOT + ".testkit..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        ROOT,
                        ROOT + ".testkit..",
                        "java..",
                        "com.sun.net.httpserver..",
                        "org.jooq..",
                        "org.jspecify..",
                        "org.junit.jupiter.api..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".testkit..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + ".testkit..", "org.junit..")
                .check(CLASSES);
    }

    @Test
    void there_are_no_cycles() {
        slices().matching(ROOT + ".internal.(*)..").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void of_the_api_only_the_two_doors_know_what_is_behind_them() {
        noClasses()
                .that()
                .resideInAPackage(ROOT)
                .and()
                .doNotHaveFullyQualifiedName(LockingInvoiceBiller.class.getName())
                .and()
                .doNotHaveFullyQualifiedName(LockingInvoiceBiller.Builder.class.getName())
                .and()
                .doNotHaveFullyQualifiedName(InvoiceLockSchema.class.getName())
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + ".internal..")
                .check(CLASSES);
    }

    @Test
    void the_engine_knows_no_jdbc() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".internal.engine..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("java.sql..", "javax.sql..")
                .check(CLASSES);
    }

    @Test
    void every_transaction_goes_through_one_door() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".internal.database..")
                .should()
                .callMethod(DataSource.class, "getConnection")
                .orShould()
                .callMethod(Connection.class, "commit")
                .orShould()
                .callMethod(Connection.class, "rollback")
                .orShould()
                .callMethod(Connection.class, "setAutoCommit", boolean.class)
                .check(CLASSES);
    }

    @Test
    void only_one_class_needs_flyway() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName(ROOT + ".internal.setup.Migrations")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.flywaydb..")
                .check(CLASSES);
    }

    @Test
    void optional_rooms_know_the_api_alone_and_the_library_does_not_know_them() {
        noClasses()
                .that()
                .resideInAnyPackage(ROOT + ".micrometer..", ROOT + ".spring..", ROOT + ".console..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + ".internal..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + ".micrometer..", ROOT + ".spring..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        ROOT + ".micrometer..", ROOT + ".spring..", "io.micrometer..", "org.springframework..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".micrometer..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + ".spring..", "org.springframework..")
                .check(CLASSES);
    }

    @Test
    void the_console_knows_the_api_and_nobody_but_spring_knows_the_console() {
        classes()
                .that()
                .resideInAPackage(ROOT + ".console..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        ROOT,
                        ROOT + ".console..",
                        "java..",
                        "com.sun.net.httpserver..",
                        "gg.jte..",
                        "jakarta.servlet..",
                        "org.slf4j..",
                        "org.jspecify..")
                .check(CLASSES);
        classes()
                .that()
                .resideInAPackage(ROOT + ".console.pages..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(ROOT, ROOT + ".console.pages..", "java..", "gg.jte..", "org.jspecify..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + ".console..", ROOT + ".spring..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + ".console..", "gg.jte..", "jakarta.servlet..")
                .check(CLASSES);
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName(ROOT + ".console.ConsoleServlet")
                .and()
                .doNotHaveFullyQualifiedName(ROOT + ".console.ConsoleVisitors")
                .and()
                .resideOutsideOfPackage(ROOT + ".spring..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("jakarta.servlet..")
                .check(CLASSES);
    }

    @Test
    void names_say_something_and_nobody_inherits() {
        classes().should().haveNameNotMatching(".*(Utils?|Helper|Manager|Impl)").check(CLASSES);
        classes().should().haveNameNotMatching(".*\\.(Abstract|Default)[^.]*").check(CLASSES);
        methods()
                .that()
                .areDeclaredInClassesThat()
                .resideInAPackage(ROOT)
                .and()
                .arePublic()
                .should()
                .notHaveRawReturnType(java.util.Date.class)
                .check(CLASSES);
    }

    @Test
    void scope_and_strategy_are_decided_where_the_objects_are_chosen() {
        noClasses()
                .that(not(CHOOSING))
                .should()
                .accessFieldWhere(target(owner(belongToAnyOf(LockScope.class, LockStrategy.class))))
                .check(CLASSES);
        // Who does not know them cannot branch on an ordinal or a name either.
        noClasses()
                .that(not(CHOOSING.or(named(ROOT + ".internal.judgement.BillerSettings"))))
                .and()
                .resideOutsideOfPackage(ROOT + ".spring..")
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(LockScope.class, LockStrategy.class)
                .check(CLASSES);
    }

    @Test
    void below_internal_no_constructor_has_over_seven_parameters() {
        List<String> wide = CLASSES.stream()
                .filter(JavaClass.Predicates.resideInAPackage(ROOT + ".internal.."))
                .filter(each ->
                        !each.isAnonymousClass() && !each.isLocalClass()) // they are also handed what they capture
                .filter(each -> each.getConstructors().stream()
                        .anyMatch(constructor ->
                                constructor.getRawParameterTypes().size() > 7))
                .map(JavaClass::getName)
                .toList();

        assertThat(wide)
                .as(
                        "classes with a constructor of over seven parameters; an exception that is not needed goes from the list")
                .containsExactlyInAnyOrderElementsOf(WIDE_RECORDS);
    }

    @Test
    void below_internal_no_file_has_over_500_lines() {
        assertThat(SourceLengths.ofFiles(INTERNAL))
                .allSatisfy((file, lines) -> assertThat(lines).as(file).isLessThanOrEqualTo(500));
    }

    @Test
    void below_internal_no_method_has_over_40_lines() {
        Map<String, Integer> methods = SourceLengths.ofMethods(INTERNAL);
        methods.values().removeIf(lines -> lines <= 40);

        assertThat(methods.keySet())
                .as("methods of over 40 lines, %s; an exception that is not needed goes from the list", methods)
                .containsExactlyInAnyOrderElementsOf(LONG_METHODS);
    }

    private static DescribedPredicate<JavaClass> named(String... classes) {
        return DescribedPredicate.describe(
                "in " + List.of(classes),
                each -> Stream.of(classes)
                        .anyMatch(name ->
                                each.getName().equals(name) || each.getName().startsWith(name + "$")));
    }
}
