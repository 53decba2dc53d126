package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * THROUGH_CALL with calls that are short: invoices are claimed while others are settled, wait for a connection, and are locked in the round
 * trip that settles the one before. Two calls at once; the third waits until another invoice is claimed and waits behind it.
 */
class ClaimAheadTest {
    private static final int INVOICES = 8;

    private final TestHost host = TestHost.withInvoices(INVOICES);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final AtomicInteger calls = new AtomicInteger();
    private final Moment others = new Moment();

    @AfterEach
    void close() {
        host.close();
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
    void one_whose_mark_fails_takes_no_other_with_it() {
        host.sql(
                "create function f() returns trigger language plpgsql as $$ begin raise exception 'closed for the night'; end $$");
        AtomicReference<@Nullable String> third = new AtomicReference<>();
        aheadOfTheThird(request -> {
            third.set(request.invoiceId());
            host.sql("create trigger t before update on invoices for each row when (old.id = " + request.invoiceId()
                    + ") execute function f()");
        });

        assertThatThrownBy(() -> server(LockStrategy.NOWAIT).billPending())
                .isInstanceOf(BillingRunException.class)
                .hasMessageContaining("closed for the night");

        assertThat(host.one("select state || ' ' || (due_at is not null) from invoice_lock.billing_attempt "
                        + "where invoice_id = '" + third.get() + "'"))
                .isEqualTo("BILLED true");
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'STARTED'"))
                .as("left behind")
                .isZero();

        host.sql(
                "drop trigger t on invoices; update invoice_lock.billing_attempt set due_at = now() where due_at is not null");
        server(LockStrategy.NOWAIT).billPending();
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
    void one_that_the_host_holds_when_it_is_to_be_called_is_left_to_a_later_pass() throws Exception {
        AtomicReference<@Nullable Connection> holding = new AtomicReference<>();
        AtomicReference<@Nullable String> held = new AtomicReference<>();
        aheadOfTheThird(request -> {
            held.set(host.one("select min(invoice_id) from invoice_lock.billing_attempt where state = 'STARTED' "
                    + "and invoice_id::int > " + request.invoiceId() + " and invoice_id::int > 4"));
            holding.set(host.holding(Long.parseLong(String.valueOf(held.get()))));
        });

        BillingRun run = server(LockStrategy.NOWAIT).billPending();

        assertThat(run.billed()).isEqualTo(INVOICES - 1);
        assertThat(provider.chargesOf(String.valueOf(held.get()))).isZero();

        java.util.Objects.requireNonNull(holding.get()).close();
        host.letTimePass(Long.parseLong(String.valueOf(held.get())), Duration.ofSeconds(1));
        server(LockStrategy.NOWAIT).billPending();
        chargedOnceAndMarked();
    }

    @Test
    void one_that_is_cut_off_holds_up_none_behind_it_and_is_marked_when_its_answer_comes() {
        Moment end = new Moment();
        AtomicReference<@Nullable String> third = new AtomicReference<>();
        aheadOfTheThird(request -> {
            third.set(request.invoiceId());
            others.reach();
            end.awaitUninterruptibly();
        });

        BillingRun run = host.running(host.server(provider)
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .concurrency(2)
                        .callTimeout(Duration.ofSeconds(1)))
                .billPending();

        assertThat(run.billed()).isEqualTo(INVOICES - 1);
        assertThat(run.inDoubt()).isOne();
        assertThat(provider.chargesOf(String.valueOf(third.get())))
                .as("not answered yet")
                .isZero();
        end.reach();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("invoices", "not pending and id = " + third.get()) == 1);
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

    private LockingInvoiceBiller server(LockStrategy strategy) {
        return host.running(host.server(provider).lockStrategy(strategy).concurrency(2));
    }

    /** Calls one and two are answered at once, so that others are claimed ahead; three and four wait until they are. */
    private void aheadOfTheThird(Script script) {
        aheadOfTheThird(script, uncalled -> {});
    }

    private void aheadOfTheThird(Script script, IntConsumer atEachCall) {
        provider.answering((p, request) -> {
            int call = calls.incrementAndGet();
            if (call == 3) {
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> host.count("invoice_lock.billing_attempt", "true") >= 5);
                script.meanwhile(request);
                others.reach();
            } else if (call == 4) {
                others.await();
            }
            atEachCall.accept(uncalled(p));
            return p.charge(request);
        });
    }

    private void chargedOnceAndMarked() {
        assertThat(provider.charges()).isEqualTo(INVOICES);
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(host.count("invoices", "pending")).isZero();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED' and due_at is null"))
                .isEqualTo(INVOICES);
    }

    /** What happens while the third call is under way. */
    @FunctionalInterface
    private interface Script {
        void meanwhile(BillingRequest request);
    }
}
