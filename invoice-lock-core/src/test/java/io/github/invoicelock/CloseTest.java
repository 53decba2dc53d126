package io.github.invoicelock;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** A biller that is closed while it is at work: every answer is heard, every run ends, whatever the database does meanwhile. */
class CloseTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int FEW = 2;

    private final TestHost host = TestHost.withInvoices(8);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final GatedDataSource pool = new GatedDataSource(host.dataSource());
    private final CountDownLatch called = new CountDownLatch(8);
    private final Moment answer = new Moment();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void closed_by_an_interrupted_thread_it_hears_the_calls_in_flight(LockStrategy strategy, LockScope scope) {
        allAreCalledAndAnswerTogether();
        LockingInvoiceBiller server = host.server(provider)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(8)
                .build();
        InBackground<Bounded<BillingRun>> run =
                InBackground.of(() -> Bounded.by(LIMIT, "the run", server::billPending));
        allAreUnderWay();

        InBackground.of(() -> {
                    Thread.currentThread().interrupt();
                    server.close();
                    return true;
                })
                .result();
        answer.reach();

        assertThat(run.result().answer().billed()).isEqualTo(8);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isEqualTo(8);
        assertThat(host.count("invoices", "pending")).isZero();
    }

    @Ways.WithEveryStrategyInEveryScope
    void closed_while_the_pool_gives_no_connection_it_hears_the_calls_in_flight(
            LockStrategy strategy, LockScope scope) {
        allAreCalledAndAnswerTogether();
        LockingInvoiceBiller server = host.server(pool, provider)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(8)
                // Where the lock is held through the call, close() need not wait; else not for long.
                .callTimeout(scope == LockScope.THROUGH_CALL ? LIMIT : Duration.ofMillis(700))
                .leaseMargin(scope == LockScope.THROUGH_CALL ? LIMIT : Duration.ofMillis(700))
                .build();
        InBackground<Bounded<BillingRun>> run = InBackground.of(() -> Bounded.by(
                LIMIT, "the run", () -> server.billPending(RunLimits.none().invoices(FEW))));
        // No more: the first is not to be cut off before the last is called.
        await().atMost(LIMIT).until(() -> called.getCount() == 8 - FEW);
        pool.shut();
        answer.reach();

        Bounded.by(LIMIT, "close()", () -> {
            server.close();
            return true;
        });
        pool.open();

        run.result(); // it ends, however it does
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isEqualTo(FEW);
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @Ways.WithEveryStrategy
    void a_page_that_cannot_be_given_back_because_the_database_is_away_ends_with_the_run(LockStrategy strategy)
            throws InterruptedException {
        AtomicReference<@Nullable LockingInvoiceBiller> biller = new AtomicReference<>();
        AtomicBoolean once = new AtomicBoolean();
        CountDownLatch closed = new CountDownLatch(1);
        LockingInvoiceBiller server = host.server(pool, provider)
                .lockStrategy(strategy)
                .lockScope(LockScope.CLAIM_ONLY)
                .concurrency(8)
                .callTimeout(Duration.ofMillis(700))
                .leaseMargin(Duration.ofMillis(700))
                .listener(new BillingListener() {
                    @Override
                    public void claimed(BillingAttempt attempt) {
                        if (once.compareAndSet(false, true)) {
                            pool.away(true);
                            InBackground<Boolean> closing = InBackground.of(() -> {
                                requireNonNull(biller.get()).close();
                                closed.countDown();
                                return true;
                            });
                            await().until(() ->
                                    closing.isDone() || closing.thread().getState() == Thread.State.TIMED_WAITING);
                        }
                    }
                })
                .build();
        biller.set(server);

        Bounded.by(LIMIT, "the run", server::billPending); // it ends, with an error or without

        assertThat(closed.await(30, TimeUnit.SECONDS)).as("close() has ended").isTrue();
        pool.away(false);
        for (int id = 1; id <= 8; id++) {
            host.letTimePass(id, Duration.ofMinutes(10));
        }
        host.running(host.server(provider)).billPending();
        assertThat(host.count("invoices", "pending"))
                .as("another server bills them")
                .isZero();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isEqualTo(8);
        assertThat(provider.chargedTwice()).isEmpty();
    }

    private void allAreCalledAndAnswerTogether() {
        provider.answering((p, request) -> {
            BillingOutcome outcome = p.charge(request);
            called.countDown();
            answer.await();
            return outcome;
        });
    }

    private void allAreUnderWay() {
        try {
            assertThat(called.await(30, TimeUnit.SECONDS))
                    .as("all are being called")
                    .isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
