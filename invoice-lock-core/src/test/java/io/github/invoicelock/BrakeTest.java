package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.STATEMENT;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static io.github.invoicelock.FaultyDataSource.Place.before;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** One brake for all servers: what one learns of a provider that fails holds the others back, too. */
class BrakeTest {
    private final TestHost host = TestHost.withInvoices(200);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void of_eight_servers_that_meet_an_outage_at_most_eight_calls_more_are_made_after_the_first_ones_stop(
            LockStrategy strategy, LockScope scope) {
        List<LockingInvoiceBiller> servers = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            servers.add(host.running(patient(strategy, scope).concurrency(2).stopAfterFailures(5)));
        }
        provider.answering(BillingOutcome.notBilled("503"));
        assertThat(servers.get(0).billPending().stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        int calls = provider.requests().size();

        List<InBackground<BillingRun>> runs = servers.stream()
                .map(server -> InBackground.of(server::billPending))
                .toList();

        runs.forEach(run -> assertThat(run.result().stopReason()).isEqualTo(StopReason.PROVIDER_FAILING));
        assertThat(provider.requests().size() - calls).isBetween(1, 8);
    }

    @Ways.InEveryScope
    void servers_that_are_in_the_middle_of_it_are_held_back_too(LockScope scope) {
        AtomicInteger after = new AtomicInteger();
        Moment stopped = new Moment();
        host.sql("insert into invoices (id) select generate_series(201, 5000)");
        provider.answering((p, request) -> {
            if (stopped.reached()) {
                after.incrementAndGet();
            }
            return BillingOutcome.notBilled("503");
        });
        LockingInvoiceBiller first =
                host.running(patient(LockStrategy.SKIP_LOCKED, scope).stopAfterFailures(3));
        List<InBackground<BillingRun>> runs = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            // These alone would never stop.
            LockingInvoiceBiller server = host.running(
                    patient(LockStrategy.NOWAIT, scope).concurrency(2).stopAfterFailures(1_000));
            runs.add(InBackground.of(server::billPending));
        }
        await().until(() -> provider.requests().size() > 10);

