package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static io.github.invoicelock.FaultyDataSource.standStill;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bounds of a run, calls at once, time-outs, and the end. */
class RunTest {
    private final TestHost host = TestHost.withInvoices(40);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategy
    void a_limit_on_invoices_is_kept_exactly_and_contended_ones_do_not_count(LockStrategy strategy) {
        host.holding(3);
        for (LockScope scope : LockScope.values()) {
            LockingInvoiceBiller server = host.running(host.server(provider)
                    .lockStrategy(strategy)
                    .lockScope(scope)
                    .waitTimeout(Duration.ofMillis(20))
                    .concurrency(4));
            BillingRun run = server.billPending(RunLimits.none().invoices(10));
            assertThat(run.billed()).as("%s", scope).isEqualTo(10);
            assertThat(run.stopReason()).isEqualTo(StopReason.INVOICE_LIMIT);
        }
        assertThat(provider.requests()).hasSize(20);
    }

    @Test
    void a_limit_on_time_takes_up_nothing_more_and_finishes_what_is_in_flight() {
        provider.answering((p, request) -> {
            await().pollDelay(Duration.ofMillis(60)).until(() -> true);
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider));

        BillingRun run = server.billPending(RunLimits.none().time(Duration.ofMillis(200)));

        assertThat(run.stopReason()).isEqualTo(StopReason.TIME_LIMIT);
        assertThat(run.billed()).isBetween(1, 10);
        assertThat(run.billed()).isEqualTo(provider.requests().size());
        assertThat(run.elapsed()).isGreaterThanOrEqualTo(Duration.ofMillis(200));
    }

    @Test
    void limits_are_positive() {
        assertThatThrownBy(() -> RunLimits.none().invoices(0)).hasMessageContaining("RunLimits.invoices is 0");
        assertThatThrownBy(() -> RunLimits.none().time(Duration.ZERO)).hasMessageContaining("RunLimits.time is PT0S");
        assertThat(RunLimits.none().invoices(3).time(Duration.ofSeconds(1)))
                .hasToString("RunLimits[invoices=3, time=PT1S]");
        assertThat(RunLimits.none()).hasToString("RunLimits[invoices=none, time=none]");
    }

    @Ways.WithEveryStrategy
    void as_many_calls_at_once_as_configured_and_not_one_more(LockStrategy strategy) {
        for (LockScope scope : LockScope.values()) {
            host.sql("truncate invoice_lock.billing_attempt; update invoices set pending = true");
            AtomicInteger now = new AtomicInteger();
            AtomicInteger most = new AtomicInteger();
            Moment five = new Moment();
            provider.answering((p, request) -> {
                int calls = now.incrementAndGet();
                most.accumulateAndGet(calls, Math::max);
                if (calls == 5) {
                    five.reach();
                }
                five.await();
                now.decrementAndGet();
                return p.charge(request);
            });
            LockingInvoiceBiller server = host.running(host.server(provider)
                    .lockStrategy(strategy)
                    .lockScope(scope)
                    .concurrency(5));

            assertThat(server.billPending().billed()).as("%s", scope).isEqualTo(40);
            assertThat(most.get()).isEqualTo(5);
        }
    }

