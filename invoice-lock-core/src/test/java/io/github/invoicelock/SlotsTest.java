package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;

/** As many calls at once as were configured, for ever: who is turned away gives nothing back. */
class SlotsTest {
    private static final int CALLS_AT_ONCE = 2;

    private final TestHost host = TestHost.withInvoices(30);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void runs_that_were_interrupted_while_the_house_was_full_leave_as_many_slots_as_before(
            LockStrategy strategy, LockScope scope) {
        AtomicInteger underWay = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch full = new CountDownLatch(CALLS_AT_ONCE);
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
            full.countDown();
            try {
                answer.await();
                return p.charge(request);
            } finally {
                underWay.decrementAndGet();
            }
        });
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .lockScope(scope)
                .callTimeout(Duration.ofSeconds(60))
                .concurrency(CALLS_AT_ONCE));
        InBackground<BillingRun> first = InBackground.of(server::billPending);
        reached(full);

        for (int i = 0; i < 10; i++) {
            InBackground<BillingRun> turnedAway = InBackground.of(server::billPending);
            await().until(() -> turnedAway.isDone() || waits(turnedAway.thread()));
            turnedAway.thread().interrupt();
            await().atMost(Duration.ofSeconds(30)).until(turnedAway::isDone);
        }
        answer.reach();
        assertThat(first.result().billed()).isEqualTo(30);

        theNextRunMakesAsManyCallsAtOnce(server);
        assertThat(most.get()).isEqualTo(CALLS_AT_ONCE);
    }

    private void theNextRunMakesAsManyCallsAtOnce(LockingInvoiceBiller server) {
        host.sql("insert into invoices (id) select g from generate_series(101, 130) g");
        AtomicInteger underWay = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch together = new CountDownLatch(CALLS_AT_ONCE);
        provider.answering((p, request) -> {
            most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
            try {
                together.countDown();
                reached(together);
                return p.charge(request);
            } finally {
                underWay.decrementAndGet();
            }
        });

        assertThat(server.billPending().billed()).isEqualTo(30);
        assertThat(most.get()).as("calls at once").isEqualTo(CALLS_AT_ONCE);
    }

    private static boolean waits(Thread thread) {
        return thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING;
    }

    private static void reached(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
