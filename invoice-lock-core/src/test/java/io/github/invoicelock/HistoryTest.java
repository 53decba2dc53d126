package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.AttemptEvent.What;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the history of an invoice tells, and what it does not. */
class HistoryTest {
    private final TestHost host = TestHost.withInvoices(3);
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();

    @AfterEach
    void close() {
        host.close();
    }

    @ParameterizedTest
    @CsvSource({"NOWAIT, THROUGH_CALL", "SKIP_LOCKED, CLAIM_ONLY"})
    void an_invoice_that_is_charged_at_the_first_call_has_none(LockStrategy strategy, LockScope scope) {
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockStrategy(strategy).lockScope(scope).concurrency(3));

        assertThat(server.billPending().billed()).isEqualTo(3);

        assertThat(host.count("invoice_lock.attempt_event", "true")).isZero();
        assertThat(server.history(1)).isEmpty();
    }

    @Test
    void what_an_outcome_said_is_still_there_when_another_has_replaced_it() {
        provider.answering(BillingOutcome.unknown("502 Bad Gateway"));
        LockingInvoiceBiller server = server();
        server.bill(1);
        provider.answering(BillingOutcome.declined("expired_card", "the card has expired"));
        server.bill(1);

        assertThat(server.history(1))
                .extracting(AttemptEvent::what, AttemptEvent::from, AttemptEvent::to, AttemptEvent::message)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(
                                What.SETTLED, AttemptState.STARTED, AttemptState.IN_DOUBT, "502 Bad Gateway"),
                        org.assertj.core.groups.Tuple.tuple(
                                What.TAKEN_OVER, AttemptState.IN_DOUBT, AttemptState.STARTED, "502 Bad Gateway"),
                        org.assertj.core.groups.Tuple.tuple(
                                What.SETTLED, AttemptState.STARTED, AttemptState.DECLINED, "the card has expired"));
        assertThat(server.history(1).get(2).code()).isEqualTo("expired_card");
        assertThat(server.history(1))
                .extracting(AttemptEvent::server)
                .containsOnly(server.attempts(1).get(0).owner());
    }

    @Test
    void a_webhook_is_told_apart_from_a_call_and_from_a_person() {
        provider.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        LockingInvoiceBiller server = server();
        server.bill(1);

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("dd_1"));

        AttemptEvent reported = last(server, 1);
        assertThat(reported.what()).isEqualTo(What.REPORTED);
        assertThat(reported.who()).isNull();
        assertThat(reported.reference()).isEqualTo("dd_1");
    }

    @Test
    void the_late_answer_of_a_call_that_was_cut_off_is_told() {
        Moment goOn = new Moment();
        provider.answering((p, request) -> {
            goOn.awaitUninterruptibly();
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider).callTimeout(Duration.ofMillis(300)));
        server.bill(1);

        goOn.reach();

        await().atMost(Duration.ofSeconds(30)).until(() -> "BILLED".equals(host.state(1)));
        assertThat(server.history(1)).extracting(AttemptEvent::what).containsExactly(What.SETTLED, What.LATE_ANSWER);
    }

    @Test
    void a_withdrawal_by_the_host_is_told_also_before_any_claim() throws SQLException {
        LockingInvoiceBiller server = server();

        try (Connection connection = host.connection()) {
            connection.setAutoCommit(false);
            server.withdraw(connection, 1);
            connection.commit();
        }

        AttemptEvent withdrawn = last(server, 1);
        assertThat(withdrawn.what()).isEqualTo(What.WITHDRAWN);
        assertThat(withdrawn.from()).isNull();
        assertThat(withdrawn.who()).isEqualTo("the host");
    }

    @Test
    void a_withdrawal_that_is_rolled_back_leaves_no_event() throws SQLException {
        LockingInvoiceBiller server = server();

        try (Connection connection = host.connection()) {
            connection.setAutoCommit(false);
            server.withdraw(connection, 1);
            connection.rollback();
        }

        assertThat(server.history(1)).isEmpty();
    }

    @Test
    void a_charge_of_a_refused_key_is_told_as_what_it_is() {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = server();
        server.bill(1);

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_late"));

        assertThat(last(server, 1).message()).contains("was charged after it had been refused");
    }

    @Test
    void a_next_key_is_told_by_the_attempt_that_it_replaces() {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = server();
        server.bill(1);
        server.retry(server.attempts(1).get(0), "a new card", "Ann");
        provider.answering(TestProvider::charge);
        server.recover();

        assertThat(server.history(1))
                .extracting(AttemptEvent::attempt, AttemptEvent::what)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(1, What.SETTLED),
                        org.assertj.core.groups.Tuple.tuple(1, What.RETRIED),
                        org.assertj.core.groups.Tuple.tuple(1, What.REPLACED),
                        org.assertj.core.groups.Tuple.tuple(2, What.SETTLED));
    }

    @Test
    void it_is_pruned_with_its_attempts() {
        provider.answering(BillingOutcome.notBilled("429"));
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(attempt -> Optional.of(Duration.ZERO)));
        server.bill(1);
        server.bill(2);
        provider.answering(TestProvider::charge);
        server.bill(1);
        server.bill(2);
        host.sql("update invoice_lock.billing_attempt set settled_at = settled_at - interval '3 years', "
                + "started_at = started_at - interval '3 years' where invoice_id = '1'");

        assertThat(InvoiceLockSchema.prune(
                        host.dataSource(), server, Instant.now().minus(Duration.ofDays(730))))
                .isEqualTo(1);

        assertThat(host.one("select string_agg(distinct invoice_id, ',') from invoice_lock.attempt_event"))
                .isEqualTo("2");
    }

    private LockingInvoiceBiller server() {
        return host.running(host.server(provider)
                .retryPolicy(attempt ->
                        attempt.state() == AttemptState.DECLINED ? Optional.empty() : Optional.of(Duration.ZERO)));
    }

    private static AttemptEvent last(LockingInvoiceBiller server, Object invoiceId) {
        List<AttemptEvent> history = server.history(invoiceId);
        return history.get(history.size() - 1);
    }
}
