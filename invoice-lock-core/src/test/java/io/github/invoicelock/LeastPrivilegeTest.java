package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.spring.InvoiceLockAutoConfiguration;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** The privileges of docs/security.md, read out of that page: they are enough, and each of them is needed. */
class LeastPrivilegeTest {
    private static final Docs SECURITY = Docs.page("docs/security.md");
    private static final List<String> OWNER = SECURITY.statements("billing_owner");
    private static final List<String> APP = SECURITY.statements("billing_app");
    private static final List<String> SUPPORT = SECURITY.statements("billing_support");
    private static final List<String> PRUNER = SECURITY.statements("billing_pruner");

    private static final String INSUFFICIENT_PRIVILEGE = "42501";

    private final PostgresDatabase database = PostgresServer.shared().createDatabase();
    private final EveryCall everyCall = EveryCall.with(database.dataSource());
    private final TestProvider provider = everyCall.provider();
    private final List<String> roles = new ArrayList<>();

    @AfterEach
    void close() {
        for (String role : roles) {
            execute(database.dataSource(), "drop owned by " + role + " cascade");
        }
        database.close();
        for (String role : roles) {
            execute(PostgresServer.shared(), "drop role " + role);
        }
    }

    @Ways.WithEveryStrategyInEveryScope
    void with_these_grants_everything_works(LockStrategy strategy, LockScope scope) throws Exception {
        everyCall.areAnswered(journalAndApp(APP), strategy, scope);
    }

    static Stream<String> whatOnlyTheJournalsOwnerMayDo() {
        return Stream.of(
                "create table invoice_lock.other (id int)",
                "alter table invoice_lock.billing_attempt drop constraint billing_attempt_once",
                "drop table invoice_lock.billing_attempt",
                "drop schema invoice_lock cascade",
                "delete from invoice_lock.billing_attempt",
                "truncate invoice_lock.billing_attempt",
                "update invoice_lock.installation set id = gen_random_uuid()",
                "delete from invoice_lock.installation");
    }

    @ParameterizedTest
    @MethodSource("whatOnlyTheJournalsOwnerMayDo")
    void with_these_grants_the_journal_can_neither_be_altered_nor_forgotten(String statement) {
        DataSource app = journalAndApp(APP);

        assertThatThrownBy(() -> execute(app, statement))
                .cause()
                .isInstanceOfSatisfying(
                        SQLException.class,
                        refused -> assertThat(refused.getSQLState()).isEqualTo(INSUFFICIENT_PRIVILEGE));
    }

    static Stream<String> eachGrantToBill() {
        return APP.stream();
    }

