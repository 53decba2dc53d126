package io.github.invoicelock;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.sql.Connection;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** Who may know whom; see CONTRIBUTING.md. */
class ArchitectureTest {
    private static final String ROOT = "io.github.invoicelock";
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);

    @Test
    void the_rooms_know_one_another_in_one_direction_only() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".internal.database..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        ROOT + ".internal.journal..",
                        ROOT + ".internal.invoices..",
                        ROOT + ".internal.engine..",
                        ROOT + ".internal.setup..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAnyPackage(ROOT + ".internal.journal..", ROOT + ".internal.invoices..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + ".internal.engine..", ROOT + ".internal.setup..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".internal.journal..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + ".internal.invoices..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".internal.invoices..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + ".internal.journal..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".internal.engine..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + ".internal.setup..")
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".internal.setup..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage(ROOT + ".internal.engine..")
                .check(CLASSES);
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
                .resideInAnyPackage(ROOT + ".micrometer..", ROOT + ".spring..")
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
}
