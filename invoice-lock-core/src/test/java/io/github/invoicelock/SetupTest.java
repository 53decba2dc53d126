package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.condition;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.postgresql.ds.PGSimpleDataSource;

/** Whatever is wrong with the set-up is said by build() or migrate, with the setting, the value and the remedy; nothing is written. */
class SetupTest {
    private final TestHost host = TestHost.withInvoices(2);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @TestFactory
    Stream<DynamicTest> a_setting_that_cannot_be_is_named_with_its_value() {
        return Stream.of(
                wrong("callTimeout is PT0S", b -> b.callTimeout(Duration.ZERO)),
                wrong("callTimeout is PT-1S", b -> b.callTimeout(Duration.ofSeconds(-1))),
                wrong("callTimeout is PT4800H", b -> b.callTimeout(Duration.ofDays(200))),
                wrong("leaseMargin is PT0S", b -> b.leaseMargin(Duration.ZERO)),
                wrong("waitTimeout is PT-5S", b -> b.waitTimeout(Duration.ofSeconds(-5))),
                wrong("concurrency is 0", b -> b.concurrency(0)),
                wrong("concurrency is -3", b -> b.concurrency(-3)),
                wrong("stopAfterFailures is 0", b -> b.stopAfterFailures(0)),
                wrong("maxCallsPerSecond is 0.0", b -> b.maxCallsPerSecond(0)),
                wrong("fleetCallsPerSecond is 0.0", b -> b.fleetCallsPerSecond(0)),
                wrong("maxCallsPerSecond is NaN", b -> b.maxCallsPerSecond(Double.NaN)),
                wrong("name is \"\"", b -> b.name("")),
                wrong("name has control characters", b -> b.name("a\nb")),
                wrong("journalSchema is \" \"", b -> b.journalSchema(" ")));
    }

    @TestFactory
    Stream<DynamicTest> a_null_is_named() {
        return Stream.of(
                        "invoices",
                        "name",
                        "lockStrategy",
                        "lockScope",
                        "rowLock",
                        "callTimeout",
                        "leaseMargin",
                        "waitTimeout",
                        "retryPolicy",
                        "onBilled",
                        "listener",
                        "journalSchema")
                .map(setting -> wrong(setting + " is null", builder -> {
                    Method method = Arrays.stream(LockingInvoiceBiller.Builder.class.getMethods())
                            .filter(m -> m.getName().equals(setting))
                            .findFirst()
                            .orElseThrow();
                    try {
                        method.invoke(builder, new Object[] {null});
                    } catch (IllegalAccessException | InvocationTargetException e) {
                        throw new LinkageError(setting, e);
                    }
                    return builder;
                }));
    }

