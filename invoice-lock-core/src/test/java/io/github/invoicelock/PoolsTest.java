package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.PGConnection;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.datasource.LazyConnectionDataSourceProxy;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;

/** Whatever hands the connections out, and in whatever state: everything works, or says what is missing; nothing hangs. */
class PoolsTest {
    private final PostgresDatabase database = PostgresServer.shared().createDatabase();
    /** The test's own: behind PgBouncer what a pool has left in a session is left to all who come by it. */
    private final DataSource own = database.directDataSource();

    private final EveryCall everyCall = EveryCall.with(own);
    private final TestProvider provider = everyCall.provider();
    private final List<HikariDataSource> pools = new ArrayList<>();

    PoolsTest() {
        InvoiceLockSchema.migrate(own);
    }

    @AfterEach
    void close() {
        pools.forEach(HikariDataSource::close);
        database.close();
    }

    /** What a host may have set, and not reset. */
    private static final String SETTINGS = "set timezone to 'Pacific/Chatham'; set intervalstyle to 'sql_standard'; "
            + "set bytea_output to 'escape'; set extra_float_digits to -5; set xmloption to document; "
            + "set lock_timeout to '1ms'; set idle_in_transaction_session_timeout to '1s'; "
            + "set default_transaction_isolation to 'serializable'; set default_transaction_read_only to on; "
            + "set enable_indexscan to off; set quote_all_identifiers to on; set array_nulls to off";

    @SuppressWarnings("ImmutableEnumChecker") // functions without a state
    enum Pool {
        AUTOCOMMIT_OFF(config -> config.setAutoCommit(false), UnaryOperator.identity()),
        READ_ONLY(config -> config.setReadOnly(true), UnaryOperator.identity()),
        SERIALIZABLE(config -> config.setTransactionIsolation("TRANSACTION_SERIALIZABLE"), UnaryOperator.identity()),
        TRANSACTION_AWARE(config -> {}, TransactionAwareDataSourceProxy::new),
        LAZY(config -> {}, LazyConnectionDataSourceProxy::new),
        LAZY_WITH_AUTOCOMMIT_OFF(config -> config.setAutoCommit(false), LazyConnectionDataSourceProxy::new),
        LAZY_AND_READ_ONLY(config -> config.setReadOnly(true), LazyConnectionDataSourceProxy::new),
        LAZY_AND_TRANSACTION_AWARE(
                config -> {}, pool -> new TransactionAwareDataSourceProxy(new LazyConnectionDataSourceProxy(pool))),
        SIMPLE_QUERIES(config -> config.addDataSourceProperty("preferQueryMode", "simple"), UnaryOperator.identity()),
        UNPREPARED(config -> config.addDataSourceProperty("prepareThreshold", "0"), UnaryOperator.identity()),
        AUTOSAVE(
                config -> {
                    config.setAutoCommit(false);
                    config.addDataSourceProperty("autosave", "always");
                    config.addDataSourceProperty("cleanupSavepoints", "true");
                },
                UnaryOperator.identity()),
        WITH_WHAT_THE_HOST_HAS_LEFT(config -> {}, pool -> leaving(pool, () -> SETTINGS)),
        WITH_WHAT_THE_HOST_HAS_LEFT_AND_AUTOCOMMIT_OFF(
                config -> config.setAutoCommit(false), pool -> leaving(pool, () -> SETTINGS));

        private final Consumer<HikariConfig> settings;
        private final UnaryOperator<DataSource> proxy;

        Pool(Consumer<HikariConfig> settings, UnaryOperator<DataSource> proxy) {
            this.settings = settings;
            this.proxy = proxy;
        }
    }

    static Stream<Pool> pools() {
        return Thorough.orOneIn(3, "PoolsTest", List.of(Pool.values())).stream();
    }

    @ParameterizedTest
    @MethodSource("pools")
    @Tag(Thorough.SAMPLED)
    void everything_works_through_the_call(Pool pool) throws Exception {
        everyCall.areAnswered(pool.proxy.apply(pool(pool.settings)), own, LockStrategy.NOWAIT, LockScope.THROUGH_CALL);
    }

