package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.condition;
import static org.jooq.impl.DSL.field;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.examples.postgres.CitusCluster;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** On Citus: invoices distributed by id, the journal by invoice, every statement of the library, in both scopes. */
class CitusTest {
    private static final String UNIQUE = UUID.randomUUID().toString().substring(0, 8);
    private static final String JOURNAL = "citus test " + UNIQUE;
    private static final String INVOICES = "citus_test_" + UNIQUE;
    private static final String ATTEMPTS = "\"" + JOURNAL + "\".billing_attempt";

    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final List<AutoCloseable> open = new ArrayList<>();
    private final List<String> anomalies = new CopyOnWriteArrayList<>();
    private String jdbcUrl = "";
    private @Nullable HikariDataSource pool;

    @BeforeAll
    static void leaveOutWithoutACluster() {
        assumeTrue(CitusCluster.jdbcUrl().isPresent(), () -> CitusCluster.leftOut(CitusTest.class));
    }

    @BeforeEach
    void open() {
        jdbcUrl = CitusCluster.jdbcUrl().orElseThrow();
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl);
        config.setMaximumPoolSize(12);
        config.setMinimumIdle(0);
        pool = new HikariDataSource(config);
        InvoiceLockSchema.migrate(pool, JOURNAL);
        InvoiceLockSchema.distribute(pool, JOURNAL);
        sql("create table " + INVOICES + " (id bigint primary key, pending boolean not null default true, "
                + "amount numeric(12, 2) not null default 10.50, due_date date, state text not null default 'open', "
                + "reference text, billed_at timestamptz)");
        sql("select create_distributed_table('" + INVOICES + "', 'id', shard_count => 8)");
        sql("create index on " + INVOICES + " (due_date, id) where pending");
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
        if (pool != null) {
            sql("drop table if exists " + INVOICES);
            sql("drop schema if exists \"" + JOURNAL + "\" cascade");
            pool.close();
        }
    }

    @Ways.InEveryScope
    void everything_that_a_biller_does(LockScope scope) throws Exception {
        invoices(300);
        provider.answering((p, request) -> switch (request.invoiceId()) {
            case "2" -> p.refuse(request);
            case "3" -> BillingOutcome.unknown("500");
            case "4" -> BillingOutcome.notBilled("429");
            case "5", "6" -> BillingOutcome.accepted("dd_" + request.invoiceId(), Duration.ofDays(1));
            default -> p.charge(request);
        });
        // Never seen, and that is believed after the lease (R7).
        provider.finding(request -> BillingOutcome.unknown("the index lags"));
        LockingInvoiceBiller biller = running(server(scope)
                .concurrency(4)
                .retryPolicy(attempt -> attempt.state() == AttemptState.DECLINED || attempt.calls() > 1
                        ? Optional.empty()
                        : Optional.of(Duration.ZERO)));
        assertThat(withdraw(biller, 9)).isEqualTo(Withdrawal.WITHDRAWN);

        BillingRun run = biller.billPending();

        assertThat(run.billed()).isEqualTo(294);
        assertThat(run.seen()).isEqualTo(299);
        assertThat(withdraw(biller, 1)).isEqualTo(Withdrawal.BILLED);
        assertThat(withdraw(biller, 5)).isEqualTo(Withdrawal.IN_FLIGHT);
        assertThat(biller.recover().parked()).as("3 and 4, tried twice").isEqualTo(2);
        assertThat(biller.needsAttention())
                .as("9 was taken back, but not set to not pending")
                .extracting(BillingAttempt::invoiceId)
                .containsExactlyInAnyOrder("2", "3", "4", "9");
        assertThat(one("select string_agg(invoice_id, ',' order by invoice_id) from \"" + JOURNAL
                        + "\".needs_attention"))
                .isEqualTo("2,3,4,9");
        assertThat(one("select count(*) from \"" + JOURNAL + "\".in_flight")).isEqualTo("2");
        assertThat(one("select count(*) from \"" + JOURNAL + "\".billed_today where marked"))
                .isEqualTo("294");

        biller.resolve(3, BillingOutcome.billed("ch_3"), "seen in the dashboard", "Ada");
        biller.report(biller.attempts(5).get(0).idempotencyKey(), BillingOutcome.billed("dd_5"));
        biller.report(biller.attempts(6).get(0).idempotencyKey(), BillingOutcome.declined("returned", "no money"));
        provider.answering(TestProvider::charge);
        List.of(2, 4, 6, 9).forEach(biller::retry);
        assertThat(biller.recover().billed()).isEqualTo(4);
        assertThat(biller.attempts(2)).extracting(BillingAttempt::number).containsExactly(1, 2);
        assertThat(biller.attempts(3).get(0).note()).contains("seen in the dashboard");
        assertThat(biller.needsAttention()).isEmpty();
        assertThat(biller.bill(1).seen()).isZero();
        assertThat(count(INVOICES, "not pending and reference is not null and billed_at is not null"))
                .isEqualTo(300);
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(count(ATTEMPTS, "state = 'BILLED' and due_at is null and invoice is null"))
                .isEqualTo(300);

        sql("update " + INVOICES + " set pending = true where id = 7");
        assertThat(biller.billPending().seen()).as("R14").isZero();
        assertThat(anomalies).anyMatch(anomaly -> anomaly.startsWith("7 "));
    }

    @Ways.InEveryScope
    void a_row_that_the_host_holds_is_contention_and_waited_for_no_longer_than_on_one_server(LockScope scope)
            throws Exception {
        invoices(1);
        Connection holder = holding(1);
        LockingInvoiceBiller biller = running(server(scope));

        assertThat(biller.billPending().contended()).as("NOWAIT").isEqualTo(1);
        assertThat(withdraw(biller, 1))
                .as("the host's own wait ends on the worker")
                .isEqualTo(Withdrawal.IN_FLIGHT);

        holder.rollback();
        assertThat(biller.billPending().billed()).isEqualTo(1);
    }

    @Test
    void through_the_call_a_host_that_takes_the_row_after_the_claim_is_contention() throws Exception {
        invoices(1);
        Connection[] holder = new Connection[1];
        FaultyDataSource database = new FaultyDataSource(pool());
        LockingInvoiceBiller biller = running(server(database.proxy(), LockScope.THROUGH_CALL));
        database.strikeOnce(after(COMMIT).of(CLAIM), crossing -> holder[0] = holding(1));

        // Waits for the second lock, on a worker: R9 ends it.
        assertThat(biller.billPending().contended()).isEqualTo(1);

        assertThat(one("select state from " + ATTEMPTS)).isEqualTo("NOT_BILLED");
        assertThat(provider.requests()).isEmpty();
    }

    @Test
    void what_is_charged_while_the_host_holds_the_row_is_journaled_at_once_and_marked_later() throws Exception {
        invoices(3);
        Connection[] holder = new Connection[1];
        provider.answering((p, request) -> {
            if (request.invoiceId().equals("2")) {
                holder[0] = holding(2);
            }
            return p.charge(request);
        });
        LockingInvoiceBiller biller = running(server(LockScope.CLAIM_ONLY).concurrency(3));

        assertThat(biller.billPending().billed()).isEqualTo(3);

        assertThat(count(ATTEMPTS, "state = 'BILLED'")).as("R12").isEqualTo(3);
        assertThat(count(INVOICES, "pending")).isEqualTo(1);
        holder[0].rollback();
        dueNow("2");
        assertThat(biller.recover().billed()).isEqualTo(1);
        assertThat(count(INVOICES, "pending")).isZero();
    }

    @Ways.InEveryScope
    void what_a_dead_server_left_is_resolved_once(LockScope scope) {
        invoices(2);
        LockingInvoiceBiller dead = running(server(scope));
        provider.answering(BillingOutcome.unknown("never written"));
        dead.billPending();
        provider.charge(provider.requestsFor(1).get(0));
        for (String id : List.of("1", "2")) {
            sql("update " + ATTEMPTS
                    + " set state = 'STARTED', owner = 'dead', calls = 0, settled_at = null, started_at = now() - interval '1 minute', "
                    + "due_at = now() - interval '48 s', lease_until = now() - interval '48 s' where invoice_id = '"
                    + id + "'");
        }
        provider.answering(TestProvider::charge);

        BillingRun run = running(server(scope)).recover();

        assertThat(run.billed()).isEqualTo(2);
        assertThat(run.recovered()).isEqualTo(2);
        assertThat(provider.chargesOf(1)).isEqualTo(1);
        assertThat(provider.chargesOf(2)).isEqualTo(1);
    }

    @Ways.InEveryScope
    void servers_that_meet_bill_each_invoice_once(LockScope scope) {
        invoices(200);
        List<InBackground<BillingRun>> runs = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            LockingInvoiceBiller biller = running(server(scope).concurrency(3));
            runs.add(InBackground.of(biller::billPending));
        }

        int billed = runs.stream().mapToInt(run -> run.result().billed()).sum();

        assertThat(billed).isEqualTo(200);
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(provider.overlaps()).isEmpty();
        assertThat(count(ATTEMPTS, "state = 'BILLED'")).isEqualTo(200);
        // Where a settlement met another server's momentary look, the mark is a later pass's (R12).
        dueNow("%");
        running(server(scope)).recover();
        assertThat(count(INVOICES, "pending")).isZero();
    }

    @ParameterizedTest
    @EnumSource(names = {"SKIP_LOCKED", "WAIT"})
    void other_strategies_are_refused(LockStrategy strategy) {
        assertThatThrownBy(() ->
                        server(LockScope.THROUGH_CALL).lockStrategy(strategy).build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("lockStrategy is " + strategy + "; on Citus it must be NOWAIT");
    }

    @Test
    void pruning_is_refused() {
        assertThatThrownBy(() -> InvoiceLockSchema.prune(
                        pool(),
                        running(server(LockScope.CLAIM_ONLY)),
                        Instant.now().minus(Duration.ofDays(730))))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("cannot be pruned on Citus");
    }

    @Test
    void a_table_or_a_journal_that_is_distributed_otherwise_is_refused() {
        sql("drop table " + INVOICES);
        sql("create table " + INVOICES + " (id bigint, tenant int, pending boolean, primary key (tenant, id))");
        sql("select create_distributed_table('" + INVOICES + "', 'tenant')");

        assertThatThrownBy(() -> LockingInvoiceBiller.builder(pool(), provider)
                        .invoices(InvoiceTable.named(INVOICES))
                        .journalSchema(JOURNAL)
                        .build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("is distributed by \"tenant\", not by \"id\"");
    }

    @Test
    void distributing_keeps_what_was_journaled_and_may_be_repeated() {
        sql("drop schema \"" + JOURNAL + "\" cascade");
        InvoiceLockSchema.migrate(pool(), JOURNAL);
        invoices(2);
        assertThat(running(server(LockScope.CLAIM_ONLY)).bill(1).billed())
                .as("with a journal on the coordinator")
                .isEqualTo(1);

        InvoiceLockSchema.distribute(pool(), JOURNAL);
        InvoiceLockSchema.distribute(pool(), JOURNAL);

        assertThat(running(server(LockScope.CLAIM_ONLY)).billPending().billed()).isEqualTo(1);
        assertThat(count(ATTEMPTS, "state = 'BILLED'")).isEqualTo(2);
        assertThat(provider.chargedTwice()).isEmpty();
    }

    private LockingInvoiceBiller.Builder server(LockScope scope) {
        return server(pool(), scope);
    }

    private LockingInvoiceBiller.Builder server(DataSource dataSource, LockScope scope) {
        return LockingInvoiceBiller.builder(dataSource, provider)
                .name(INVOICES)
                .journalSchema(JOURNAL)
                .invoices(InvoiceTable.named(INVOICES)
                        .orderedBy("due_date")
                        .billableWhen(condition("amount > 0"))
                        .including(field("amount * 2").as("twice"))
                        .storeReferenceIn("reference")
                        .storeBilledAtIn("billed_at")
                        .onDeclinedSet("state", "refused"))
                .lockScope(scope)
                .callTimeout(Duration.ofSeconds(10))
                .leaseMargin(Duration.ofSeconds(2))
                .listener(new BillingListener() {
                    @Override
                    public void anomaly(String invoiceId, String what) {
                        anomalies.add(invoiceId + " " + what);
                    }
                });
    }

    private LockingInvoiceBiller running(LockingInvoiceBiller.Builder builder) {
        LockingInvoiceBiller biller = builder.build();
        open.add(biller);
        return biller;
    }

    private Withdrawal withdraw(LockingInvoiceBiller biller, long id) throws SQLException {
        try (Connection connection = connect()) {
            connection.setAutoCommit(false);
            Withdrawal withdrawal = biller.withdraw(connection, id);
            connection.commit();
            return withdrawal;
        }
    }

    private Connection holding(long id) {
        try {
            Connection connection = connect();
            open.add(connection);
            connection.setAutoCommit(false);
            TestHost.execute(connection, "select 1 from " + INVOICES + " where id = " + id + " for update");
            return connection;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private void dueNow(String idPattern) {
        sql("update " + ATTEMPTS + " set due_at = now() where due_at is not null and invoice_id like '" + idPattern
                + "'");
    }

    private void invoices(int count) {
        sql("insert into " + INVOICES + " (id, due_date) select g, date '2030-01-01' + g % 5 from generate_series(1, "
                + count + ") g");
    }

    private HikariDataSource pool() {
        return java.util.Objects.requireNonNull(pool);
    }

    private Connection connect() throws SQLException {
        return DriverManager.getConnection(jdbcUrl);
    }

    private void sql(String sql) {
        try (Connection connection = connect()) {
            TestHost.execute(connection, sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private String one(String sql) {
        try (Connection connection = connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? String.valueOf(row.getString(1)) : "";
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private int count(String table, String where) {
        return Integer.parseInt(one("select count(*) from " + table + " where " + where));
    }
}