    @Ways.InEveryScope
    void a_gateway_that_hangs_is_interrupted_at_its_time_out_and_in_doubt(LockScope scope) {
        AtomicInteger interrupted = new AtomicInteger();
        provider.answering((p, request) -> {
            try {
                new java.util.concurrent.CountDownLatch(1).await();
            } catch (InterruptedException e) {
                interrupted.incrementAndGet();
                throw e;
            }
            return p.charge(request);
        });
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).callTimeout(Duration.ofMillis(100)));

        BillingRun run = server.billPending(RunLimits.none().invoices(1));

        assertThat(run.inDoubt()).isEqualTo(1);
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(interrupted.get()).isEqualTo(1));
        assertThat(server.attempts(1).get(0).message()).isEqualTo("No answer within PT0.1S");
    }

    @Ways.InEveryScope
    void a_gateway_that_ignores_interruption_keeps_its_thread_but_not_its_slot(LockScope scope) {
        Moment end = new Moment();
        provider.answering((p, request) -> {
            if (request.invoiceId().equals("1")) {
                end.awaitUninterruptibly();
            }
            return p.charge(request);
        });
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).callTimeout(Duration.ofSeconds(4)));

        BillingRun run = server.billPending();

        assertThat(run.billed()).isEqualTo(39);
        assertThat(run.inDoubt()).isEqualTo(1);
        end.reach();
        await().atMost(Duration.ofSeconds(30)).until(() -> "BILLED".equals(host.state(1)));
    }

    @Test
    void a_gateway_that_never_returns_stops_the_run_before_it_eats_up_all_threads() {
        Moment end = new Moment();
        provider.answering((p, request) -> {
            end.awaitUninterruptibly();
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider)
                .callTimeout(Duration.ofMillis(50))
                .stopAfterFailures(3)
                .concurrency(2));
        assertThat(server.billPending().stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        int called = provider.requests().size();

        BillingRun next = server.billPending();

        assertThat(next.stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(provider.requests()).as("not a single call more").hasSize(called);
        end.reach();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("invoice_lock.billing_attempt", "state = 'BILLED'") == called);
    }

    @Ways.InEveryScope
    void of_ten_thousand_invoices_a_provider_that_is_down_leaves_few_in_doubt(LockScope scope) {
        host.sql("insert into invoices (id) select g from generate_series(41, 10000) g");
        provider.answering((p, request) -> {
            throw new java.io.IOException("down");
        });
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockScope(scope).stopAfterFailures(10).concurrency(8));

        BillingRun run = server.billPending();

        assertThat(run.stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'IN_DOUBT'"))
                .isEqualTo(run.inDoubt())
                .isBetween(10, 18);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'STARTED'"))
                .isZero();
    }

    @Ways.InEveryScope
    void close_waits_for_calls_in_flight_stops_the_run_and_may_be_called_again(LockScope scope) {
        Moment called = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            called.reach();
            answer.await();
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.server(provider).lockScope(scope).build();
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        called.await();

        InBackground<Object> closing = InBackground.of(() -> {
            server.close();
            return "closed";
        });
        await().atMost(Duration.ofSeconds(30)).until(() -> closing.thread().getState() == Thread.State.TIMED_WAITING);
        assertThat(run.isDone()).isFalse();
        answer.reach();

        assertThat(closing.result()).isEqualTo("closed");
        assertThat(run.result().stopReason()).isEqualTo(StopReason.CLOSED);
        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'STARTED'"))
                .isZero();
        server.close();
        assertThatThrownBy(server::billPending)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is closed");
    }

    @Ways.InEveryScope
    void close_gives_back_what_is_claimed_and_not_called(LockScope scope) {
        LockingInvoiceBiller[] server = new LockingInvoiceBiller[1];
        Moment claimed = new Moment();
        Moment goOn = new Moment();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        server[0] = host.server(database.proxy(), provider).lockScope(scope).build();
        database.strikeOnce(after(COMMIT).of(CLAIM), standStill(claimed, goOn));
        InBackground<BillingRun> run = InBackground.of(() -> server[0].billPending());
        claimed.await();
        InBackground<Object> closing = InBackground.of(() -> {
            server[0].close();
            return "closed";
        });
        await().atMost(Duration.ofSeconds(30)).until(() -> closing.thread().getState() == Thread.State.TIMED_WAITING);
        goOn.reach();

        closing.result();
        assertThat(run.result().notBilled()).isEqualTo(1);
        assertThat(provider.requests()).isEmpty();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'NOT_BILLED' and due_at <= now()"))
                .isEqualTo(1);
        assertThat(host.running(host.server(provider)).billPending().billed()).isEqualTo(40);
    }

    @Test
    void an_interrupted_run_finishes_what_is_in_flight_and_says_so() {
        Moment called = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            called.reach();
            answer.await();
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider));
        boolean[] stillInterrupted = {false};
        InBackground<BillingRun> run = InBackground.of(() -> {
            BillingRun result = server.billPending();
            stillInterrupted[0] = Thread.currentThread().isInterrupted();
            return result;
        });
        called.await();
        run.thread().interrupt();
        answer.reach();

        assertThat(run.result().stopReason()).isEqualTo(StopReason.INTERRUPTED);
        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(stillInterrupted[0]).isTrue();
    }

    @Test
    void two_runs_of_one_biller_share_its_slots_and_bill_each_invoice_once() {
        LockingInvoiceBiller server = host.running(host.server(provider).concurrency(4));
        InBackground<BillingRun> one = InBackground.of(server::billPending);
        InBackground<BillingRun> two = InBackground.of(server::billPending);

        assertThat(one.result().billed() + two.result().billed()).isEqualTo(40);
        assertThat(provider.requests()).hasSize(40);
        assertThat(provider.overlaps()).isEmpty();
    }

    @Ways.InEveryScope
    void calls_are_made_by_the_host_executor_and_a_refusal_of_its_leaves_the_invoice_unbilled(LockScope scope) {
        ExecutorService executor = Executors.newFixedThreadPool(2, task -> new Thread(task, "the-hosts-own"));
        provider.answering((p, request) -> {
            assertThat(Thread.currentThread().getName()).isEqualTo("the-hosts-own");
            return p.charge(request);
        });
        assertThat(host.running(host.server(provider)
                                .lockScope(scope)
                                .executor(executor)
                                .concurrency(2))
                        .billPending(RunLimits.none().invoices(10))
                        .billed())
                .isEqualTo(10);
        executor.shutdown();

        BillingRun refused = host.running(host.server(provider).lockScope(scope).executor(task -> {
                    throw new RejectedExecutionException("full");
                }))
                .billPending(RunLimits.none().invoices(1));
        assertThat(refused.notBilled()).isEqualTo(1);
        assertThat(provider.requests()).hasSize(10);
    }

    @Ways.WithEveryStrategy
    void claim_only_works_with_a_pool_of_one_connection(LockStrategy strategy) {
        try (TestHost small = new TestHost(1, true)) {
            small.invoices(50);
            assertThat(small.running(small.server(provider)
                                    .lockStrategy(strategy)
                                    .lockScope(LockScope.CLAIM_ONLY)
                                    .concurrency(10))
                            .billPending()
                            .billed())
                    .isEqualTo(50);
        }
    }

    @Ways.WithEveryStrategy
    void claim_only_has_at_most_four_connections_out_whatever_the_concurrency(LockStrategy strategy) {
        AtomicInteger most = new AtomicInteger();
        provider.answering((p, request) -> {
            most.accumulateAndGet(host.dataSource().getHikariPoolMXBean().getActiveConnections(), Math::max);
            return p.charge(request);
        });
        host.sql("insert into invoices (id) select g from generate_series(41, 600) g");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .lockScope(LockScope.CLAIM_ONLY)
                .onBilled((tx, attempt, reference) -> most.accumulateAndGet(
                        host.dataSource().getHikariPoolMXBean().getActiveConnections(), Math::max))
                .concurrency(100));

        assertThat(server.billPending().billed()).isEqualTo(600);

        assertThat(most.get()).isBetween(1, 4);
    }

    @Test
    void bill_takes_up_one_invoice_and_only_if_there_is_something_to_do() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        assertThat(server.bill(7).billed()).isEqualTo(1);
        assertThat(server.bill(7).seen()).as("it is billed").isZero();
        host.holding(8);
        assertThat(server.bill(8).contended()).isEqualTo(1);
        host.sql("update invoices set pending = false where id = 9");
        assertThat(server.bill(9).seen()).isZero();
        provider.answering(BillingOutcome.notBilled("429"));
        assertThat(server.bill(10).notBilled()).isEqualTo(1);
        provider.answering(TestProvider::charge);
        assertThat(server.bill(10).billed())
                .as("now, without waiting for its time")
                .isEqualTo(1);
    }
}
