package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * THROUGH_CALL with calls that are short: invoices are claimed while others are settled, wait for a connection, and are locked in the round
 * trip that settles the one before. Two calls at once; the third waits until another invoice is claimed and waits behind it.
 */
class ClaimAheadTest extends ShortCallsContract {
    private static final int INVOICES = 8;

    private final AtomicInteger calls = new AtomicInteger();
    private final Moment others = new Moment();

    ClaimAheadTest() {
        super(INVOICES);
    }

    @Override
    void whileOthersWait(Script script) {
        aheadOfTheThird(request -> script.meanwhile(request, request));
    }

    @Override
    void letOthersGoOn() {
        others.reach();
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void every_invoice_is_charged_once(LockStrategy strategy) {
        aheadOfTheThird(request -> {});

        BillingRun run = server(strategy).billPending();

        assertThat(run.billed()).isEqualTo(INVOICES);
        chargedOnceAndMarked();
    }

    @Test
    void one_that_a_webhook_reports_meanwhile_is_marked_all_the_same() {
        LockingInvoiceBiller webhooks = host.running(host.server(provider));
        aheadOfTheThird(request -> webhooks.report(request.idempotencyKey(), provider.charge(request)));

        BillingRun run = server(LockStrategy.NOWAIT).billPending();

        assertThat(run.billed()).isEqualTo(INVOICES);
        chargedOnceAndMarked();
    }

    @Test
    void an_executor_of_the_hosts_is_given_each_call_by_itself() {
        AtomicInteger tasks = new AtomicInteger();
        ExecutorService threads = Executors.newCachedThreadPool();
        aheadOfTheThird(request -> {});
        try {
            host.running(host.server(provider)
                            .lockStrategy(LockStrategy.SKIP_LOCKED)
                            .concurrency(2)
                            .executor(task -> {
                                tasks.incrementAndGet();
                                threads.execute(task);
                            }))
                    .billPending();
        } finally {
            threads.shutdown();
        }

        assertThat(tasks).hasValue(INVOICES);
        chargedOnceAndMarked();
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void no_more_are_claimed_than_can_be_called_where_the_provider_remembers_nothing(LockStrategy strategy) {
        TestProvider forgetful = TestProvider.thatOffersNothing();
        AtomicInteger mostClaimed = new AtomicInteger();
        forgetful.answering((p, request) -> {
            mostClaimed.accumulateAndGet(uncalled(p), Math::max);
            return p.charge(request);
        });

        host.running(host.server(forgetful).lockStrategy(strategy).concurrency(2))
                .billPending();

        assertThat(mostClaimed).hasValueLessThanOrEqualTo(2);
        assertThat(forgetful.charges()).isEqualTo(INVOICES);
    }

    /** What a crash leaves to be taken over is bounded, however many are pending. */
    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void no_more_than_eight_for_each_call_are_claimed_ahead(LockStrategy strategy) {
        host.sql("insert into invoices (id) select generate_series(" + (INVOICES + 1) + ", 100)");
        AtomicInteger mostClaimed = new AtomicInteger();
        aheadOfTheThird(request -> {}, uncalled -> mostClaimed.accumulateAndGet(uncalled, Math::max));

        BillingRun run = server(strategy).billPending();

        assertThat(run.billed()).isEqualTo(100);
        assertThat(mostClaimed).hasValueBetween(3, 8 * 2);
    }

    /** Claimed, and the provider has not charged them yet. */
    private int uncalled(TestProvider provider) {
        int claimed = host.count("invoice_lock.billing_attempt", "true");
        return claimed - provider.charges();
    }

    /** Calls one and two are answered at once, so that others are claimed ahead; three and four wait until they are. */
    private void aheadOfTheThird(Consumer<BillingRequest> script) {
        aheadOfTheThird(script, uncalled -> {});
    }

    private void aheadOfTheThird(Consumer<BillingRequest> script, IntConsumer atEachCall) {
        provider.answering((p, request) -> {
            int call = calls.incrementAndGet();
            if (call == 3) {
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> host.count("invoice_lock.billing_attempt", "true") >= 5);
                script.accept(request);
                others.reach();
            } else if (call == 4) {
                others.await();
            }
            atEachCall.accept(uncalled(p));
            return p.charge(request);
        });
    }
}
