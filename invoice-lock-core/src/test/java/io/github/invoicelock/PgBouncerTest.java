package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.examples.postgres.PgBouncer;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Behind a real PgBouncer in transaction mode, where each transaction may be on another of the server's few connections. */
class PgBouncerTest {
    /** Fewer than either host has of its own. */
    private static final int CONNECTIONS = 3;

    private static @Nullable PgBouncer pgBouncer;

    private final PostgresDatabase database = PostgresServer.shared().createDatabase();
    private final EveryCall everyCall = EveryCall.with(database.dataSource());
    private final TestProvider provider = everyCall.provider();
    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeAll
    static void is_installed() throws Exception {
        if (PgBouncer.program().isEmpty()) {
            System.out.println("PgBouncerTest is skipped: pgbouncer is not installed");
        }
        assumeTrue(PgBouncer.program().isPresent(), "pgbouncer is not installed");
        pgBouncer = PgBouncer.inFrontOf(PostgresServer.shared().jdbcUrl(), CONNECTIONS);
    }

    @AfterAll
    static void end() {
        if (pgBouncer != null) {
            pgBouncer.close();
        }
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : open) {
            each.close();
        }
        database.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void everything_works(LockStrategy strategy, LockScope scope) throws Exception {
        HikariDataSource host = host(10);
        InvoiceLockSchema.migrate(host); // works, although docs/operations.md advises against it

        everyCall.areAnswered(host, strategy, scope);
    }

    @Ways.WithEveryStrategyInEveryScope
    void two_servers_with_more_connections_than_it_has_bill_each_invoice_once(LockStrategy strategy, LockScope scope) {
        HikariDataSource a = host(10);
        HikariDataSource b = host(10);
        InvoiceLockSchema.migrate(a);
        AtomicInteger calls = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        provider.answering((p, request) -> {
            most.accumulateAndGet(calls.incrementAndGet(), Math::max);
            try {
                return p.charge(request);
            } finally {
                calls.decrementAndGet();
            }
        });
        execute("insert into invoices (id) select generate_series(12, 60)");

        try (LockingInvoiceBiller first = biller(a, strategy, scope);
                LockingInvoiceBiller second = biller(b, strategy, scope)) {
            InBackground<BillingRun> other = InBackground.of(second::billPending);
            int billed = first.billPending().billed() + other.result().billed();

            // What was contended in both runs, or waited for one's time, is there for the next.
            billed += first.billPending().billed();
            assertThat(billed).isEqualTo(60);
        }
        assertThat(provider.charges()).isEqualTo(60);
        assertThat(provider.overlaps()).isEmpty();
        if (scope == LockScope.THROUGH_CALL) {
            assertThat(most.get())
                    .as("each call has one of PgBouncer's connections")
                    .isBetween(1, CONNECTIONS);
        }
    }

    @Test
    void nothing_that_a_transaction_sets_is_left_to_the_next_client() throws Exception {
        HikariDataSource host = host(4);
        String before = settings(host);
        InvoiceLockSchema.migrate(database.directDataSource()); // past it, as docs/operations.md says
        try (LockingInvoiceBiller through = biller(host, LockStrategy.NOWAIT, LockScope.THROUGH_CALL);
                LockingInvoiceBiller claim = biller(host, LockStrategy.SKIP_LOCKED, LockScope.CLAIM_ONLY)) {
            through.billPending(RunLimits.none().invoices(5));
            claim.billPending();
        }

        // One after the other, in open transactions: each has another of the server's connections.
        List<Connection> all = new ArrayList<>();
        for (int i = 0; i < CONNECTIONS; i++) {
            Connection connection = host.getConnection();
            connection.setAutoCommit(false);
            all.add(connection);
            assertThat(settings(connection)).isEqualTo(before);
        }
        for (Connection connection : all) {
            connection.close();
        }
        assertThat(provider.charges()).isEqualTo(11);
    }

    @Test
    void servers_that_take_turns_leave_no_lock_on_its_connections() throws Exception {
        HikariDataSource a = host(4);
        HikariDataSource b = host(4);
        InvoiceLockSchema.migrate(database.directDataSource());
        execute("insert into invoices (id) select generate_series(12, 3000)");

        try (LockingInvoiceBiller first = biller(a, LockStrategy.SKIP_LOCKED, LockScope.CLAIM_ONLY, 1_000);
                LockingInvoiceBiller second = biller(b, LockStrategy.SKIP_LOCKED, LockScope.CLAIM_ONLY, 1_000)) {
            InBackground<BillingRun> other = InBackground.of(second::billPending);
            assertThat(first.billPending().billed() + other.result().billed()).isEqualTo(3_000);
        }

        try (Connection connection = a.getConnection();
                ResultSet locks = connection
                        .createStatement()
                        .executeQuery("select count(*) from pg_locks where locktype = 'advisory' "
                                + "and database = (select oid from pg_database where datname = current_database())")) {
            locks.next();
            assertThat(locks.getInt(1)).isZero();
        }
    }

    private LockingInvoiceBiller biller(HikariDataSource host, LockStrategy strategy, LockScope scope) {
        return biller(host, strategy, scope, 8);
    }

    private LockingInvoiceBiller biller(
            HikariDataSource host, LockStrategy strategy, LockScope scope, int concurrency) {
        return LockingInvoiceBiller.builder(host, provider)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(concurrency)
                .build();
    }

    private static String settings(HikariDataSource host) throws SQLException {
        try (Connection connection = host.getConnection()) {
            return settings(connection);
        }
    }

    private static String settings(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(
                        "select string_agg(name || '=' || setting, ' ' order by name) from pg_settings "
                                + "where name not in ('application_name', 'transaction_isolation', 'transaction_read_only')")) {
            row.next();
            return row.getString(1);
        }
    }

    private void execute(String sql) {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    /** A host's pool, in front of PgBouncer. */
    private HikariDataSource host(int connections) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(Objects.requireNonNull(pgBouncer).jdbcUrl(database.name()));
        config.setMaximumPoolSize(connections);
        config.setMinimumIdle(0);
        HikariDataSource host = new HikariDataSource(config);
        open.add(host);
        return host;
    }
}
