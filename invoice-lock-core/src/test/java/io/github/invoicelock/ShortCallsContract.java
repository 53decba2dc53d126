package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** THROUGH_CALL with calls that are short, two at once: what holds for every invoice, whatever is done to save commits between them. */
abstract class ShortCallsContract {
    final int invoices;
    final TestHost host;
    final TestProvider provider = TestProvider.thatRemembers();

    ShortCallsContract(int invoices) {
        this.invoices = invoices;
        this.host = TestHost.withInvoices(invoices);
    }

    /** What happens while a call is under way. */
    @FunctionalInterface
    interface Script {
        /**
         * Makes it happen.
         *
         * @param inHand whose call it is
         * @param unsettled that is not settled before this call ends; the same, or one that was answered before
         */
        void meanwhile(BillingRequest inHand, BillingRequest unsettled);
    }

    /** Once, at a call while others of the server's claims wait for theirs. */
    abstract void whileOthersWait(Script script);

    /** The script's call goes on while others are made. */
    void letOthersGoOn() {}

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void one_whose_mark_fails_takes_no_other_with_it() {
        host.sql(
                "create function f() returns trigger language plpgsql as $$ begin raise exception 'closed for the night'; end $$");
        AtomicReference<@Nullable String> failing = new AtomicReference<>();
        whileOthersWait((inHand, unsettled) -> {
            failing.set(unsettled.invoiceId());
            host.sql("create trigger t before update on invoices for each row when (old.id = " + failing.get()
                    + ") execute function f()");
        });

        assertThatThrownBy(() -> server(LockStrategy.NOWAIT).billPending())
                .isInstanceOf(BillingRunException.class)
                .hasMessageContaining("closed for the night");

        assertThat(host.one("select state || ' ' || (due_at is not null) from invoice_lock.billing_attempt "
                        + "where invoice_id = '" + failing.get() + "'"))
                .isEqualTo("BILLED true");
        assertThat(host.count("invoices", "not pending"))
                .as("all others that were charged are marked")
                .isEqualTo(provider.charges() - 1);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'STARTED'"))
                .as("left behind")
                .isZero();

        host.sql(
                "drop trigger t on invoices; update invoice_lock.billing_attempt set due_at = now() where due_at is not null");
        server(LockStrategy.NOWAIT).billPending();
        chargedOnceAndMarked();
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void one_that_the_host_holds_when_it_is_to_be_called_is_left_to_a_later_pass(LockStrategy strategy)
            throws Exception {
        Connection holding = host.connection();
        holding.setAutoCommit(false);
        AtomicReference<@Nullable String> held = new AtomicReference<>();
        whileOthersWait(
                (inHand, unsettled) -> held.set(oneThatWaits(holding, "select id from invoices where id =", "")));

        BillingRun run = server(strategy).billPending();

        assertThat(held.get()).isNotNull();
        assertThat(run.billed()).isEqualTo(invoices - 1);
        assertThat(provider.chargesOf(String.valueOf(held.get()))).isZero();

        holding.rollback();
        host.letTimePass(Long.parseLong(String.valueOf(held.get())), Duration.ofSeconds(1));
        server(strategy).billPending();
        chargedOnceAndMarked();
    }

    @Test
    void one_that_is_cut_off_holds_up_no_other_and_is_marked_when_its_answer_comes() {
        Moment end = new Moment();
        AtomicReference<@Nullable String> cutOff = new AtomicReference<>();
        whileOthersWait((inHand, unsettled) -> {
            cutOff.set(inHand.invoiceId());
            letOthersGoOn();
            end.awaitUninterruptibly();
        });

        BillingRun run = host.running(host.server(provider)
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .concurrency(2)
                        .callTimeout(Duration.ofSeconds(1)))
                .billPending();

        assertThat(run.billed()).isEqualTo(invoices - 1);
        assertThat(run.inDoubt()).isOne();
        assertThat(provider.chargesOf(String.valueOf(cutOff.get())))
                .as("not answered yet")
                .isZero();
        end.reach();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("invoices", "not pending and id = " + cutOff.get()) == 1);
        chargedOnceAndMarked();
    }

    LockingInvoiceBiller server(LockStrategy strategy) {
        return host.running(host.server(provider).lockStrategy(strategy).concurrency(2));
    }

    /** Does something to an invoice that is claimed and not locked: it waits for its call. */
    static String oneThatWaits(Connection host, String statement, String returning) {
        String sql = statement + " (select i.id from invoices i where i.pending and i.id in (select invoice_id::bigint "
                + "from invoice_lock.billing_attempt where state = 'STARTED') limit 1 for update of i skip locked)"
                + returning;
        return await().atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(1))
                .until(() -> TestHost.one(host, sql), java.util.Objects::nonNull);
    }

    void chargedOnceAndMarked() {
        assertThat(provider.charges()).isEqualTo(invoices);
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(host.count("invoices", "pending")).isZero();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED' and due_at is null"))
                .isEqualTo(invoices);
    }
}