    @Test
    @SuppressWarnings("NullAway") // that is what is tested
    void a_null_gateway_and_a_null_data_source_are_named() {
        assertThatThrownBy(() ->
                        LockingInvoiceBiller.builder(host.dataSource(), null).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("gateway is null");
        assertThatThrownBy(() -> LockingInvoiceBiller.builder(null, provider).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("dataSource is null");
        assertThatThrownBy(() -> InvoiceLockSchema.migrate(null)).hasMessageContaining("dataSource is null");
        assertThatThrownBy(() -> InvoiceLockSchema.migrate(host.dataSource(), " "))
                .hasMessageContaining("schema is");
    }

    @Test
    void a_gateway_with_a_negative_window_or_lag_is_named() {
        BillingGateway backwards = new BillingGateway() {
            @Override
            public BillingOutcome bill(BillingRequest request) {
                return BillingOutcome.unknown("");
            }

            @Override
            public Duration idempotencyWindow() {
                return Duration.ofSeconds(-1);
            }
        };
        assertThatThrownBy(() -> host.server(backwards).build()).hasMessageContaining("idempotencyWindow() is PT-1S");
    }

    @Test
    void a_find_of_its_own_says_that_a_gateway_can_be_asked_through_a_proxy_too() {
        BillingGateway finding = new BillingGateway() {
            @Override
            public BillingOutcome bill(BillingRequest request) {
                return BillingOutcome.unknown("");
            }

            @Override
            public BillingOutcome find(BillingRequest request) {
                return BillingOutcome.unknown("");
            }
        };
        assertThat(finding.canBeAsked()).isTrue();
        assertThat(proxyOf(finding).canBeAsked()).isTrue();
        BillingGateway only = request -> BillingOutcome.unknown("");
        assertThat(only.canBeAsked()).isFalse();
        assertThat(proxyOf(only).canBeAsked()).isFalse();

        LockingInvoiceBiller server = host.running(host.server(finding));
        server.bill(1);
        assertThat(server.ask(1)).isInstanceOf(BillingOutcome.Unknown.class);
    }

    @Test
    void a_promise_to_be_asked_without_a_find_is_refused() {
        BillingGateway promising = new BillingGateway() {
            @Override
            public BillingOutcome bill(BillingRequest request) {
                return BillingOutcome.unknown("");
            }

            @Override
            public boolean canBeAsked() {
                return true;
            }
        };
        assertThatThrownBy(() -> host.server(promising).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("says canBeAsked(), but has no find of its own");
    }

    @Test
    void a_proxy_of_a_gateway_is_asked_where_its_target_says_so_and_never_else() {
        provider.answering(BillingOutcome.unknown("500"));
        host.running(host.server(proxyOf(provider))).bill(1);
        assertThatThrownBy(() -> host.running(host.server(proxyOf(provider))).ask(1))
                .isInstanceOf(WordRefusedException.class)
                .hasMessageContaining("cannot be asked");

        LockingInvoiceBiller asking = host.running(host.server(proxyOf(TestProvider.thatCanBeAsked())));
        assertThat(asking.ask(1)).isInstanceOf(BillingOutcome.NotBilled.class);
    }

    private static BillingGateway proxyOf(BillingGateway target) {
        return (BillingGateway) Proxy.newProxyInstance(
                SetupTest.class.getClassLoader(),
                new Class<?>[] {BillingGateway.class},
                (proxy, method, arguments) -> method.invoke(target, arguments));
    }

    @TestFactory
    Stream<DynamicTest> a_table_that_does_not_fit_is_explained() {
        host.sql("create table plain (number bigint, pending boolean)");
        host.sql("create table nullable (id bigint unique, pending boolean)");
        host.sql("create table odd (id double precision primary key, pending boolean)");
        host.sql("create schema \"Billing\"");
        host.sql("create materialized view frozen as select * from invoices");
        host.sql("create view sums as select id, bool_or(pending) as pending from invoices group by id");
        return Stream.of(
                table("has an empty name", InvoiceTable.named("")),
                table("has an empty name", InvoiceTable.named("", "invoices")),
                table("InvoiceTable.named(\"public\", \"invoices\")", InvoiceTable.named("public.invoices")),
                table("is a materialized view", InvoiceTable.named("frozen")),
                table("\"invoices_pkey\" is no table", InvoiceTable.named("invoices_pkey")),
                table("of one table, without join, group by or distinct", InvoiceTable.named("sums")),
                table(
                        "a value must fit its column's type",
                        InvoiceTable.named("invoices").onBilledSet("due_date", "soon")),
                table(
                        "a value must fit its column's type",
                        InvoiceTable.named("invoices").onDeclinedSet("amount", "much")),
                table(
                        "storeReferenceIn must name a column of type text",
                        InvoiceTable.named("invoices").storeReferenceIn("amount")),
                table(
                        "storeBilledAtIn must name a column of type timestamptz",
                        InvoiceTable.named("invoices").storeBilledAtIn("state")),
                table(
                        "longer than the 63 bytes",
                        InvoiceTable.named("invoices").including(field("1").as("ä".repeat(32)))),
                table(
                        "included twice",
                        InvoiceTable.named("invoices")
                                .including(field("1").as("one"))
                                .including(field("2").as("one"))),
                table(
                        "of the pseudo-type",
                        InvoiceTable.named("invoices")
                                .including(field("row(1, 2)").as("pair"))),
                table("No table \"invoces\"", InvoiceTable.named("invoces")),
                table("search_path is", InvoiceTable.named("invoces")),
                table("No table \"billing\".\"invoices\"", InvoiceTable.named("billing", "invoices")),
                table("No table \"Invoices\"", InvoiceTable.named("Invoices")),
                table(
                        "No column \"number\" in \"invoices\"",
                        InvoiceTable.named("invoices").id("number")),
                table("No column \"open\"", InvoiceTable.named("invoices").pendingColumn("open")),
                table("No column \"due\"", InvoiceTable.named("invoices").orderedBy("due")),
                table("onBilledSet(\"paid\"", InvoiceTable.named("invoices").onBilledSet("paid", true)),
                table("onDeclinedSet(\"paid\"", InvoiceTable.named("invoices").onDeclinedSet("paid", true)),
                table(
                        "storeReferenceIn(\"ref\")",
                        InvoiceTable.named("invoices").storeReferenceIn("ref")),
                table("storeBilledAtIn(\"at\")", InvoiceTable.named("invoices").storeBilledAtIn("at")),
                table(
                        "\"number\" of \"plain\" is not unique",
                        InvoiceTable.named("plain").id("number")),
                table("may be null", InvoiceTable.named("nullable")),
                table("is of type double precision", InvoiceTable.named("odd")),
                table(
                        "is of type text, not boolean",
                        InvoiceTable.named("invoices").pendingColumn("state")),
                table(
                        "nothing says how a billed one is marked",
                        InvoiceTable.named("invoices")
                                .pendingWhen(field(name("state")).eq("open"))),
                table(
                        "do not fit the table",
                        InvoiceTable.named("invoices").billableWhen(condition("due_dat < now()"))),
                table(
                        "which is a column of",
                        InvoiceTable.named("invoices").including(field("1").as("amount"))),
                table(
                        "cannot be evaluated",
                        InvoiceTable.named("invoices")
                                .including(field("nonsense + 1").as("n"))));
    }

    @Test
    void a_missing_privilege_is_named_with_its_grant() throws Exception {
        String role = "app_" + host.database().name();
        host.sql("create role " + role + " login password 'secret'");
        try {
            DataSource app = as(role);
            String to = " to \"" + role + "\"";
            List<String> grants = List.of(
                    "grant select on \"invoices\"" + to,
                    "grant update (\"pending\") on \"invoices\"" + to,
                    "grant usage on schema \"invoice_lock\"" + to,
                    "grant select, insert on \"invoice_lock\".\"attempt_event\"" + to,
                    "grant select, insert, update on \"invoice_lock\".\"biller\"" + to,
                    "grant select, insert, update on \"invoice_lock\".\"billing_attempt\"" + to,
                    "grant select on \"invoice_lock\".\"installation\"" + to);
            refused(app, "Run: " + String.join("; ", grants) + ".");
            for (int given = 1; given < grants.size(); given++) {
                host.sql(grants.get(given - 1));
                refused(app, "Run: " + String.join("; ", grants.subList(given, grants.size())) + ".");
            }
            host.sql(grants.get(grants.size() - 1));
            InvoiceLockSchema.migrate(app);
            try (LockingInvoiceBiller server =
                    LockingInvoiceBiller.builder(app, provider).build()) {
                assertThat(server.billPending().billed())
                        .as("with these grants alone")
                        .isEqualTo(2);
            }
        } finally {
            host.sql("drop owned by " + role);
            host.sql("drop role " + role);
        }
    }

    @Test
    void a_missing_journal_is_named_with_the_way_to_create_it() {
        host.sql("drop schema invoice_lock cascade");
        assertThatThrownBy(() -> host.server(provider).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("The journal \"invoice_lock\" is not there")
                .hasMessageContaining("InvoiceLockSchema.migrate(dataSource)")
                .hasMessageContaining("io/github/invoicelock/journal/V1__journal.psql");
    }

    @Test
    void a_journal_of_a_newer_or_older_version_is_refused() {
        host.sql("update invoice_lock.installation set journal_version = 999");
        assertThatThrownBy(() -> host.server(provider).build()).hasMessageContaining("newer invoice-lock");
        host.sql("update invoice_lock.installation set journal_version = 0");
        assertThatThrownBy(() -> host.server(provider).build()).hasMessageContaining("Migrate it");
    }

    @Test
    void migrate_refuses_a_journal_that_a_newer_version_made() {
        host.sql(
                "insert into invoice_lock.schema_history (installed_rank, version, description, type, script, installed_by, execution_time, success) "
                        + "values (99, '99', 'later', 'SQL', 'V99__later.sql', 'x', 1, true)");
        assertThatThrownBy(() -> InvoiceLockSchema.migrate(host.dataSource()))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("newer invoice-lock");
    }

    @Test
    void migrate_can_be_called_again_and_into_another_schema() {
        InvoiceLockSchema.migrate(host.dataSource());
        InvoiceLockSchema.migrate(host.dataSource(), "Other journal");
        try (LockingInvoiceBiller server =
                host.server(provider).journalSchema("Other journal").build()) {
            assertThat(server.billPending().billed()).isEqualTo(2);
        }
        assertThat(host.count("\"Other journal\".billing_attempt", "state = 'BILLED'"))
                .isEqualTo(2);
        assertThat(host.count("invoice_lock.billing_attempt", "true")).isZero();
    }

    @Test
    void to_distribute_the_journal_takes_citus() {
        assertThatThrownBy(() -> InvoiceLockSchema.distribute(host.dataSource()))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("has no extension citus");
        assertThatThrownBy(() -> InvoiceLockSchema.distribute(host.dataSource(), ""))
                .hasMessageContaining("schema is \"\"");
    }

    @Test
    void the_same_sql_can_be_run_by_hand_and_migrated_afterwards() throws Exception {
        host.sql("drop schema invoice_lock cascade");
        try (InputStream script =
                        InvoiceLockSchema.class.getResourceAsStream("/io/github/invoicelock/journal/V1__journal.psql");
                Connection byHand = host.database().directDataSource().getConnection()) {
            assertThat(script).isNotNull();
            TestHost.execute(
                    byHand,
                    "create schema invoice_lock; set search_path to invoice_lock;"
                            + new String(script.readAllBytes(), StandardCharsets.UTF_8));
        }
        try (LockingInvoiceBiller server = host.server(provider).build()) {
            assertThat(server.billPending().billed()).isEqualTo(2);
        }
        InvoiceLockSchema.migrate(host.dataSource());
        assertThat(host.count("invoice_lock.billing_attempt", "true")).isEqualTo(2);
    }

    @Test
    void a_host_without_flyway_is_told_so_if_there_is_something_to_migrate() throws Exception {
        try (URLClassLoader withoutFlyway = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                if (name.startsWith("org.flywaydb")) {
                    throw new ClassNotFoundException(name);
                }
                return super.findClass(name);
            }
        }) {
            Class<?> schema = withoutFlyway.loadClass(InvoiceLockSchema.class.getName());
            Method migrate = schema.getMethod("migrate", DataSource.class);
            migrate.invoke(null, host.dataSource());
            host.sql("drop schema invoice_lock cascade");
            assertThatThrownBy(() -> migrate.invoke(null, host.dataSource()))
                    .cause()
                    .hasMessageContaining("Flyway is not on the class path")
                    .hasMessageContaining("V1__journal.psql by hand");
        }
    }

    @Test
    void a_database_that_is_not_postgresql_is_refused() {
        DataSource other = dataSourceThat("getDatabaseProductName", "H2");
        assertThatThrownBy(() -> LockingInvoiceBiller.builder(other, provider).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("leads to H2");
        assertThatThrownBy(() -> InvoiceLockSchema.migrate(other)).hasMessageContaining("leads to H2");
    }

    @Test
    void a_server_that_cannot_be_reached_is_named() {
        PGSimpleDataSource nowhere = new PGSimpleDataSource();
        nowhere.setUrl("jdbc:postgresql://127.0.0.1:1/none");
        assertThatThrownBy(() -> LockingInvoiceBiller.builder(nowhere, provider).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("no usable connection");
    }

    @Test
    void a_read_only_database_is_written_to_all_the_same_where_it_is_only_a_default() {
        host.sql("alter database " + host.database().name() + " set default_transaction_read_only = on");
        try (LockingInvoiceBiller server = host.server(provider).build()) {
            assertThat(server.billPending().billed()).isEqualTo(2);
        }
    }

    @Test
    void one_name_on_two_tables_is_refused() {
        host.sql("create table others (id bigint primary key, pending boolean)");
        host.running(host.server(provider).name("bills"));
        assertThatThrownBy(() -> host.server(provider)
                        .name("bills")
                        .invoices(InvoiceTable.named("others"))
                        .build())
                .hasMessageContaining(
                        "The name \"bills\" stands for table \"public\".\"invoices\", not for \"public\".\"others\"");
    }

    @Test
    void two_names_for_the_same_invoices_are_refused_as_each_has_its_own_keys() {
        host.running(host.server(provider).name("bills"));
        assertThatThrownBy(() -> host.server(provider).name("charges").build())
                .hasMessageContaining("\"bills\" bills the same pending invoices");

        InvoiceTable small = InvoiceTable.named("invoices").billableWhen(condition("amount < 100"));
        assertThatThrownBy(() ->
                        host.server(provider).name("small").invoices(small).build())
                .as("a part of what the other bills")
                .hasMessageContaining("\"bills\" bills the same pending invoices");
        host.sql("alter table invoices add deposit_pending boolean default true");
        host.running(host.server(provider)
                .name("deposits")
                .invoices(InvoiceTable.named("invoices").pendingColumn("deposit_pending")));
    }

    @Test
    void a_server_that_starts_again_waits_for_nobody_who_is_being_registered() throws Exception {
        host.server(provider).name("bills").build().close();

        try (Connection registering = host.connection()) {
            registering.setAutoCommit(false);
            TestHost.execute(registering, "lock table invoice_lock.biller in share row exclusive mode");

            assertThat(host.running(host.server(provider).name("bills"))
                            .billPending()
                            .billed())
                    .isEqualTo(2);
        }
    }

    @Test
    void two_names_for_parts_of_the_same_table_are_fine() {
        InvoiceTable small = InvoiceTable.named("invoices").billableWhen(condition("amount < 100"));
        InvoiceTable large = InvoiceTable.named("invoices").billableWhen(condition("amount >= 100"));

        assertThat(host.running(host.server(provider).name("small").invoices(small))
                        .billPending()
                        .billed())
                .isEqualTo(2);
        assertThat(host.running(host.server(provider).name("large").invoices(large))
                        .billPending()
                        .seen())
                .isZero();
    }

    @Test
    void a_set_up_that_is_refused_has_written_nothing() {
        assertThatThrownBy(() -> host.server(provider).name("x").concurrency(0).build());
        assertThatThrownBy(() -> host.server(provider)
                .name("x")
                .invoices(InvoiceTable.named("none"))
                .build());
        assertThat(host.count("invoice_lock.biller", "true")).isZero();
    }

    @Test
    void what_is_only_unwise_is_logged_with_the_statement_that_mends_it() {
        InvoiceTable byDate = InvoiceTable.named("invoices").orderedBy("due_date");
        String log = Log.of(() -> host.running(host.server(provider).name("a").invoices(byDate)));
        assertThat(log)
                .contains(
                        "create index concurrently on \"public\".\"invoices\" (\"due_date\", \"id\") where \"pending\"");

        host.sql("create index on invoices (due_date, id) where pending");
        assertThat(Log.of(() -> host.running(host.server(provider).name("a").invoices(byDate))))
                .doesNotContain("create index");
        assertThat(Log.of(() -> host.running(host.server(provider).name("a")))).doesNotContain("create index");
        host.sql("drop index invoices_id_idx");
        assertThat(Log.of(() -> host.running(host.server(provider).name("a"))))
                .as("the primary key alone would read all that are paid")
                .contains("create index concurrently on \"public\".\"invoices\" (\"id\") where \"pending\"");
    }

    private DynamicTest wrong(String message, UnaryOperator<LockingInvoiceBiller.Builder> setting) {
        return DynamicTest.dynamicTest(message, () -> {
            LockingInvoiceBiller.Builder builder = setting.apply(host.server(provider));
            assertThatThrownBy(builder::build)
                    .isInstanceOf(SetupException.class)
                    .hasMessageContaining(message);
        });
    }

    private DynamicTest table(String message, InvoiceTable table) {
        return DynamicTest.dynamicTest(
                message,
                () -> assertThatThrownBy(
                                () -> host.server(provider).invoices(table).build())
                        .isInstanceOf(SetupException.class)
                        .hasMessageContaining(message));
    }

    private void refused(DataSource app, String message) {
        assertThatThrownBy(() -> LockingInvoiceBiller.builder(app, provider).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining(message)
                .hasMessageContaining("Run: grant");
    }

    private DataSource as(String role) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(host.database().jdbcUrl());
        dataSource.setUser(role);
        dataSource.setPassword("secret");
        return dataSource;
    }

    private static URL[] classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(java.io.File.pathSeparator, -1))
                .map(entry -> {
                    try {
                        return Path.of(entry).toUri().toURL();
                    } catch (java.net.MalformedURLException e) {
                        throw new AssertionError(e);
                    }
                })
                .toArray(URL[]::new);
    }

    /** A DataSource whose metadata answers one question otherwise. */
    private DataSource dataSourceThat(String question, Object answer) {
        return proxy(
                DataSource.class,
                host.dataSource(),
                Map.of(
                        "getConnection",
                        connection -> proxy(
                                Connection.class,
                                connection,
                                Map.of(
                                        "getMetaData",
                                        metaData -> proxy(
                                                DatabaseMetaData.class,
                                                metaData,
                                                Map.of(question, ignored -> answer))))));
    }

    private static <T> T proxy(Class<T> type, Object target, Map<String, UnaryOperator<Object>> changed) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    try {
                        Object result = method.invoke(target, arguments);
                        UnaryOperator<Object> change = changed.get(method.getName());
                        return change == null ? result : change.apply(result);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }
}
