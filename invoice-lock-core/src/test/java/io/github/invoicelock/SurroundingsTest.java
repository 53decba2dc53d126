package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.condition;
import static org.jooq.impl.DSL.field;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.ds.PGSimpleDataSource;

/** What a host's surroundings decide (its class path, pool, session, conditions) either makes no difference or is told when it starts. */
class SurroundingsTest {
    private final TestHost host = TestHost.withInvoices(2);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"classpath:db", "classpath:"})
    void a_hosts_own_flyway_takes_none_of_our_files_wherever_it_looks(String location) {
        FluentConfiguration hosts = Flyway.configure()
                .dataSource(host.database().directDataSource())
                .locations(location)
                .baselineOnMigrate(true)
                .baselineVersion("0");

        assertThat(hosts.load().info().all())
                .extracting(migration -> String.valueOf(migration.getScript()))
                .noneMatch(script -> script.contains("journal") || script.contains("distribute"));
    }

    @Test
    void types_are_found_wherever_the_search_path_leads() throws Exception {
        host.sql("create schema kinds");
        host.sql("create type kinds.urgency as enum ('now', 'soon')");
        host.sql("create domain kinds.rank as int");
        host.sql("create type kinds.pair as (a int, b int)");
        host.sql(
                "alter table invoices add urgency kinds.urgency not null default 'soon', add rank kinds.rank default 1, "
                        + "add pair kinds.pair, add several kinds.urgency[] default '{now}'");
        host.sql("alter database " + host.database().name() + " set search_path = kinds, public");
        HikariConfig config = new HikariConfig();
        config.setDataSource(host.database().dataSource());
        config.setMaximumPoolSize(4);
        try (HikariDataSource pool = new HikariDataSource(config);
                LockingInvoiceBiller server = host.server(pool, provider)
                        .invoices(InvoiceTable.named("invoices")
                                .orderedBy("urgency")
                                .including(
                                        field("urgency").as("again"),
                                        field("rank").as("place"),
                                        field("several").as("all_of_them")))
                        .build()) {
            pool.getHikariPoolMXBean().softEvictConnections();
            host.sql("alter database " + host.database().name() + " set search_path = public");
            pool.getHikariPoolMXBean().softEvictConnections();

            assertThat(server.billPending().billed()).isEqualTo(2);
            assertThat(provider.requests().get(0).invoice().get("again")).hasToString("soon");
        }
    }

    @TestFactory
    Stream<DynamicTest> an_invoice_that_would_still_be_pending_when_it_was_marked_is_refused() {
        host.sql("create table payments (state text)");
        InvoiceTable table = InvoiceTable.named("invoices");
        InvoiceTable open = table.pendingWhen(condition("state = 'open'"));
        return Stream.of(
                marked(open.onBilledSet("state", "open"), true),
                marked(open.onBilledSet("state", field("lower('OPEN')")), true),
                marked(
                        table.pendingWhen(condition("invoices.state = 'open' and true"))
                                .onBilledSet("state", "open"),
                        true),
                marked(table.pendingWhen(condition("state <> 'paid'")).onBilledSet("state", "payed"), true),
                marked(table.onBilledSet("pending", true), true),
                marked(open.onBilledSet("state", "paid"), false),
                marked(table.pendingWhen(condition("billed_at is null")).storeBilledAtIn("billed_at"), false),
                marked(table.pendingWhen(condition("reference is null")).storeReferenceIn("reference"), false),
                // What the row itself holds decides, or cannot be told.
                marked(table.pendingWhen(condition("billed_at is null")).storeReferenceIn("reference"), false),
                marked(
                        table.pendingWhen(condition("coalesce(amount, 0) < coalesce(id, 1)"))
                                .onBilledSet("amount", field("id")),
                        false),
                marked(
                        open.pendingWhen(condition("not exists (select from payments p where p.state = state)"))
                                .onBilledSet("state", "payed"),
                        false),
                marked(
                        table.pendingWhen(condition("to_jsonb(invoices) ->> 'billed_at' is null or state = 'x'"))
                                .onBilledSet("state", "x"),
                        false),
                marked(open.onBilledSet("state", field("(select 'open')")), false),
                marked(
                        table.pendingWhen(condition("coalesce(amount, 0) = 0 or pending"))
                                .onBilledSet("pending", false),
                        false),
                marked(table.pendingWhen(condition("pending")).onBilledSet("state", "open"), false),
                marked(table.pendingWhen(condition("reference = 'none'")).storeReferenceIn("reference"), false),
                marked(table.onBilledSet("state", "paid"), false));
    }

    private DynamicTest marked(InvoiceTable table, boolean refused) {
        return DynamicTest.dynamicTest(table + " " + refused, () -> {
            host.sql("truncate invoice_lock.biller");
            LockingInvoiceBiller.Builder builder = host.server(provider).invoices(table);
            if (refused) {
                assertThatThrownBy(builder::build)
                        .isInstanceOf(SetupException.class)
                        .hasMessageContaining("would still be pending")
                        .hasMessageContaining("onBilledSet");
            } else {
                builder.build().close();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"before", "after"})
    void a_trigger_of_a_partition_may_end_what_is_pending(String when) {
        host.sql("create table parts (id bigint primary key, state text default 'open', closed boolean default false) "
                + "partition by range (id)");
        host.sql("create table part partition of parts for values from (0) to (9)");
        host.sql("insert into parts values (1)");
        host.sql("create function closes() returns trigger language plpgsql as 'begin if new.state = ''paid'' then "
                + (when.equals("before")
                        ? "new.state := ''closed''; end if; return new; end'"
                        : "update parts set state = ''closed'' where id = new.id; end if; return null; end'"));
        host.sql("create trigger closes " + when + " update on part for each row execute function closes()");

        LockingInvoiceBiller server = host.running(host.server(provider)
                .invoices(InvoiceTable.named("parts")
                        .pendingWhen(condition("state <> 'closed'"))
                        .onBilledSet("state", "paid")));

        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(host.one("select state from parts")).isEqualTo("closed");
    }

    @Test
    void a_hook_may_end_what_is_pending() {
        LockingInvoiceBiller server = host.running(host.server(provider)
                .invoices(InvoiceTable.named("invoices")
                        .pendingWhen(condition("state <> 'closed'"))
                        .onBilledSet("state", "paid"))
                .onBilled((tx, attempt, reference) ->
                        tx.execute("update invoices set state = 'closed' where id = " + attempt.invoiceId())));

        assertThat(server.billPending().billed()).isEqualTo(2);
        assertThat(host.count("invoices", "state = 'closed'")).isEqualTo(2);
    }

    @Test
    void a_trigger_may_end_what_is_pending() {
        host.sql(
                "create function pay() returns trigger language plpgsql as 'begin new.billed_at := now(); return new; end'");
        host.sql("create trigger pay before update on invoices for each row execute function pay()");

        LockingInvoiceBiller server = host.running(host.server(provider)
                .invoices(InvoiceTable.named("invoices")
                        .pendingWhen(condition("billed_at is null"))
                        .storeReferenceIn("reference")));

        assertThat(server.billPending().billed()).isEqualTo(2);
    }

    @Test
    void a_window_that_no_repeated_call_can_fit_into_is_refused_or_told() {
        Duration halfADay = Duration.ofHours(12);
        assertThatThrownBy(() -> host.server(TestProvider.thatRemembersFor(Duration.ofHours(23)))
                        .callTimeout(halfADay)
                        .build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("callTimeout is PT12H")
                .hasMessageContaining("idempotencyWindow() is PT23H")
                .hasMessageContaining("callTimeout of at most PT11H29M59S");
        String log = Log.of(() -> host.running(
                host.server(TestProvider.thatRemembersAndCanBeAsked()).callTimeout(halfADay)));
        assertThat(log).contains("callTimeout is PT12H").contains("idempotencyWindow() is PT24H");
        assertThat(Log.of(() -> host.running(
                        host.server(TestProvider.thatOffersNothing()).callTimeout(halfADay))))
                .doesNotContain("callTimeout is");
    }

    @Test
    void a_pool_that_is_smaller_than_the_calls_is_told_with_both_numbers() {
        assertThat(Log.of(() -> host.running(
                        host.server(provider).concurrency(host.dataSource().getMaximumPoolSize()))))
                .contains("concurrency is " + host.dataSource().getMaximumPoolSize())
                .contains("at most " + host.dataSource().getMaximumPoolSize() + " connections")
                .contains("at least " + (host.dataSource().getMaximumPoolSize() + 1));
        assertThat(Log.of(() -> host.running(
                        host.server(provider).concurrency(host.dataSource().getMaximumPoolSize() - 1))))
                .doesNotContain("concurrency is");
        assertThat(Log.of(() -> host.running(
                        host.server(provider).lockScope(LockScope.CLAIM_ONLY).concurrency(100))))
                .doesNotContain("concurrency is");
        assertThat(Log.of(() -> host.running(
                        host.server(wrapping(host.dataSource()), provider).concurrency(100))))
                .contains("concurrency is 100");
    }

    @Test
    void a_data_source_that_does_not_say_what_it_wraps_works() {
        DataSource silent = (DataSource) Proxy.newProxyInstance(
                SurroundingsTest.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> {
                    if (method.getName().equals("isWrapperFor")) {
                        throw new UnsupportedOperationException("isWrapperFor");
                    }
                    return invoked(host.dataSource(), method, arguments);
                });

        assertThat(host.running(host.server(silent, provider)).billPending().billed())
                .isEqualTo(2);
    }

    @Test
    void a_connection_that_breaks_in_the_set_up_is_not_the_hosts_conditions_fault() {
        for (String broken : new String[] {"explain update", "explain select", "1 + 1 as"}) {
            assertThatThrownBy(() -> host.server(breakingAt(broken), provider)
                            .invoices(InvoiceTable.named("invoices")
                                    .including(field("1 + 1").as("two")))
                            .build())
                    .as(broken)
                    .isInstanceOf(DatabaseException.class)
                    .hasMessageContaining("57P01")
                    .hasMessageNotContaining("pendingWhen");
        }
    }

    @Test
    void an_id_whose_collation_takes_two_texts_for_one_is_told() {
        host.sql("create collation caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
        host.sql("create table texts (id text collate caseless primary key, pending boolean not null default true)");
        host.sql("create table exact_texts (id text collate \"C\" primary key, pending boolean not null default true)");

        assertThat(Log.of(
                        () -> host.running(host.server(provider).name("texts").invoices(InvoiceTable.named("texts")))))
                .contains("column \"id\" of \"texts\"")
                .contains("\"caseless\"")
                .contains("other spellings");
        assertThat(Log.of(() ->
                        host.running(host.server(provider).name("exact").invoices(InvoiceTable.named("exact_texts")))))
                .doesNotContain("collation");
    }

    @Test
    void migrate_in_a_read_only_session_says_so() {
        host.sql("drop schema invoice_lock cascade");
        PGSimpleDataSource readOnly = new PGSimpleDataSource();
        readOnly.setUrl(host.database().jdbcUrl());
        readOnly.setOptions("-c default_transaction_read_only=on");

        assertThatThrownBy(() -> InvoiceLockSchema.migrate(readOnly))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("read-only")
                .hasMessageContaining("default_transaction_read_only")
                .hasMessageNotContaining("needs create on the database");
    }

    @Test
    void a_journal_that_is_up_to_date_needs_no_flyway_and_no_privilege_to_write() {
        PGSimpleDataSource readOnly = new PGSimpleDataSource();
        readOnly.setUrl(host.database().jdbcUrl());
        readOnly.setOptions("-c default_transaction_read_only=on");

        InvoiceLockSchema.migrate(readOnly);

        assertThat(host.count("invoice_lock.schema_history", "true")).isPositive();
    }

    /** A DataSource that knows of its pool only when it is asked. */
    private static DataSource wrapping(DataSource pool) {
        return (DataSource) Proxy.newProxyInstance(
                SurroundingsTest.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> {
                    try {
                        return method.invoke(pool, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** A DataSource whose server is shut down just when a statement with this text is sent. */
    private DataSource breakingAt(String text) {
        AtomicBoolean once = new AtomicBoolean();
        return (DataSource) Proxy.newProxyInstance(
                SurroundingsTest.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> {
                    Object result = invoked(host.dataSource(), method, arguments);
                    return result instanceof Connection connection ? breaking(connection, text, once) : result;
                });
    }

    private Connection breaking(Connection target, String text, AtomicBoolean once) {
        return (Connection) Proxy.newProxyInstance(
                SurroundingsTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (self, method, arguments) -> {
                    if (method.getName().equals("prepareStatement")
                            && String.valueOf(arguments[0]).contains(text)
                            && once.compareAndSet(false, true)) {
                        try (PreparedStatement own = target.prepareStatement("select pg_backend_pid()")) {
                            own.execute();
                            own.getResultSet().next();
                            host.sql("select pg_terminate_backend("
                                    + own.getResultSet().getInt(1) + ", 5000)");
                        }
                    }
                    return invoked(target, method, arguments);
                });
    }

    private static Object invoked(Object target, java.lang.reflect.Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