    @ParameterizedTest
    @MethodSource("eachGrantToBill")
    void without_any_one_of_them_the_biller_is_refused_and_told_which(String left) {
        List<String> others =
                APP.stream().filter(statement -> !statement.equals(left)).toList();
        DataSource app = journalAndApp(others);

        assertThatThrownBy(() -> LockingInvoiceBiller.builder(app, provider)
                        .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                        .build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("Run: grant");
    }

    @Test
    void with_these_grants_spring_boot_starts_by_default() {
        DataSource app = journalAndApp(APP);

        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(InvoiceLockAutoConfiguration.class))
                .withBean(DataSource.class, () -> app)
                .withBean(BillingGateway.class, () -> provider)
                .withBean(
                        InvoiceTable.class, () -> InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .run(context -> assertThat(context.getBean(LockingInvoiceBiller.class)
                                .billPending()
                                .billed())
                        .isEqualTo(11));
    }

    @Test
    void without_any_of_them_migrate_names_those_on_the_journal() {
        DataSource app = journalAndApp(APP.subList(0, 1));

        assertThatThrownBy(() -> InvoiceLockSchema.migrate(app))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("Run: grant usage on schema \"invoice_lock\" to ")
                .hasMessageContaining("; grant select on \"invoice_lock\".\"installation\" to ");
    }

    @Test
    void the_owner_creates_the_journal_with_its_grant_and_not_without() {
        DataSource owner = role("billing_owner");

        assertThatThrownBy(() -> InvoiceLockSchema.migrate(owner)).isInstanceOf(SetupException.class);
        grant(OWNER);
        InvoiceLockSchema.migrate(owner);

        assertThat(one("select tableowner from pg_tables where tablename = 'billing_attempt'"))
                .isEqualTo(roles.get(0));
    }

    @Test
    void the_owner_needs_no_grant_where_the_schema_was_made_for_it() {
        DataSource owner = role("billing_owner");
        execute(database.dataSource(), named("create schema invoice_lock authorization billing_owner"));

        InvoiceLockSchema.migrate(owner);

        assertThat(one("select count(*) from invoice_lock.installation")).isEqualTo("1");
    }

    @Test
    void support_sees_the_views_and_no_contents_of_an_invoice() {
        journalAndApp(APP);
        DataSource support = role("billing_support");
        assertThatThrownBy(() -> execute(support, "select * from invoice_lock.needs_attention"))
                .hasRootCauseMessage("ERROR: permission denied for schema invoice_lock\n  Position: 15");
        grant(SUPPORT);

        execute(support, "select * from invoice_lock.needs_attention");
        execute(support, "select * from invoice_lock.in_flight");
        execute(support, "select * from invoice_lock.billed_today");
        List<String> alerts = Pattern.compile("`(select count[^`]*)` > 0")
                .matcher(Docs.page("docs/operations.md").withoutCode())
                .results()
                .map(alert -> alert.group(1))
                .toList();
        assertThat(alerts).hasSizeGreaterThan(2).allSatisfy(alert -> execute(support, alert));
        assertThatThrownBy(() -> execute(support, "select invoice from invoice_lock.billing_attempt"))
                .hasRootCauseInstanceOf(SQLException.class)
                .hasStackTraceContaining("permission denied for table billing_attempt");
        assertThat(
                        one(
                                "select count(*) from information_schema.columns where table_schema = 'invoice_lock' "
                                        + "and table_name in ('needs_attention', 'in_flight', 'billed_today') and column_name = 'invoice'"))
                .isEqualTo("0");
    }

    @Test
    void support_runs_every_statement_of_the_page_for_operators() {
        DataSource app = journalAndApp(APP);
        DataSource support = role("billing_support");
        Docs page = Docs.page("docs/sql.md");
        grant(SUPPORT);
        grant(SECURITY.statements("to pause"));
        grant(page.statements("for the statements of this page"));
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(app, provider)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .build()) {
            assertThat(biller.billPending().billed()).isEqualTo(11);

            List<Docs.Block> statements = page.blocks().stream()
                    .filter(block -> block.language().equals("sql") && block.mark() == null)
                    .toList();

            assertThat(statements).hasSizeGreaterThan(10).allSatisfy(block -> execute(support, block.code()));
            assertThat(biller.status().pause()).as("paused, and resumed").isNull();
        }
    }

