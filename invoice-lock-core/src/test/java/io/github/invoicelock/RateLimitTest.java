package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** maxCallsPerSecond: by a clock that passes when somebody sleeps, not by the machine's. */
class RateLimitTest {
    private final TestHost host = TestHost.withInvoices(10);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final PassingTime time = new PassingTime();

    @AfterEach
    void close() {
        host.close();
    }

    @ParameterizedTest
    @CsvSource({
        "NOWAIT, THROUGH_CALL",
        "NOWAIT, CLAIM_ONLY",
        "SKIP_LOCKED, THROUGH_CALL",
        "SKIP_LOCKED, CLAIM_ONLY",
        "WAIT, THROUGH_CALL",
        "WAIT, CLAIM_ONLY"
    })
    void calls_are_spread_over_time_whatever_the_strategy(LockStrategy strategy, LockScope scope) {
        BillingRun run = host.running(host.server(provider)
                        .lockStrategy(strategy)
                        .lockScope(scope)
                        .concurrency(8)
                        .maxCallsPerSecond(2)
                        .time(time))
                .billPending();

        assertThat(run.billed()).isEqualTo(10);
        assertThat(time.passed()).isBetween(Duration.ofMillis(4_500), Duration.ofMillis(5_000));
    }

    @Ways.WithEveryStrategy
    void an_invoice_that_waits_for_its_call_is_not_claimed_yet(LockStrategy strategy) {
        AtomicInteger claimedBeforeTheirTime = new AtomicInteger();
        time.whileSleeping(() ->
                claimedBeforeTheirTime.addAndGet(host.count("invoice_lock.billing_attempt", "state = 'STARTED'")));

        host.running(host.server(provider)
                        .lockStrategy(strategy)
                        .maxCallsPerSecond(2)
                        .time(time))
                .billPending();

        assertThat(time.slept()).isPositive();
        assertThat(claimedBeforeTheirTime).hasValue(0);
        assertThat(provider.charges()).isEqualTo(10);
    }

    @Test
    void invoices_that_others_hold_cost_no_calls() {
        for (int id = 1; id <= 9; id++) {
            host.holding(id);
        }
        BillingRun run = host.running(
                        host.server(provider).maxCallsPerSecond(0.01).time(time))
                .billPending();

        assertThat(run.contended()).isEqualTo(9);
        assertThat(run.billed()).isEqualTo(1);
        assertThat(time.passed()).isZero();
    }

    @Test
    void asking_and_then_sending_are_two_calls() {
        TestProvider askable = TestProvider.thatRemembersAndCanBeAsked().answering(BillingOutcome.unknown("500"));
        host.running(host.server(askable).retryPolicy(RetryPolicy.every(Duration.ZERO, 9)))
                .billPending(RunLimits.none().invoices(2));
        askable.answering(TestProvider::charge);
        for (int id = 1; id <= 2; id++) {
            host.letTimePass(id, Duration.ofMinutes(10));
        }

        BillingRun run = host.running(host.server(askable).maxCallsPerSecond(1).time(time))
                .recover();

        assertThat(run.billed()).isEqualTo(2);
        assertThat(time.passed()).as("find, bill; find, bill").isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void a_mark_that_was_left_for_later_is_no_call() {
        provider.answering((p, request) -> {
            host.holding(Long.parseLong(request.invoiceId()));
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockScope(LockScope.CLAIM_ONLY)
                .maxCallsPerSecond(0.01)
                .time(time));
        server.bill(1);
        host.letTimePass(1, Duration.ofMinutes(1));

        assertThat(server.recover().contended()).isEqualTo(1);
        assertThat(time.passed()).isZero();
    }

    @Test
    void close_ends_the_wait() {
        Phaser sleeping = new Phaser(2);
        time.whileSleeping(sleeping::arriveAndAwaitAdvance);
        LockingInvoiceBiller server =
                host.server(provider).maxCallsPerSecond(0.001).time(time).build();
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        sleeping.arriveAndAwaitAdvance();
        InBackground<Object> closing = InBackground.of(() -> {
            server.close();
            return "closed";
        });
        org.awaitility.Awaitility.await().until(() -> closing.thread().getState() == Thread.State.TIMED_WAITING);
        sleeping.arriveAndDeregister();

        assertThat(run.result().stopReason()).isEqualTo(StopReason.CLOSED);
        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(closing.result()).isEqualTo("closed");
        assertThat(host.count("invoice_lock.billing_attempt", "state <> 'BILLED'"))
                .isZero();
    }
}
