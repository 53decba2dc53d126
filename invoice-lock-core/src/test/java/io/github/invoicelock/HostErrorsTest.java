package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;

/** R20: an Error of the host's, a class that is missing say, is nothing else than an exception of the host's: no charge is lost, no run hangs. */
class HostErrorsTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final TestHost host = TestHost.withInvoices(20);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_hook_that_throws_an_error_hides_no_charge_and_ends_no_run(LockStrategy strategy, LockScope scope) {
        LockingInvoiceBiller server = server(strategy, scope)
                .onBilled((tx, attempt, reference) -> missing())
                .build();

        Bounded<BillingRun> run = Bounded.by(LIMIT, "the run", server::billPending);

        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .as("every charge is in the journal")
                .isEqualTo(provider.charges());
        assertThat(run.thrown() instanceof Error).as("%s", run.thrown()).isFalse();
    }

    @Ways.WithEveryStrategyInEveryScope
    void one_invoice_whose_hook_throws_an_error_keeps_no_other_from_being_billed(
            LockStrategy strategy, LockScope scope) {
        LockingInvoiceBiller server = server(strategy, scope)
                .onBilled((tx, attempt, reference) -> {
                    if (attempt.invoiceId().equals("5")) {
                        missing();
                    }
                })
                .build();

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        assertThat(run.billed()).isEqualTo(20);
        assertThat(host.count("invoices", "pending")).as("5 is to be marked").isEqualTo(1);
        assertThat(host.state(5)).isEqualTo("BILLED");
    }

    /** The DataSource is the host's, too: what it throws while an outcome is written must not take the outcome along. */
    @Ways.InEveryScope
    void a_data_source_that_throws_an_error_at_the_settlement_hides_no_charge(LockScope scope) {
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server = host.running(
                host.server(database.proxy(), provider).lockScope(scope).concurrency(1));
        database.strikeOnce(
                FaultyDataSource.Place.before(FaultyDataSource.Door.STATEMENT).of(FaultyDataSource.Kind.OUTCOME),
                crossing -> missing());

        Bounded<BillingRun> run = Bounded.by(LIMIT, "the run", () -> server.bill(1));

        assertThat(run.thrown()).as("it is the host's to know").isInstanceOf(NoClassDefFoundError.class);
        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isEqualTo(provider.charges());
        assertThat(Bounded.by(LIMIT, "the next run", () -> server.bill(2))
                        .answer()
                        .billed())
                .as("with the only slot")
                .isEqualTo(1);
    }

    @Ways.InEveryScope
    void a_data_source_that_throws_an_error_when_all_servers_are_told_of_a_limit_keeps_no_slot(LockScope scope) {
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        provider.answering((p, request) -> request.invoiceId().equals("1")
                ? BillingOutcome.notBilled("429", Duration.ofSeconds(1))
                : p.charge(request));
        LockingInvoiceBiller server = host.running(
                host.server(database.proxy(), provider).lockScope(scope).concurrency(1));
        database.strikeOnce(
                FaultyDataSource.Place.before(FaultyDataSource.Door.STATEMENT)
                        .such(crossing -> crossing.sql().contains("brake_why")
                                && crossing.sql().startsWith("set")
                                && crossing.sql().contains("update")),
                crossing -> missing());

        Bounded<BillingRun> run = Bounded.by(LIMIT, "the run", () -> server.bill(1));

        assertThat(run.thrown()).isInstanceOf(NoClassDefFoundError.class);
        assertThat(host.state(1)).as("what was heard is written").isEqualTo("NOT_BILLED");
        assertThat(Bounded.by(LIMIT, "the next run", () -> server.bill(2))
                        .answer()
                        .billed())
                .as("with the only slot")
                .isEqualTo(1);
    }

    @Ways.InEveryScope
    void a_report_whose_hook_throws_an_error_is_in_the_journal(LockScope scope) {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockScope(scope)
                .retryPolicy(RetryPolicy.every(Duration.ofHours(1), 9))
                .onBilled((tx, attempt, reference) -> missing()));
        server.bill(1);
        String key = server.attempts(1).get(0).idempotencyKey();

        // What the hook threw may be told, or not; the webhook has been heard.
        Bounded.by(LIMIT, "report", () -> {
            server.report(key, BillingOutcome.billed("ch_1"));
            return true;
        });

        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(server.attempts(1).get(0).reference()).isEqualTo("ch_1");
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_listener_that_throws_an_error_when_it_is_told_of_a_claim_has_no_other_effect(
            LockStrategy strategy, LockScope scope) {
        everythingIsBilled(server(strategy, scope).listener(new BillingListener() {
            @Override
            public void claimed(BillingAttempt attempt) {
                throw new AssertionError("a listener's");
            }
        }));
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_listener_that_throws_an_error_when_it_is_told_of_an_outcome_has_no_other_effect(
            LockStrategy strategy, LockScope scope) {
        everythingIsBilled(server(strategy, scope).listener(new BillingListener() {
            @Override
            public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
                throw new AssertionError("a listener's");
            }
        }));
    }

    private void everythingIsBilled(LockingInvoiceBiller.Builder builder) {
        LockingInvoiceBiller server = builder.build();

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        assertThat(run.billed()).isEqualTo(20);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(host.count("invoices", "pending")).isZero();
        assertThat(provider.charges()).isEqualTo(20);
    }

    @Test
    void an_anomaly_that_throws_rolls_no_charge_back() {
        provider.answering(TestProvider::refuse);
        List<String> told = new CopyOnWriteArrayList<>();
        LockingInvoiceBiller server = host.running(host.server(provider).listener(new BillingListener() {
            @Override
            public void anomaly(String invoiceId, String what) {
                told.add(invoiceId);
                throw new AssertionError("a listener's");
            }
        }));
        server.bill(1);
        String key = server.attempts(1).get(0).idempotencyKey();

        Bounded.by(LIMIT, "report", () -> {
            server.report(key, BillingOutcome.billed("ch_1"));
            return true;
        });

        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.pending(1)).isFalse();
        assertThat(told).as("it was told once").containsExactly("1");
    }

    // ---- exceptions that are themselves at fault

    /** What the host's code may throw. */
    enum Thrown {
        /** Each of its own methods throws. */
        ODD {
            @Override
            RuntimeException make() {
                return new Odd();
            }
        },
        /** Who looks for the first cause never ends. */
        CYCLE {
            @Override
            RuntimeException make() {
                RuntimeException first = new IllegalStateException("x");
                RuntimeException second = new IllegalStateException("y", first);
                first.initCause(second);
                return second;
            }
        };

        abstract RuntimeException make();
    }

    private static final class Odd extends RuntimeException {
        private static final long serialVersionUID = 1L;

        @Override
        public String getMessage() {
            throw new IllegalStateException("no message");
        }

        @Override
        public synchronized Throwable getCause() {
            throw new IllegalStateException("no cause");
        }

        @Override
        public StackTraceElement[] getStackTrace() {
            throw new IllegalStateException("no frames");
        }

        @Override
        public String toString() {
            throw new IllegalStateException("no words");
        }
    }

    @ParameterizedTest
    @MethodSource("whatIsThrownByScope")
    void a_gateway_that_throws_it_leaves_one_in_doubt_and_all_others_billed(Thrown thrown, LockScope scope) {
        provider.answering((p, request) -> {
            if (request.invoiceId().equals("7")) {
                throw thrown.make();
            }
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(server(LockStrategy.SKIP_LOCKED, scope));

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        assertThat(run.billed()).isEqualTo(19);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(host.state(7)).isEqualTo("IN_DOUBT");
    }

    @ParameterizedTest
    @MethodSource("whatIsThrownByScope")
    void a_hook_that_throws_it_sets_one_aside_and_all_others_are_marked(Thrown thrown, LockScope scope) {
        LockingInvoiceBiller server =
                host.running(server(LockStrategy.SKIP_LOCKED, scope).onBilled((tx, attempt, reference) -> {
                    if (attempt.invoiceId().equals("7")) {
                        throw thrown.make();
                    }
                }));

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        assertThat(run.billed()).isEqualTo(20);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(host.count("invoices", "pending")).isEqualTo(1);
        assertThat(host.state(7)).isEqualTo("BILLED");
        assertThat(server.needsAttention())
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("7");
    }

    @ParameterizedTest
    @MethodSource("whatIsThrownByScope")
    void a_listener_that_throws_it_has_no_other_effect(Thrown thrown, LockScope scope) {
        everythingIsBilled(server(LockStrategy.SKIP_LOCKED, scope).listener(new BillingListener() {
            @Override
            public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
                throw thrown.make();
            }
        }));
    }

    static Stream<Arguments> whatIsThrownByScope() {
        return Stream.of(Thrown.values())
                .flatMap(thrown -> Stream.of(LockScope.values()).map(scope -> Arguments.of(thrown, scope)));
    }

    // ---- a hook that outlasts its time

    @Ways.InEveryScope
    void a_hook_that_outlasts_its_time_neither_commits_by_itself_nor_leaves_a_transaction_in_the_pool(LockScope scope)
            throws SQLException {
        host.sql("create table ledger (invoice text)");
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(host.database().jdbcUrl());
        pool.setMaximumPoolSize(2);
        pool.setMinimumIdle(0);
        Moment over = new Moment();
        Moment wrote = new Moment();
        AtomicBoolean first = new AtomicBoolean(true);
        try (pool;
                LockingInvoiceBiller server = host.server(pausingAfterRollback(pool, over, wrote), provider)
                        .lockScope(scope)
                        .callTimeout(Duration.ofMillis(300))
                        .onBilled((tx, attempt, reference) -> {
                            if (first.getAndSet(false)) {
                                over.awaitUninterruptibly();
                                try {
                                    // It goes on with a connection that was given back, or is about to be.
                                    tx.execute("insert into ledger values ('1')");
                                } finally {
                                    wrote.reach();
                                }
                            }
                        })
                        .build()) {
            Bounded.by(LIMIT, "bill", () -> server.bill(1));
            over.reach();
            wrote.await();

            assertThat(host.count("ledger", "true")).as("committed by nobody").isZero();
            assertThat(host.state(1)).isEqualTo("BILLED");
            try (Connection one = pool.getConnection();
                    Connection other = pool.getConnection()) {
                for (Connection each : List.of(one, other)) {
                    assertThat(each.unwrap(BaseConnection.class).getTransactionState())
                            .isEqualTo(TransactionState.IDLE);
                }
            }
        }
    }

    /** Between the rollback of the hook's transaction and what follows it, the hook goes on. */
    private static DataSource pausingAfterRollback(DataSource pool, Moment over, Moment wrote) {
        return proxy(
                DataSource.class,
                pool,
                (method, result) -> method.equals("getConnection")
                        ? proxy(Connection.class, (Connection) Objects.requireNonNull(result), (call, answer) -> {
                            if (call.equals("rollback")) {
                                over.reach();
                                wrote.await();
                            }
                            return answer;
                        })
                        : result);
    }

    private static <T> T proxy(Class<T> type, T inner, BiFunction<String, @Nullable Object, @Nullable Object> after) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, given) -> {
            try {
                return after.apply(method.getName(), method.invoke(inner, given));
            } catch (InvocationTargetException e) {
                throw e.getCause() == null ? e : e.getCause();
            }
        }));
    }

    private LockingInvoiceBiller.Builder server(LockStrategy strategy, LockScope scope) {
        return host.server(provider)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(4)
                .stopAfterFailures(100);
    }

    private static void missing() {
        throw new NoClassDefFoundError("com/acme/Outbox");
    }
}
