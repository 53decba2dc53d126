package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.examples.process.JavaProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** fleetCallsPerSecond: one limit for all servers, judged by the provider's own clock. */
class FleetLimitTest {
    /** On a machine that has nothing else to do: {@code -Dinvoicelock.timed=true}. */
    private static final boolean TIMED = Boolean.getBoolean("invoicelock.timed");

    private static final int RATE = 50;

    private final TestHost host = new TestHost();
    private final FleetProvider provider = new FleetProvider(Duration.ofMillis(20));
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        host.close();
        for (AutoCloseable each : open) {
            each.close();
        }
        provider.close();
    }

    static Stream<Arguments> fleets() {
        return Thorough.orOneIn(
                3,
                "FleetLimitTest",
                List.of(
                        Arguments.of(1, LockStrategy.NOWAIT, LockScope.THROUGH_CALL),
                        Arguments.of(1, LockStrategy.SKIP_LOCKED, LockScope.CLAIM_ONLY),
                        Arguments.of(4, LockStrategy.NOWAIT, LockScope.THROUGH_CALL),
                        Arguments.of(4, LockStrategy.WAIT, LockScope.CLAIM_ONLY),
                        Arguments.of(4, LockStrategy.SKIP_LOCKED, LockScope.THROUGH_CALL)))
                .stream();
    }

    @ParameterizedTest
    @MethodSource("fleets")
    @Tag(Thorough.SAMPLED)
    void one_server_may_use_all_of_it_and_several_share_it(int servers, LockStrategy strategy, LockScope scope) {
        invoices(5 * RATE);
        List<LockingInvoiceBiller> fleet = new ArrayList<>();
        for (int i = 0; i < servers; i++) {
            fleet.add(host.running(FleetServer.server(
                    pool(), FleetProvider.gateway(provider.address()), strategy, scope, RATE, false)));
        }

        fleet.stream()
                .map(server -> InBackground.of(server::billPending))
                .toList()
                .forEach(run -> assertThat(run.result().stopReason()).isEqualTo(StopReason.NONE_LEFT));

        assertThat(provider.charged()).isEqualTo(5 * RATE);
        theLimitIsKeptAndUsed(provider.onAverage());
    }

    @Tag(Thorough.TAG)
    @Test
    void eight_server_processes_of_which_two_are_killed_keep_to_it_and_use_it() throws Exception {
        invoices(10 * RATE);
        List<JavaProcess> fleet = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            fleet.add(process());
        }
        fleet.forEach(server -> server.awaitLine("READY"));
        for (JavaProcess server : fleet) {
            server.tellGo();
        }

        await().atMost(Duration.ofMinutes(1)).until(() -> provider.calls() >= 3 * RATE);
        fleet.remove(0).kill();
        await().atMost(Duration.ofMinutes(1)).until(() -> provider.calls() >= 6 * RATE);
        fleet.remove(0).kill();
        fleet.forEach(server -> server.awaitLine("DONE"));

        assertThat(provider.charged()).isEqualTo(10 * RATE);
        assertThat(provider.chargedTwice()).isEmpty();
        // The first seconds belong to the start of eight JVMs.
        theLimitIsKeptAndUsed(provider.onAverage(3 * RATE, 10 * RATE - 2 * FleetServer.CALLS_AT_ONCE));
    }

    @ParameterizedTest
    @ValueSource(ints = {FleetServer.CALLS_AT_ONCE + 2, FleetServer.CALLS_AT_ONCE})
    void calls_whose_claims_were_slow_do_not_arrive_together(int connections) throws Exception {
        int calls = FleetServer.CALLS_AT_ONCE;
        invoices(calls);
        CountDownLatch claims = new CountDownLatch(calls);
        HikariDataSource pool = pool();
        pool.setMaximumPoolSize(connections);
        FaultyDataSource database = new FaultyDataSource(pool);
        database.strikeEach(
                FaultyDataSource.Place.before(FaultyDataSource.Door.STATEMENT).of(FaultyDataSource.Kind.CLAIM),
                crossing -> {
                    claims.countDown();
                    await().until(() -> claims.getCount() == 0);
                });
        LockingInvoiceBiller server = host.running(FleetServer.server(
                database.proxy(),
                FleetProvider.gateway(provider.address()),
                LockStrategy.NOWAIT,
                LockScope.THROUGH_CALL,
                10,
                false));

        assertThat(server.billPending().billed()).isEqualTo(calls);

        assertThat(provider.lasted()).isGreaterThan(Duration.ofMillis(300));
        assertThat(host.count("invoice_lock.attempt_event", "true"))
                .as("none was given back")
                .isZero();
    }

    /** Between the library and the provider is the network: on a busy machine some calls arrive together that left apart. */
    private void theLimitIsKeptAndUsed(double average) {
        int most = provider.mostInASecond();
        System.out.printf(
                "FleetLimitTest: of %d calls a second, %.1f on average and at most %d%n", RATE, average, most);
        assertThat(most).as("calls in any second").isLessThanOrEqualTo(TIMED ? RATE * 11 / 10 : RATE * 13 / 10);
        if (TIMED) {
            assertThat(average).as("calls in a second").isGreaterThanOrEqualTo(RATE * 0.9);
        }
    }

    @Test
    void moments_are_reserved_a_handful_at_a_time() {
        invoices(4 * RATE);
        AtomicInteger reserved = new AtomicInteger();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        database.strikeEach(
                FaultyDataSource.Place.after(FaultyDataSource.Door.STATEMENT)
                        .such(crossing -> crossing.sql().contains("calls_until")),
                crossing -> reserved.incrementAndGet());
        LockingInvoiceBiller server = host.running(
                host.server(database.proxy(), TestProvider.thatRemembers()).fleetCallsPerSecond(RATE));

        assertThat(server.billPending().billed()).isEqualTo(4 * RATE);
        // On a busy machine moments are missed, and fewer are reserved at once.
        assertThat(reserved.get()).isBetween(1, TIMED ? 4 * RATE / 2 : 4 * RATE);
    }

    @Test
    void where_none_of_the_limits_is_used_an_invoice_takes_as_many_round_trips_and_rows_as_ever() {
        invoices(30);
        AtomicInteger statements = new AtomicInteger();
        AtomicInteger forLimits = new AtomicInteger();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        database.strikeEach(FaultyDataSource.Place.after(FaultyDataSource.Door.STATEMENT), crossing -> {
            statements.incrementAndGet();
            if (crossing.sql().contains("calls_until") || crossing.sql().contains("one_at_a_time")) {
                forLimits.incrementAndGet();
            }
        });
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), TestProvider.thatRemembers()));
        server.billPending(RunLimits.none().invoices(10));
        statements.set(0);
        server.bill(11);
        int one = statements.getAndSet(0);
        server.billPending(RunLimits.none().invoices(5));
        int five = statements.getAndSet(0);
        server.billPending(RunLimits.none().invoices(10));

        assertThat(statements.get() - five)
                .as("five more: lock, claim; lock again, billed and marked; one alone takes %d", one)
                .isEqualTo(5 * 4);
        assertThat(forLimits.get()).isZero();
        assertThat(host.count("invoice_lock.biller", "calls_until is null and brake_at is null"))
                .isEqualTo(1);
    }

    @Test
    void where_the_journal_cannot_be_asked_the_run_ends_and_leaves_as_many_slots_as_before() {
        invoices(3);
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        database.strikeOnce(
                FaultyDataSource.Place.before(FaultyDataSource.Door.STATEMENT)
                        .such(crossing -> crossing.sql().contains("calls_until")),
                FaultyDataSource.connectionLost());
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), TestProvider.thatRemembers())
                .leaseMargin(Duration.ofMinutes(1))
                .fleetCallsPerSecond(RATE));

        assertThatThrownBy(server::billPending).isInstanceOf(BillingRunException.class);

        assertThat(server.billPending().billed()).isEqualTo(3);
    }

    @Test
    void where_the_billers_row_is_gone_the_run_ends_with_the_remedy() {
        invoices(1);
        LockingInvoiceBiller server =
                host.running(host.server(TestProvider.thatRemembers()).fleetCallsPerSecond(RATE));
        host.sql("delete from invoice_lock.biller");

        assertThatThrownBy(() -> server.billPending(RunLimits.none().time(Duration.ofMinutes(1))))
                .isInstanceOf(BillingRunException.class)
                .hasStackTraceContaining("build() it again");
    }

    @Test
    void a_cursor_that_the_clock_was_set_back_from_is_put_back_and_told() {
        invoices(3);
        LockingInvoiceBiller server =
                host.running(host.server(TestProvider.thatRemembers()).fleetCallsPerSecond(RATE));
        host.sql("update invoice_lock.biller set calls_until = extract(epoch from clock_timestamp()) + 3600");

        String told = Log.of(() -> {
            BillingRun run = server.billPending(RunLimits.none().time(Duration.ofMinutes(1)));
            assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
            assertThat(run.billed()).isEqualTo(3);
            assertThat(run.elapsed())
                    .as("what was given away before is kept to")
                    .isGreaterThan(Duration.ofSeconds(1));
        });

        assertThat(told).containsOnlyOnce("ahead of the database's clock");
        assertThat(host.count("invoice_lock.biller", "calls_until < extract(epoch from clock_timestamp()) + 2"))
                .isEqualTo(1);
    }

    @Test
    void a_low_limit_is_kept_to_and_a_cursor_that_is_put_back_by_hand_is_found() {
        invoices(1);
        AtomicInteger asked = new AtomicInteger();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        database.strikeEach(
                FaultyDataSource.Place.after(FaultyDataSource.Door.STATEMENT)
                        .such(crossing -> crossing.sql().contains("calls_until")),
                crossing -> asked.incrementAndGet());
        LockingInvoiceBiller server = host.running(
                host.server(database.proxy(), TestProvider.thatRemembers()).fleetCallsPerSecond(0.001));
        host.sql("update invoice_lock.biller set calls_until = extract(epoch from clock_timestamp()) + 1000");
        String before = host.one("select calls_until from invoice_lock.biller");

        InBackground<BillingRun> run =
                InBackground.of(() -> server.billPending(RunLimits.none().time(Duration.ofSeconds(20))));
        await().until(() -> asked.get() >= 1);
        assertThat(host.one("select calls_until from invoice_lock.biller")).isEqualTo(before);
        host.sql("update invoice_lock.biller set calls_until = null");

        assertThat(run.result().billed()).isEqualTo(1);
    }

    private void invoices(int count) {
        host.sql("alter table invoices add column customer_id bigint not null default 1");
        host.sql("insert into invoices (id, customer_id) select g, g from generate_series(1, " + count + ") g");
    }

    private JavaProcess process() throws IOException {
        JavaProcess process = FleetServer.start(host, provider, RATE, false);
        open.add(process::kill);
        return process;
    }

    private HikariDataSource pool() {
        HikariDataSource pool = FleetServer.pool(host.database().jdbcUrl());
        open.add(pool);
        return pool;
    }
}
