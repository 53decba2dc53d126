package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.internal.engine.Pace;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * THROUGH_CALL after a hundred calls that took no time: a few invoices share a transaction, which holds all their rows, calls one after
 * the other, and settles them together. Something happens at a call before which two others of its transaction have been answered.
 */
class SettledTogetherTest extends ShortCallsContract {
    private static final int INVOICES = 400;
    /** Before, there were not enough quick calls. */
    private static final int FIRST_LOOK = 150;
    /** A look takes longer than a call. */
    private static final int CALLS_BETWEEN_LOOKS = 15;

    private final Connection eye = host.connection();
    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicReference<@Nullable Thread> happened = new AtomicReference<>();
    private final Map<Thread, List<BillingRequest>> answeredOn = new ConcurrentHashMap<>();
    private volatile BooleanSupplier othersWait = () -> false;

    SettledTogetherTest() {
        super(INVOICES);
    }

    @Override
    void whileOthersWait(Script script) {
        whenTwoWait((request, before) -> script.meanwhile(request, before.get(0)));
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void every_invoice_is_charged_once_and_no_more_than_eight_wait_for_one_commit(LockStrategy strategy) {
        BillingRun run = server(strategy).billPending();

        assertThat(run.billed()).isEqualTo(INVOICES);
        assertThat(mostOfOneTransaction()).isBetween(3, 8);
        chargedOnceAndMarked();
    }

    @Test
    void one_that_a_webhook_reports_meanwhile_is_marked_all_the_same() {
        LockingInvoiceBiller webhooks = host.running(host.server(provider));
        AtomicReference<@Nullable String> reported = new AtomicReference<>();
        whenTwoWait((request, before) -> {
            BillingRequest first = before.get(0);
            reported.set(first.invoiceId());
            webhooks.report(first.idempotencyKey(), BillingOutcome.billed("by webhook"));
            // So that others are called next on this connection.
            oneThatWaits(eye, "select id from invoices where id =", "");
        });
        meanwhileOthersWait(() -> reported.get() != null && host.pending(Long.parseLong(reported.get())));

        BillingRun run = server(LockStrategy.NOWAIT).billPending();

        assertThat(run.billed()).isEqualTo(INVOICES);
        chargedOnceAndMarked();
    }

    @Test
    void one_that_the_host_takes_back_before_its_call_is_not_charged() {
        AtomicReference<@Nullable String> takenBack = new AtomicReference<>();
        Connection takingBack = host.connection();
        whenTwoWait((request, before) -> takenBack.set(
                oneThatWaits(takingBack, "update invoices set pending = false where id =", " returning id")));

        BillingRun run = server(LockStrategy.SKIP_LOCKED).billPending();

        assertThat(takenBack.get()).isNotNull();
        assertThat(provider.chargesOf(String.valueOf(takenBack.get()))).isZero();
        assertThat(run.withdrawn()).isOne();
        assertThat(run.billed()).isEqualTo(INVOICES - 1);
        assertThat(host.count("invoices", "pending")).isZero();
    }

    @Test
    void one_that_is_declined_is_settled_with_those_that_were_charged() {
        AtomicReference<@Nullable String> declined = new AtomicReference<>();
        provider.answering((p, request) -> {
            if (isTimeToLook()
                    && unsettledOfThisThread().size() >= 2
                    && happened.compareAndSet(null, Thread.currentThread())) {
                declined.set(request.invoiceId());
                return BillingOutcome.declined("card_declined", "insufficient funds");
            }
            return answered(p, request);
        });

        BillingRun run = server(LockStrategy.NOWAIT).billPending();

        assertThat(happened).as("settled together").doesNotHaveNullValue();
        assertThat(run.declined()).isOne();
        assertThat(run.billed()).isEqualTo(INVOICES - 1);
        assertThat(host.state(Long.parseLong(String.valueOf(declined.get())))).isEqualTo("DECLINED");
        assertThat(host.count("invoices", "pending")).isOne();
    }

    @Test
    void after_one_that_takes_long_those_that_were_answered_are_settled_before_others_are_called() {
        AtomicLong passed = new AtomicLong();
        AtomicReference<@Nullable Thread> slow = new AtomicReference<>();
        AtomicInteger unsettled = new AtomicInteger(-1);
        provider.answering((p, request) -> {
            if (slow.get() == Thread.currentThread() && unsettled.get() < 0) {
                unsettled.set(unsettledOfThisThread().size());
            } else if (isTimeToLook()
                    // Of up to eight: others are left that would share the transaction.
                    && isBetween(2, 5, unsettledOfThisThread().size())
                    && slow.compareAndSet(null, Thread.currentThread())) {
                passed.addAndGet(Duration.ofSeconds(1).toNanos());
            }
            return answered(p, request);
        });

        host.running(host.server(provider)
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .concurrency(2)
                        .time(movedByHand(passed)))
                .billPending();

        assertThat(slow).as("settled together").doesNotHaveNullValue();
        assertThat(unsettled).hasValueLessThanOrEqualTo(0);
        chargedOnceAndMarked();
    }

    private static boolean isBetween(int least, int most, int number) {
        return least <= number && number <= most;
    }

    private static Pace.Time movedByHand(AtomicLong nanos) {
        return new Pace.Time() {
            @Override
            public long nanos() {
                return nanos.get();
            }

            @Override
            public void sleep(long more) {
                throw new AssertionError("Nobody waits for a moment where calls are not bounded");
            }
        };
    }

    /** What a crash would leave in doubt then is a person's to find out about. */
    @Test
    void none_waits_for_another_where_the_provider_remembers_nothing() {
        TestProvider forgetful = TestProvider.thatOffersNothing();

        host.running(host.server(forgetful).concurrency(8)).billPending();

        assertThat(forgetful.charges()).isEqualTo(INVOICES);
        assertThat(mostOfOneTransaction()).isOne();
    }

    /** A row says which transaction has written it. */
    private int mostOfOneTransaction() {
        return Integer.parseInt(
                String.valueOf(host.one("select count(*) from invoices group by xmin::text order by 1 desc limit 1")));
    }

    /** Once, at a call before which two others of its transaction were answered. */
    private void whenTwoWait(BiConsumer<BillingRequest, List<BillingRequest>> script) {
        provider.answering((p, request) -> {
            if (isTimeToLook()) {
                List<BillingRequest> before = unsettledOfThisThread();
                if (before.size() >= 2 && happened.compareAndSet(null, Thread.currentThread())) {
                    script.accept(request, before);
                }
            }
            return answered(p, request);
        });
    }

    private void meanwhileOthersWait(BooleanSupplier until) {
        othersWait = until;
    }

    private boolean isTimeToLook() {
        int call = calls.incrementAndGet();
        return call >= FIRST_LOOK && call % CALLS_BETWEEN_LOOKS == 0;
    }

    private BillingOutcome answered(TestProvider p, BillingRequest request) {
        Thread script = happened.get();
        if (script != null && script != Thread.currentThread() && othersWait.getAsBoolean()) {
            await().atMost(Duration.ofSeconds(5)).until(() -> !othersWait.getAsBoolean());
        }
        BillingOutcome outcome = p.charge(request);
        answeredOn
                .computeIfAbsent(Thread.currentThread(), thread -> new ArrayList<>())
                .add(request);
        return outcome;
    }

    /** Calls of one transaction are on one thread. */
    private List<BillingRequest> unsettledOfThisThread() {
        List<BillingRequest> answered = answeredOn.getOrDefault(Thread.currentThread(), List.of());
        List<BillingRequest> last = answered.subList(Math.max(0, answered.size() - 20), answered.size());
        if (last.isEmpty()) {
            return List.of();
        }
        String pending = TestHost.one(
                eye,
                "select string_agg(id::text, ',') from invoices where pending and id in ("
                        + last.stream().map(BillingRequest::invoiceId).collect(Collectors.joining(",")) + ")");
        List<String> ids = pending == null ? List.of() : List.of(pending.split(","));
        return last.stream().filter(each -> ids.contains(each.invoiceId())).toList();
    }
}
