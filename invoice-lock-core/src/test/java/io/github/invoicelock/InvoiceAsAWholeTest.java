package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.jooq.impl.DSL.field;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What is decided about an invoice looks at all of its attempts, and the mark follows the journal (R18, R19, R21, R23): one charge that is
 * known ends all sending, whichever attempt it belongs to, and a second one is passed over by nobody.
 */
class InvoiceAsAWholeTest {
    private static final InvoiceTable COUNTING_MARKS = InvoiceTable.named("invoices")
            .storeReferenceIn("reference")
            .onBilledSet("state", "paid")
            .onBilledSet("marks", field("marks + 1"));

    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final List<String> anomalies = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        host.close();
    }

    // ---- a charge of an older attempt

    @Test
    void a_take_over_sends_no_second_key_once_the_first_was_reported_as_charged() throws SQLException {
        LockingInvoiceBiller server = refusedThenNotBilled();
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        server.recover();

        assertNothingMoreIsSent(server);
    }

    @Test
    void a_run_sends_no_second_key_once_the_first_was_reported_as_charged() throws SQLException {
        LockingInvoiceBiller server = refusedThenNotBilled();
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        server.billPending();

        assertNothingMoreIsSent(server);
    }

    @Test
    void bill_sends_no_second_key_once_the_first_was_reported_as_charged() throws SQLException {
        LockingInvoiceBiller server = refusedThenNotBilled();
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        server.bill(1);

        assertNothingMoreIsSent(server);
    }

    @Test
    void retry_is_refused_and_names_the_charge_of_the_older_attempt() throws SQLException {
        LockingInvoiceBiller server = refusedThenNotBilled();
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        assertThatThrownBy(() -> server.retry(1))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("Invoice 1 ")
                .hasMessageContaining("ch_late");

        assertNothingMoreIsSent(server);
    }

    @Test
    void resolve_as_not_billed_is_refused_and_names_the_charge_of_the_older_attempt() throws SQLException {
        LockingInvoiceBiller server = refusedThenNotBilled();
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        assertRefusedToResolve(server, BillingOutcome.notBilled("not in the ledger"));
    }

    @Test
    void resolve_as_declined_is_refused_and_names_the_charge_of_the_older_attempt() throws SQLException {
        LockingInvoiceBiller server = refusedThenNotBilled();
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        assertRefusedToResolve(server, BillingOutcome.declined("no", "no"));
    }

    @Test
    void resolve_as_accepted_is_refused_and_names_the_charge_of_the_older_attempt() throws SQLException {
        LockingInvoiceBiller server = refusedThenNotBilled();
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        assertRefusedToResolve(server, BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
    }

    @Test
    void a_second_key_in_doubt_is_not_sent_again_once_the_first_was_reported_as_charged() throws SQLException {
        LockingInvoiceBiller server = refusedThen(BillingOutcome.unknown("500"));
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        server.recover();

        assertNothingMoreIsSent(server);
    }

    @Test
    void no_third_key_is_made_after_a_refusal_once_the_first_was_reported_as_charged() throws SQLException {
        LockingInvoiceBiller server = refusedThen(BillingOutcome.declined("card_declined", "no money"));
        chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(server);

        server.recover();

        assertNothingMoreIsSent(server);
        assertThat(server.attempts(1)).hasSize(2);
    }

    @Test
    void an_invoice_charged_under_an_older_key_that_the_host_sets_back_to_pending_cannot_be_retried() {
        LockingInvoiceBiller server = refusedThenNotBilled();
        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_late"));
        host.sql("update invoices set pending = true, state = 'open'");

        assertThatThrownBy(() -> server.retry(1))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("ch_late");

        assertNothingMoreIsSent(server);
    }

    @Test
    void an_invoice_charged_under_an_older_key_that_the_host_sets_back_to_pending_is_told_as_charged() {
        LockingInvoiceBiller server = refusedThenNotBilled();
        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_late"));
        host.sql("update invoices set pending = true, state = 'open'");

        server.billPending();

        assertThat(anomalies)
                .as("what the host has to know")
                .anySatisfy(what -> assertThat(what).contains("charged"));
        assertNothingMoreIsSent(server);
    }

    // ---- the bound of a request that is under way

    @Test
    void a_server_with_short_time_outs_does_not_shorten_how_long_anothers_request_may_be_under_way() {
        TestProvider.Askable slow = TestProvider.thatRemembersAndCanBeAsked();
        slow.answering(BillingOutcome.unknown("no answer; the request is on its way"));
        slow.finding(request -> BillingOutcome.notBilled("never seen"));
        RetryPolicy atOnce = RetryPolicy.every(Duration.ZERO, 99);
        host.running(host.server(slow)
                        .callTimeout(Duration.ofSeconds(30))
                        .leaseMargin(Duration.ofSeconds(10))
                        .retryPolicy(atOnce))
                .billPending();
        LockingInvoiceBiller hasty = host.running(host.server(slow)
                .callTimeout(Duration.ofSeconds(1))
                .leaseMargin(Duration.ofSeconds(1))
                .retryPolicy(atOnce));

        hasty.recover();
        host.sql("update invoices set pending = false");
        host.letTimePass(1, Duration.ofSeconds(12));
        hasty.recover();

        assertThat(host.state(1))
                .as("the first server's request may still arrive: nobody may say that it was never charged")
                .isEqualTo("IN_DOUBT");
    }

    @Test
    void the_bound_in_the_journal_only_grows() {
        TestProvider.Askable slow = TestProvider.thatRemembersAndCanBeAsked();
        slow.answering(BillingOutcome.unknown("no answer; the request is on its way"));
        slow.finding(request -> BillingOutcome.notBilled("never seen"));
        RetryPolicy atOnce = RetryPolicy.every(Duration.ZERO, 99);
        host.running(host.server(slow)
                        .callTimeout(Duration.ofSeconds(30))
                        .leaseMargin(Duration.ofSeconds(10))
                        .retryPolicy(atOnce))
                .billPending();
        String before = host.one("select lease_until from invoice_lock.billing_attempt");

        host.running(host.server(slow)
                        .callTimeout(Duration.ofSeconds(1))
                        .leaseMargin(Duration.ofSeconds(1))
                        .retryPolicy(atOnce))
                .recover();

        assertThat(host.count("invoice_lock.billing_attempt", "lease_until >= '" + before + "'"))
                .as("it was %s", before)
                .isEqualTo(1);
    }

    // ---- what belongs to a state ends with it

    @Test
    void a_refusal_that_could_not_be_marked_and_is_then_reported_as_charged_is_marked_and_its_hook_called()
            throws SQLException {
        AtomicInteger hooks = new AtomicInteger();
        provider.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        LockingInvoiceBiller server = host.running(host.server(provider)
                .invoices(InvoiceTable.named("invoices").onDeclinedSet("state", "refused"))
                .onBilled((tx, attempt, reference) -> hooks.incrementAndGet()));
        server.billPending();
        String key = server.attempts(1).get(0).idempotencyKey();
        Connection holder = host.holding(1);
        server.report(key, BillingOutcome.declined("AC04", "account closed"));
        server.report(key, BillingOutcome.billed("ch_1"));
        holder.rollback();

        host.letTimePass(1, Duration.ofMinutes(1));
        server.recover();

        assertThat(host.pending(1)).as("pending").isFalse();
        assertThat(hooks).hasValue(1);
        assertThat(host.one("select state from invoices")).isEqualTo("open");
    }

    @Test
    void the_reference_of_an_accepted_order_does_not_stay_on_its_refusal() {
        provider.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.declined("AC04", "account closed"));

        assertThat(server.attempts(1).get(0).reference()).isNull();
    }

    @Test
    void the_code_of_a_refusal_does_not_stay_on_its_charge() {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_1"));

        BillingAttempt billed = server.attempts(1).get(0);
        assertThat(billed.state()).isEqualTo(AttemptState.BILLED);
        assertThat(billed.code()).isNull();
        assertThat(billed.message()).isNull();
    }

    // ---- the mark follows the journal

    @Ways.WithEveryStrategy
    void what_a_webhook_reported_and_the_host_refunded_during_the_call_is_not_marked_again(LockStrategy strategy) {
        int all = 40;
        host.sql("insert into invoices (id) select generate_series(2, " + all + ")");
        host.sql("alter table invoices add column marks int not null default 0");
        CyclicBarrier together = new CyclicBarrier(all);
        LockingInvoiceBiller[] server = new LockingInvoiceBiller[1];
        provider.answering((p, request) -> {
            server[0].report(request.idempotencyKey(), BillingOutcome.billed("ch_webhook"));
            host.sql("update invoices set state = 'refunded' where id = " + request.invoiceId());
            together.await(60, TimeUnit.SECONDS);
            return BillingOutcome.billed("ch_webhook");
        });
        server[0] = host.running(host.server(provider)
                .callTimeout(Duration.ofSeconds(60))
                .invoices(COUNTING_MARKS)
                .lockScope(LockScope.CLAIM_ONLY)
                .lockStrategy(strategy)
                .concurrency(all));

        server[0].billPending();

        assertThat(host.count("invoices", "marks = 1")).as("marked once").isEqualTo(all);
        assertThat(host.count("invoices", "state = 'refunded'")).isEqualTo(all);
    }

    @Ways.InEveryScope
    void the_mark_carries_the_journals_reference(LockScope scope) {
        LockingInvoiceBiller[] server = new LockingInvoiceBiller[1];
        provider.answering((p, request) -> {
            server[0].report(request.idempotencyKey(), BillingOutcome.billed("ch_A"));
            return BillingOutcome.billed("ch_B");
        });
        server[0] = host.running(host.server(provider)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .lockScope(scope));

        server[0].billPending();
        host.letTimePass(1, Duration.ofMinutes(1));
        server[0].recover();

        assertThat(host.one("select reference from invoices"))
                .isEqualTo(server[0].attempts(1).get(0).reference())
                .isEqualTo("ch_A");
    }

    // ---- a second charge

    @Ways.InEveryScope
    void a_call_that_answers_another_charge_than_the_webhook_is_told_with_both_references(LockScope scope) {
        LockingInvoiceBiller[] server = new LockingInvoiceBiller[1];
        provider.answering((p, request) -> {
            server[0].report(request.idempotencyKey(), BillingOutcome.billed("ch_A"));
            return BillingOutcome.billed("ch_B");
        });
        server[0] = host.running(told(host.server(provider).lockScope(scope)));

        server[0].billPending();

        assertToldOfBoth("ch_A", "ch_B");
    }

    @Test
    void a_late_answer_of_another_charge_than_the_journals_is_told_with_both_references() {
        Moment answer = new Moment();
        AtomicInteger calls = new AtomicInteger();
        provider.answering((p, request) -> {
            if (calls.incrementAndGet() == 1) {
                answer.awaitUninterruptibly();
                return BillingOutcome.billed("ch_1");
            }
            return BillingOutcome.billed("ch_2");
        });
        host.running(told(host.server(provider).callTimeout(Duration.ofMillis(300))))
                .billPending();
        host.letTimePass(1, Duration.ofMinutes(2));
        host.running(told(host.server(provider))).recover();
        assertThat(host.one("select reference from invoice_lock.billing_attempt"))
                .isEqualTo("ch_2");

        answer.reach();

        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertToldOfBoth("ch_1", "ch_2"));
    }

    @Test
    void a_charge_of_an_older_key_beside_that_of_the_newest_is_told_with_both_references() {
        LockingInvoiceBiller server = refusedThen(BillingOutcome.billed("ch_2"));

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_1"));

        assertToldOfBoth("ch_1", "ch_2");
    }

    @Test
    void a_second_charge_stays_where_people_find_it() {
        LockingInvoiceBiller server = refusedThen(BillingOutcome.billed("ch_2"));

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_1"));

        assertThat(server.needsAttention())
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("1");
    }

    @Test
    void two_charges_under_one_key_stay_where_people_find_them() {
        provider.answering(BillingOutcome.billed("ch_A"));
        LockingInvoiceBiller server = host.running(told(host.server(provider)));
        server.billPending();

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_B"));

        assertToldOfBoth("ch_A", "ch_B");
        assertThat(server.needsAttention())
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("1");
    }

    // ---- the scene

    private LockingInvoiceBiller.Builder told(LockingInvoiceBiller.Builder builder) {
        return builder.listener(new BillingListener() {
            @Override
            public void anomaly(String invoiceId, String what) {
                anomalies.add(invoiceId + ": " + what);
            }
        });
    }

    private LockingInvoiceBiller refusedThenNotBilled() {
        return refusedThen(BillingOutcome.notBilled("429"));
    }

    /** Attempt 1 was refused, attempt 2 was answered so; what can be tried again is due at once. */
    private LockingInvoiceBiller refusedThen(BillingOutcome second) {
        LockingInvoiceBiller server =
                host.running(told(host.server(provider).retryPolicy(attempt -> Optional.of(Duration.ofMinutes(1)))));
        provider.answering(BillingOutcome.declined("card_declined", "no money"));
        server.billPending();
        host.letTimePass(1, Duration.ofMinutes(2));
        provider.answering(second);
        server.recover();
        host.letTimePass(1, Duration.ofMinutes(2));
        assertThat(provider.requestsFor(1)).hasSize(2);
        provider.answering(TestProvider::charge);
        return server;
    }

    private void chargeOfTheFirstKeyIsReportedWhileTheRowIsHeld(LockingInvoiceBiller server) throws SQLException {
        Connection holder = host.holding(1);
        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_late"));
        holder.rollback();
        assertThat(host.pending(1)).as("the mark waits").isTrue();
    }

    private void assertRefusedToResolve(LockingInvoiceBiller server, BillingOutcome outcome) {
        assertThatThrownBy(() -> server.resolve(1, outcome, "dashboard", "Ann"))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("Invoice 1 ")
                .hasMessageContaining("ch_late");
        assertNothingMoreIsSent(server);
    }

    private void assertNothingMoreIsSent(LockingInvoiceBiller server) {
        for (int i = 0; i < 3; i++) {
            host.letTimePass(1, Duration.ofHours(1));
            server.billPending();
            server.recover();
        }
        assertThat(provider.requestsFor(1))
                .as("keys 1 and 2 as before, nothing after the charge was known")
                .hasSize(2);
    }

    private void assertToldOfBoth(String one, String other) {
        assertThat(anomalies).anySatisfy(what -> assertThat(what).contains(one, other));
    }
}
