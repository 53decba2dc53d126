package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.time.Instant;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;

/** Calls that never began are no calls: nobody waited for an answer, nothing failed, nothing went well, and nothing leaves later. */
class UncalledTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final TestHost host = TestHost.withInvoices(40);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.InEveryScope
    void a_call_for_which_there_was_no_thread_was_not_without_an_answer(LockScope scope) {
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockScope(scope)
                .callTimeout(Duration.ofMillis(300))
                .leaseMargin(Duration.ofMillis(300))
                .executor(task -> {})); // drops it

        BillingRun run = Bounded.by(
                        LIMIT,
                        "the run",
                        () -> server.billPending(RunLimits.none().invoices(1)))
                .answer();

        assertThat(run.notBilled()).as("surely not charged: %s", run).isEqualTo(1);
        assertThat(host.state(1)).isEqualTo("NOT_BILLED");
        assertThat(server.attempts(1).get(0).message()).isNotBlank().doesNotContain("No answer within");
    }

    @Ways.InEveryScope
    void r11_counts_failed_calls_in_a_row_whatever_was_not_called_between_them(LockScope scope) {
        provider.answering((p, request) -> {
            throw new java.io.IOException("down");
        });
        AtomicInteger tasks = new AtomicInteger();
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockScope(scope).stopAfterFailures(3).executor(task -> {
                    if (tasks.getAndIncrement() % 2 == 1) {
                        throw new RejectedExecutionException("full");
                    }
                    new Thread(task, "the-hosts-own").start();
                }));

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        assertThat(run.stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(provider.requests().size()).as("calls that failed").isBetween(3, 4);
    }

    @Ways.InEveryScope
    void a_call_that_an_out_of_memory_error_left_queued_does_not_leave_without_its_lock(LockScope scope) {
        Queue<Runnable> queued = new ConcurrentLinkedQueue<>();
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).executor(task -> {
                    queued.add(task);
                    throw new OutOfMemoryError("unable to create native thread");
                }));
        Bounded.by(LIMIT, "the run", () -> server.billPending(RunLimits.none().invoices(1)));

        queued.forEach(Runnable::run);

        assertThat(provider.requests()).as("what nobody waits for is not sent").isEmpty();
        for (int id = 1; id <= 40; id++) {
            host.letTimePass(id, Duration.ofMinutes(10));
        }
        assertThat(host.running(host.server(provider)).billPending().billed()).isEqualTo(40);
        assertThat(provider.requests()).hasSize(40);
    }

    @Ways.InEveryScope
    void an_executor_that_refuses_everything_stops_the_run_and_nothing_is_tried_again_at_once(LockScope scope) {
        host.sql("insert into invoices (id) select g from generate_series(101, 1000) g");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockScope(scope)
                .concurrency(4)
                .stopAfterFailures(10)
                .executor(task -> {
                    throw new RejectedExecutionException("shut down");
                }));

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        assertThat(run.stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(provider.requests()).isEmpty();
        assertThat(host.count("invoice_lock.billing_attempt", "true"))
                .as("few are claimed")
                .isBetween(10, 10 + 4);
        assertThat(host.count("invoice_lock.billing_attempt", "fence > 1"))
                .as("tried again in the same run")
                .isZero();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'NOT_BILLED' and due_at > settled_at"))
                .as("those that were refused are due later; what the end of the run gave back is due at once")
                .isGreaterThanOrEqualTo(10);
    }

    @Ways.InEveryScope
    void a_call_whose_thread_comes_later_than_half_of_the_margin_is_not_made_and_is_due_again(LockScope scope) {
        Duration callTimeout = Duration.ofSeconds(10);
        Moment late = new Moment();
        Moment ran = new Moment();
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockScope(scope)
                .callTimeout(callTimeout)
                .leaseMargin(Duration.ofSeconds(6))
                .executor(task -> new Thread(() -> {
                            late.await();
                            task.run();
                            ran.reach();
                        })
                        .start()));
        InBackground<BillingRun> run =
                InBackground.of(() -> server.billPending(RunLimits.none().invoices(1)));
        // Half of the margin is over, the other half is not: that one is for a request that arrives late (R19).
        await().atMost(LIMIT)
                .until(() -> host.count(
                                "invoice_lock.billing_attempt", "clock_timestamp() > lease_until - interval '12.9 s'")
                        == 1);
        boolean withinTheMargin =
                host.count("invoice_lock.billing_attempt", "clock_timestamp() < lease_until - interval '10 s'") == 1;

        late.reach();
        ran.await();

        assertThat(withinTheMargin).as("the scene").isTrue();
        assertThat(run.result().notBilled()).isEqualTo(1);
        assertThat(provider.requests()).isEmpty();
        assertThat(server.attempts(1).get(0).state()).isEqualTo(AttemptState.NOT_BILLED);
        assertThat(server.attempts(1).get(0).dueAt()).as("due again").isNotNull();
        host.letTimePass(1, Duration.ofMinutes(10));
        assertThat(host.running(host.server(provider)).recover().billed()).isEqualTo(1);
        assertThat(provider.requestsFor(1)).hasSize(1);
    }

    @Ways.InEveryScope
    void a_report_that_nothing_was_billed_is_believed_with_its_retry_after(LockScope scope) {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).retryPolicy(RetryPolicy.every(Duration.ZERO, 9)));
        server.bill(1);

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.notBilled("429", Duration.ofHours(2)));

        BillingAttempt attempt = server.attempts(1).get(0);
        assertThat(attempt.state()).isEqualTo(AttemptState.NOT_BILLED);
        assertThat(attempt.dueAt()).isNotNull().isAfter(Instant.now().plus(Duration.ofMinutes(110)));
        assertThat(server.recover().seen()).isZero();
        assertThat(provider.requests()).hasSize(1);
    }
}