    @ParameterizedTest
    @MethodSource("pools")
    @Tag(Thorough.SAMPLED)
    void everything_works_claim_only(Pool pool) throws Exception {
        everyCall.areAnswered(
                pool.proxy.apply(pool(pool.settings)), own, LockStrategy.SKIP_LOCKED, LockScope.CLAIM_ONLY);
    }

    @ParameterizedTest
    @CsvSource({"THROUGH_CALL, 1", "THROUGH_CALL, 2", "CLAIM_ONLY, 1"})
    void everything_works_with_fewer_connections_than_calls(LockScope scope, int connections) throws Exception {
        everyCall.areAnswered(pool(config -> config.setMaximumPoolSize(connections)), own, LockStrategy.NOWAIT, scope);
    }

    /** Connections that the host has changed and given back so. */
    private static DataSource leaving(DataSource pool, Supplier<String> change) {
        return new DelegatingDataSource(pool) {
            @Override
            public Connection getConnection() throws SQLException {
                Connection connection = super.getConnection();
                try (Statement statement = connection.createStatement()) {
                    statement.execute(change.get());
                }
                if (!connection.getAutoCommit()) {
                    connection.commit();
                }
                return connection;
            }
        };
    }

    @Ways.InEveryScope
    void a_search_path_that_the_host_has_left_leads_to_no_other_table(LockScope scope) {
        execute("create schema other; create table other.invoices (like public.invoices including all); "
                + "insert into other.invoices (id) values (99)");
        AtomicReference<String> left = new AtomicReference<>("reset search_path");
        try (LockingInvoiceBiller biller = biller(leaving(pool(config -> {}), left::get), scope, 2)) {
            left.set("set search_path to other");

            assertThat(biller.billPending().billed()).isEqualTo(11);
        }
        assertThat(provider.requestsFor(99)).isEmpty();
    }

    @Test
    void a_role_that_the_host_has_left_ends_the_run_and_names_the_privilege_that_it_lacks() {
        String stranger = "stranger_" + database.name();
        execute("create role " + stranger);
        AtomicReference<String> left = new AtomicReference<>("reset role");
        try (LockingInvoiceBiller biller = biller(leaving(pool(config -> {}), left::get), LockScope.CLAIM_ONLY, 1)) {
            left.set("set role " + stranger);
            assertThatThrownBy(biller::billPending)
                    .isInstanceOf(BillingRunException.class)
                    .hasMessageContaining("permission denied");
            assertThat(provider.requests()).isEmpty();

            left.set("reset role");
            assertThat(biller.billPending().billed()).isEqualTo(11);
        } finally {
            execute("drop role " + stranger);
        }
    }

    @Ways.InEveryScope
    void r4_what_the_gateway_reads_is_the_row_whatever_the_settings_of_the_claim_and_of_the_take_over(LockScope scope) {
        execute("delete from invoices where id > 1");
        execute(
                "alter table invoices add due timestamptz default '2026-03-01 12:00+00', add rate double precision default "
                        + "0.1234567890123456, add share real default 0.12345678, add every interval default '-1 day 02:00', "
                        + "add scan bytea default '\\x00ff5c'");
        AtomicReference<String> left = new AtomicReference<>("reset all");
        List<Object> read = new ArrayList<>();
        provider.answering((p, request) -> {
            read.add(request.invoice().get("due", OffsetDateTime.class).toInstant());
            read.add(request.invoice().get("rate", Double.class));
            read.add(request.invoice().get("share", Float.class));
            read.add(String.valueOf(request.invoice().get("every")));
            read.add(HexFormat.of().formatHex(request.invoice().get("scan", byte[].class)));
            return BillingOutcome.unknown("the answer is lost");
        });
        try (LockingInvoiceBiller biller = biller(leaving(pool(config -> {}), left::get), scope, 1)) {
            left.set(SETTINGS);
            biller.bill(1);
            left.set("reset all");
            biller.bill(1);
            left.set(SETTINGS);
            biller.bill(1);
        }
        List<Object> first = read.subList(0, 5);
        assertThat(first)
                .containsExactly(
                        Instant.parse("2026-03-01T12:00:00Z"), 0.1234567890123456, 0.12345678f, first.get(3), "00ff5c");
        assertThat(read.subList(5, 10)).isEqualTo(first);
        assertThat(read.subList(10, 15)).isEqualTo(first);
    }