    @Test
    void support_pauses_and_resumes_with_its_grant_and_not_without() {
        DataSource app = journalAndApp(APP);
        DataSource support = role("billing_support");
        grant(SUPPORT);
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(app, provider)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .build()) {
            String pause = "select invoice_lock.pause('invoices', 'sue', 'wrong amounts')";
            assertThatThrownBy(() -> execute(support, pause)).hasStackTraceContaining("permission denied");
            grant(SECURITY.statements("to pause"));

            execute(support, pause);
            assertThat(biller.billPending().stopReason()).isEqualTo(StopReason.PAUSED);
            execute(support, "select invoice_lock.resume('invoices', 'sue')");
            execute(
                    support,
                    "update invoice_lock.biller set brake_until = null, brake_trial = null where name = 'invoices'");
            assertThat(biller.billPending().billed()).isEqualTo(11);

            biller.pause("ann", "with the grants to bill");
            biller.resume("ann");
        }
    }

    @Test
    void an_environment_is_kept_with_its_grant_and_not_without() {
        DataSource app = journalAndApp(APP);
        LockingInvoiceBiller.Builder builder = LockingInvoiceBiller.builder(app, provider)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .environment("production");
        assertThatThrownBy(builder::build)
                .isInstanceOf(SetupException.class)
                .hasMessageStartingWith("environment is \"production\", and role ")
                .hasMessageContaining("Run: grant update (environment) on \"invoice_lock\".\"installation\" to ");

        grant(SECURITY.statements("environment"));

        builder.build().close();
        builder.build().close();
    }

    @Test
    void what_a_policy_hides_is_not_billed_and_the_documented_policy_shows_it() {
        DataSource app = journalAndApp(APP);
        execute(database.dataSource(), "alter table invoices enable row level security");
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(app, provider)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .build()) {
            assertThat(biller.billPending().seen()).isZero();

            grant(SECURITY.statements("row level security"));

            assertThat(biller.billPending().billed()).isEqualTo(11);
        }
    }

    @Test
    void the_journal_is_pruned_by_a_role_of_its_own_and_not_by_the_one_that_bills() {
        DataSource app = journalAndApp(APP);
        DataSource pruner = role("billing_pruner");
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(app, provider)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .build()) {
            biller.billPending();
            execute(
                    database.dataSource(),
                    "update invoice_lock.billing_attempt set settled_at = settled_at - interval '3 years', "
                            + "started_at = started_at - interval '3 years'");
            Instant twoYearsAgo = Instant.now().minus(Duration.ofDays(730));
            assertThatThrownBy(() -> InvoiceLockSchema.prune(app, biller, twoYearsAgo))
                    .isInstanceOf(SetupException.class)
                    .hasMessageContaining("may not delete on")
                    .hasMessageContaining("Run: grant select, delete on ");
            grant(PRUNER.subList(0, PRUNER.size() - 1));
            assertThatThrownBy(() -> InvoiceLockSchema.prune(pruner, biller, twoYearsAgo))
                    .hasMessageContaining("Run: grant select on ");
            grant(PRUNER);

            execute(database.dataSource(), "alter table invoices enable row level security");
            grant(List.of("create policy few on invoices to billing_pruner using (id > 3)"));
            assertThatThrownBy(() -> InvoiceLockSchema.prune(pruner, biller, twoYearsAgo))
                    .isInstanceOf(SetupException.class)
                    .hasMessageContaining("sees only those rows of ");

            execute(database.dataSource(), "alter table invoices disable row level security");
            assertThat(InvoiceLockSchema.prune(pruner, biller, twoYearsAgo)).isEqualTo(11);
        }
    }

    /** The journal, made by its owner, and the role that bills with these grants. */
    private DataSource journalAndApp(List<String> grants) {
        DataSource owner = role("billing_owner");
        DataSource app = role("billing_app");
        grant(OWNER);
        InvoiceLockSchema.migrate(owner);
        grant(grants);
        return app;
    }

    private void grant(List<String> statements) {
        assertThat(statements).isNotEmpty();
        statements.forEach(statement -> execute(database.dataSource(), named(statement)));
    }

    /** Roles belong to the server, not to a database: each test has its own. */
    private DataSource role(String documented) {
        String role = named(documented);
        execute(database.dataSource(), "create role " + role + " login password 'secret'");
        roles.add(role);
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(database.jdbcUrl());
        dataSource.setUser(role);
        dataSource.setPassword("secret");
        return dataSource;
    }

    private String named(String statement) {
        String unique = database.name().substring(database.name().length() - 12);
        return statement
                .replaceAll("\\bshop\\b", database.name())
                .replaceAll("\\bbilling_(owner|app|support|pruner)\\b", "billing_$1_" + unique);
    }

    private String one(String sql) {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private static void execute(PostgresServer server, String sql) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(server.jdbcUrl());
        execute(dataSource, sql);
    }

    private static void execute(DataSource dataSource, String sql) {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }
}