        assertThat(first.billPending().stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        stopped.reach();
        runs.forEach(run -> assertThat(run.result().stopReason()).isEqualTo(StopReason.PROVIDER_FAILING));

        assertThat(after.get()).isLessThanOrEqualTo(8);
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_call_that_succeeds_takes_it_off_and_the_run_goes_on(LockStrategy strategy, LockScope scope) {
        LockingInvoiceBiller server =
                host.running(patient(strategy, scope).concurrency(3).stopAfterFailures(3));
        provider.answering(BillingOutcome.notBilled("503"));
        server.billPending();
        assertThat(server.status().brake()).isNotNull();
        AtomicInteger underWay = new AtomicInteger();
        AtomicInteger mostBeforeTheFirst = new AtomicInteger();
        provider.answering((p, request) -> {
            int now = underWay.incrementAndGet();
            if (p.charges() == 0) {
                mostBeforeTheFirst.accumulateAndGet(now, Math::max);
            }
            try {
                return p.charge(request);
            } finally {
                underWay.decrementAndGet();
            }
        });

        BillingRun run = host.running(patient(strategy, scope).concurrency(3)).billPending();

        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(run.billed()).isGreaterThan(190);
        assertThat(mostBeforeTheFirst.get()).as("one call is tried").isEqualTo(1);
        assertThat(server.status().brake()).isNull();
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @Test
    void a_429_with_retry_after_holds_all_servers_back() {
        LockingInvoiceBiller server = host.running(patient(LockStrategy.NOWAIT, LockScope.THROUGH_CALL));
        provider.answering(BillingOutcome.notBilled("429: slow down", Duration.ofMinutes(20)));

        server.bill(1);

        BillingBrake brake = Objects.requireNonNull(server.status().brake());
        assertThat(brake.why()).isEqualTo("429: slow down");
        assertThat(brake.by()).isEqualTo(server.attempts(1).get(0).owner());
        assertThat(Duration.between(brake.since(), brake.until())).isEqualTo(Duration.ofMinutes(20));
        BillingRun other =
                host.running(patient(LockStrategy.NOWAIT, LockScope.CLAIM_ONLY)).billPending();
        assertThat(other.stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(other.seen()).as("one call is tried").isEqualTo(1);
    }

    @Test
    void a_short_retry_after_is_waited_for() {
        LockingInvoiceBiller server = host.running(patient(LockStrategy.NOWAIT, LockScope.THROUGH_CALL));
        AtomicInteger calls = new AtomicInteger();
        provider.answering((p, request) -> calls.incrementAndGet() == 5
                ? BillingOutcome.notBilled("429", Duration.ofMillis(900))
                : p.charge(request));

        BillingRun run = server.billPending();

        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(run.billed()).isEqualTo(199);
        assertThat(run.elapsed()).isGreaterThan(Duration.ofMillis(900));
    }

    @Test
    void of_two_runs_that_are_held_back_one_tries_and_the_other_learns_from_it() {
        LockingInvoiceBiller first = host.running(patient(LockStrategy.NOWAIT, LockScope.THROUGH_CALL));
        provider.answering(BillingOutcome.notBilled("429", Duration.ofMinutes(20)));
        first.bill(1);
        Moment trying = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            trying.reach();
            answer.await();
            return BillingOutcome.unknown("500");
        });
        InBackground<BillingRun> tries = InBackground.of(first::billPending);
        trying.await();
        AtomicInteger looks = new AtomicInteger();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        database.strikeEach(
                after(STATEMENT).such(crossing -> crossing.sql().contains("brake_at")),
                crossing -> looks.incrementAndGet());
        LockingInvoiceBiller second =
                host.running(host.server(database.proxy(), provider).callTimeout(Duration.ofSeconds(60)));
        InBackground<BillingRun> waits = InBackground.of(second::billPending);
        await().until(() -> looks.get() > 3);
        assertThat(waits.isDone()).isFalse();

        answer.reach();

        assertThat(tries.result().inDoubt()).isEqualTo(1);
        assertThat(waits.result().seen() - waits.result().contended()).isZero();
        assertThat(waits.result().stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(provider.requests()).hasSize(2);
    }

    @Test
    void a_server_that_was_killed_while_it_tried_is_not_waited_for_longer_than_its_lease() {
        LockingInvoiceBiller server = host.running(patient(LockStrategy.NOWAIT, LockScope.THROUGH_CALL));
        provider.answering(BillingOutcome.notBilled("429", Duration.ofMinutes(20)));
        server.bill(1);
        host.sql("update invoice_lock.biller set brake_trial = clock_timestamp() + interval '1 second'");
        provider.answering(TestProvider::charge);

        assertThat(server.billPending().billed()).isEqualTo(199);
    }

    @Test
    void a_trial_that_finds_nothing_to_call_leaves_it_to_the_next() {
        LockingInvoiceBiller server = host.running(patient(LockStrategy.NOWAIT, LockScope.THROUGH_CALL));
        provider.answering(BillingOutcome.notBilled("429", Duration.ofMinutes(20)));
        server.bill(1);
        host.holding(2);
        provider.answering(TestProvider::charge);

        BillingRun run = server.billPending();

        assertThat(run.contended()).isEqualTo(1);
        assertThat(run.billed()).isEqualTo(198);
    }

    @Test
    void what_is_due_is_held_back_as_well_and_what_is_only_marked_is_not() {
        LockingInvoiceBiller server = host.running(
                patient(LockStrategy.NOWAIT, LockScope.CLAIM_ONLY).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        provider.answering(BillingOutcome.notBilled("503"));
        server.billPending(RunLimits.none().invoices(10));
        provider.answering((p, request) -> {
            host.holding(Long.parseLong(request.invoiceId()));
            return p.charge(request);
        });
        server.bill(100);
        provider.answering(BillingOutcome.notBilled("429", Duration.ofMinutes(20)));
        server.bill(101);
        int calls = provider.requests().size();
        host.letTimePass(100, Duration.ofMinutes(1));

        BillingRun run = server.recover();

        assertThat(provider.requests().size() - calls).isEqualTo(1);
        assertThat(run.stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(run.contended()).as("the mark that the host holds up").isEqualTo(1);
    }

    @Ways.InEveryScope
    void a_find_that_answers_says_nothing_of_charges_and_leaves_it_on(LockScope scope) {
        TestProvider.Askable askable = TestProvider.thatRemembersAndCanBeAsked();
        LockingInvoiceBiller server =
                host.running(host.server(askable).lockScope(scope).leaseMargin(Duration.ofMinutes(1)));
        askable.answering((p, request) -> switch (request.invoiceId()) {
            case "1", "2" -> BillingOutcome.accepted("dd_" + request.invoiceId(), Duration.ofMillis(1));
            case "3" -> {
                p.charge(request);
                yield BillingOutcome.unknown("the answer was lost");
            }
            default -> BillingOutcome.notBilled("429", Duration.ofMinutes(20));
        });
        for (int id = 1; id <= 4; id++) {
            server.bill(id);
        }
        for (int id = 1; id <= 3; id++) {
            host.letTimePass(id, Duration.ofHours(1));
        }
        askable.finding(request -> BillingOutcome.billed("ch_" + request.invoiceId()));
        int calls = askable.requests().size();

        BillingRun asking = server.recover();

        assertThat(asking.billed()).as("one after the other").isEqualTo(3);
        assertThat(asking.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(server.status().brake()).as("nothing was charged").isNotNull();
        assertThat(askable.requests()).as("sent").hasSize(calls);

        assertThat(server.billPending().stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(askable.requests()).as("one is tried").hasSize(calls + 1);
    }

    @Test
    void where_another_session_holds_the_billers_row_the_brake_stays_as_it_is_and_the_run_goes_on()
            throws SQLException {
        LockingInvoiceBiller server = host.running(patient(LockStrategy.NOWAIT, LockScope.THROUGH_CALL));
        Connection person = host.connection();
        person.setAutoCommit(false);
        String held = "select name from invoice_lock.biller for update";
        provider.answering(BillingOutcome.notBilled("429", Duration.ofMinutes(20)));
        TestHost.execute(person, held);

        String told = Log.of(() -> assertThat(server.bill(1).notBilled()).isEqualTo(1));

        assertThat(told).contains("another session holds the row of this biller", "could not be put on");
        assertThat(server.status().brake()).isNull();
        person.rollback();
        server.bill(2);
        assertThat(server.status().brake()).isNotNull();
        provider.answering((p, request) -> {
            if (p.charges() == 0) {
                TestHost.execute(person, held);
            }
            return p.charge(request);
        });

        told = Log.of(() -> assertThat(server.bill(3).billed()).isEqualTo(1));

        assertThat(told).contains("could not be taken off");
        assertThat(server.status().brake()).isNotNull();
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        person.rollback();
        host.sql("update invoice_lock.biller set brake_trial = null");
        assertThat(run.result().billed()).isEqualTo(197);
        assertThat(server.status().brake()).isNull();
    }

    @Test
    void a_trial_is_not_taken_while_another_session_holds_the_billers_row() throws SQLException {
        AtomicInteger tries = new AtomicInteger();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        database.strikeEach(
                before(STATEMENT).such(crossing -> crossing.sql().contains("set \"brake_trial\" = ")),
                crossing -> tries.incrementAndGet());
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), provider));
        provider.answering(BillingOutcome.notBilled("429", Duration.ofMinutes(20)));
        server.bill(1);
        provider.answering(TestProvider::charge);
        Connection person = host.connection();
        person.setAutoCommit(false);
        TestHost.execute(person, "select name from invoice_lock.biller for update");

        InBackground<BillingRun> run = InBackground.of(() -> server.bill(2));
        await().until(() -> tries.get() > 1 || run.isDone());
        person.rollback();

        assertThat(run.result().billed()).isEqualTo(1);
    }

    private LockingInvoiceBiller.Builder patient(LockStrategy strategy, LockScope scope) {
        return host.server(provider).lockStrategy(strategy).lockScope(scope).leaseMargin(Duration.ofMinutes(1));
    }
}