    @Ways.InEveryScope
    void connections_that_died_in_the_pool_cost_one_run_at_most_and_nothing_is_lost(LockScope scope) {
        HikariDataSource pool = pool(config -> {});
        try (LockingInvoiceBiller biller = biller(pool, scope, 3)) {
            biller.billPending(RunLimits.none().invoices(5));
            execute("select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = '" + database.name()
                    + "' and pid <> pg_backend_pid()");

            try {
                biller.billPending();
            } catch (BillingRunException died) {
                // A pool does not look again at what it gave out a moment ago.
                assertThat(died).hasCauseInstanceOf(DatabaseException.class);
            }
            await().atMost(Duration.ofSeconds(30))
                    .ignoreException(BillingRunException.class)
                    .until(() -> {
                        biller.billPending();
                        return provider.charges() == 11;
                    });
        }
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(provider.overlaps()).isEmpty();
    }

    @Test
    void a_call_that_outlasts_the_pools_patience_ends_the_run_with_the_pools_size_as_the_remedy() {
        HikariDataSource pool = pool(config -> {
            config.setMaximumPoolSize(1);
            config.setConnectionTimeout(1_000);
        });
        Moment refused = new Moment();
        DataSource observed = new DelegatingDataSource(pool) {
            @Override
            public Connection getConnection() throws SQLException {
                try {
                    return super.getConnection();
                } catch (SQLException e) {
                    refused.reach();
                    throw e;
                }
            }
        };
        provider.answering((p, request) -> {
            refused.await();
            return p.charge(request);
        });
        try (LockingInvoiceBiller biller = biller(observed, LockScope.THROUGH_CALL, 8)) {
            assertThatThrownBy(biller::billPending)
                    .isInstanceOf(BillingRunException.class)
                    .hasMessageContaining("The DataSource gave no connection")
                    .hasMessageContaining("one more than concurrency");
            assertThat(provider.charges()).as("whose call was made").isPositive();
            assertThat(everyCall.marked()).as("marked, too").isEqualTo(provider.charges());

            provider.answering(TestProvider::charge);
            await().atMost(Duration.ofSeconds(30))
                    .ignoreException(BillingRunException.class)
                    .until(() -> {
                        biller.billPending();
                        return provider.charges() == 11;
                    });
        }
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @Ways.InEveryScope
    void a_long_call_looks_like_a_leak_only_where_it_has_a_connection(LockScope scope) {
        HikariDataSource pool =
                pool(config -> config.setLeakDetectionThreshold(2_000)); // the least that HikariCP takes
        String log = Log.of(() -> {
            provider.answering((p, request) -> {
                // Taken after the biller's own: once this one is told of, all are that were out.
                try (Connection canary = pool.getConnection()) {
                    await().until(() ->
                            Log.now().contains("leak detection triggered for " + canary.unwrap(PGConnection.class)));
                }
                return p.charge(request);
            });
            try (LockingInvoiceBiller biller = biller(pool, scope, 1)) {
                assertThat(biller.billPending(RunLimits.none().invoices(1)).billed())
                        .isEqualTo(1);
            }
        });
        assertThat(log.split("leak detection triggered", -1))
                .as("the canary, and through the call the connection that holds the row")
                .hasSize(1 + (scope == LockScope.THROUGH_CALL ? 2 : 1));
    }

    private LockingInvoiceBiller biller(DataSource dataSource, LockScope scope, int concurrency) {
        return LockingInvoiceBiller.builder(dataSource, provider)
                .lockScope(scope)
                .concurrency(concurrency)
                .retryPolicy(RetryPolicy.every(Duration.ofMillis(1), 5))
                .leaseMargin(Duration.ofSeconds(1))
                .callTimeout(Duration.ofSeconds(10))
                .build();
    }

    private HikariDataSource pool(Consumer<HikariConfig> settings) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.jdbcUrl());
        config.setMaximumPoolSize(8);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(20_000);
        settings.accept(config);
        HikariDataSource pool = new HikariDataSource(config);
        pools.add(pool);
        return pool;
    }

    private void execute(String sql) {
        try (Connection connection = own.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }
}
