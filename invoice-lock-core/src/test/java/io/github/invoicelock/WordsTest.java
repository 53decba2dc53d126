package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a word does, of a person, a webhook or the host: it closes what it decides, hides nothing that comes after it, and keeps its promise. */
class WordsTest {
    private static final BillingOutcome REFUSED = BillingOutcome.declined("AC04", "account closed");

    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    // ---- an earlier word hides nothing (R22)

    @Test
    void resolved_as_accepted_and_never_heard_of_since_waits_for_a_person() {
        LockingInvoiceBiller server = inDoubt();
        server.resolve(1, BillingOutcome.accepted("dd_1", Duration.ofMinutes(1)), "dashboard", "Ann");

        host.letTimePass(1, Duration.ofHours(1));
        server.recover();

        assertWaitsForAPerson(server);
    }

    @Test
    void resolved_as_accepted_and_declined_by_the_webhook_waits_for_a_person() {
        LockingInvoiceBiller server = inDoubt();
        server.resolve(1, BillingOutcome.accepted("dd_1", Duration.ofDays(1)), "dashboard", "Ann");

        server.report(key(server), REFUSED);

        assertWaitsForAPerson(server);
    }

    @Test
    void resolved_as_accepted_and_not_billed_by_the_webhook_waits_for_a_person_where_the_policy_gives_up() {
        LockingInvoiceBiller server = inDoubt();
        server.resolve(1, BillingOutcome.accepted("dd_1", Duration.ofDays(1)), "dashboard", "Ann");

        server.report(key(server), BillingOutcome.notBilled("give up"));

        assertWaitsForAPerson(server);
    }

    @Test
    void resolved_as_not_billed_and_declined_by_the_webhook_waits_for_a_person() {
        LockingInvoiceBiller server = inDoubt();
        host.letTimePass(1, Duration.ofMinutes(1));
        server.resolve(1, BillingOutcome.notBilled("not in the ledger"), "dashboard", "Ann");

        server.report(key(server), REFUSED);

        assertWaitsForAPerson(server);
    }

    @Test
    void resolved_as_not_billed_with_a_snapshot_that_fits_no_more_waits_for_a_person() {
        LockingInvoiceBiller server = inDoubt();
        host.letTimePass(1, Duration.ofMinutes(1));
        server.resolve(1, BillingOutcome.notBilled("not in the ledger"), "dashboard", "Ann");
        host.sql("alter table invoices alter state drop default, alter state type int using 1");

        server.recover();

        assertWaitsForAPerson(server);
    }

    @Test
    void resolved_as_declined_is_closed() {
        LockingInvoiceBiller server = inDoubt();

        server.resolve(1, REFUSED, "dashboard", "Ann");

        assertClosed(server);
    }

    @Test
    void resolved_as_declined_and_released_waits_for_a_person_again_when_it_is_refused_again() {
        LockingInvoiceBiller server = inDoubt();
        server.resolve(1, REFUSED, "dashboard", "Ann");
        provider.answering(TestProvider::refuse);
        host.letTimePass(1, Duration.ofMinutes(1));

        server.retry(1);
        server.recover();

        assertWaitsForAPerson(server);
    }

    // ---- a refusal that was marked is closed

    @Test
    void a_refusal_that_was_marked_is_closed() {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = serverThatMarksRefusals();

        server.billPending();

        assertThat(host.one("select state from invoices")).isEqualTo("refused");
        assertClosed(server);
    }

    @Test
    void a_refusal_that_a_webhook_told_and_that_was_marked_is_closed() {
        provider.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        LockingInvoiceBiller server = serverThatMarksRefusals();
        server.billPending();

        server.report(key(server), REFUSED);

        assertThat(host.one("select state from invoices")).isEqualTo("refused");
        assertClosed(server);
    }

    @Test
    void a_refusal_that_was_marked_later_because_the_host_held_the_row_is_closed() throws SQLException {
        provider.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        LockingInvoiceBiller server = serverThatMarksRefusals();
        server.billPending();
        Connection holder = host.holding(1);
        server.report(key(server), REFUSED);
        holder.rollback();

        host.letTimePass(1, Duration.ofMinutes(1));
        server.recover();

        assertThat(host.one("select state from invoices")).isEqualTo("refused");
        assertClosed(server);
    }

    // ---- one key, one request (R4)

    @Test
    void an_invoice_withdrawn_after_not_billed_changed_and_released_sends_one_amount_for_a_key() throws SQLException {
        provider.answering(BillingOutcome.notBilled("429"));
        LockingInvoiceBiller server = server();
        server.billPending();
        assertThat(withdraw(server, 1)).isEqualTo(Withdrawal.WITHDRAWN);
        host.sql("update invoices set amount = 99");
        provider.answering(TestProvider::charge);

        server.retry(1);
        server.recover();

        assertThat(host.pending(1)).as("charged").isFalse();
        assertThat(provider.requests().stream()
                        .map(request -> request.idempotencyKey() + " "
                                + request.invoice().get("amount"))
                        .distinct())
                .as("keys and amounts")
                .hasSize((int) provider.requests().stream()
                        .map(BillingRequest::idempotencyKey)
                        .distinct()
                        .count());
    }

    @Test
    void a_key_that_a_dead_server_may_have_sent_has_one_amount_though_resolved_withdrawn_changed_and_released()
            throws SQLException {
        LockingInvoiceBiller server = inDoubt();
        host.sql(
                "update invoice_lock.billing_attempt set state = 'STARTED', calls = 0, settled_at = null, owner = 'dead', "
                        + "due_at = now() - interval '1 s', lease_until = now() - interval '1 s'");
        server.resolve(1, BillingOutcome.notBilled("not in the ledger"), "dashboard", "Ann");
        withdraw(server, 1);
        host.sql("update invoices set amount = 99");

        tolerating(() -> server.retry(1));
        runForHours(server);

        assertThat(provider.requests().stream()
                        .map(request -> request.idempotencyKey() + " "
                                + request.invoice().get("amount"))
                        .distinct())
                .as("keys and amounts")
                .hasSize((int) provider.requests().stream()
                        .map(BillingRequest::idempotencyKey)
                        .distinct()
                        .count());
        assertThat(provider.requests()).as("it was sent again").hasSizeGreaterThan(1);
    }

    @Test
    void a_refused_key_is_not_sent_again_even_if_it_was_resolved_as_accepted_and_then_as_not_billed() {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = server();
        server.billPending();
        provider.answering(TestProvider::charge);

        tolerating(() -> server.resolve(1, BillingOutcome.accepted("dd_1", Duration.ofMinutes(1)), "phone", "Ann"));
        host.letTimePass(1, Duration.ofSeconds(30));
        tolerating(() -> server.resolve(1, BillingOutcome.notBilled("not in the ledger"), "dashboard", "Ann"));
        runForHours(server);

        assertThat(provider.requests())
                .extracting(BillingRequest::idempotencyKey)
                .as("each key sent once")
                .doesNotHaveDuplicates();
    }

    // ---- withdraw

    @Test
    void withdrawn_is_never_answered_from_a_snapshot_that_is_older_than_a_retry() throws SQLException {
        provider.answering(BillingOutcome.notBilled("429"));
        LockingInvoiceBiller server = server();
        server.billPending();
        assertThat(withdraw(server, 1)).isEqualTo(Withdrawal.WITHDRAWN);
        Connection repeatable = host.connection();
        repeatable.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        repeatable.setAutoCommit(false);
        TestHost.execute(repeatable, "select count(*) from invoices");
        server.retry(1);

        Optional<Withdrawal> answer;
        try {
            answer = Optional.of(server.withdraw(repeatable, 1));
            repeatable.commit();
        } catch (InvoiceLockException e) {
            answer = Optional.empty();
            repeatable.rollback();
        }
        provider.answering(TestProvider::charge);
        runForHours(server);

        boolean charged = provider.chargesOf(1) > 0;
        assertThat(charged && answer.equals(Optional.of(Withdrawal.WITHDRAWN)))
                .as("answered %s, and charged: %s", answer, charged)
                .isFalse();
    }

    @Test
    void withdraw_while_an_older_key_is_being_reported_as_charged_answers_billed() throws SQLException {
        provider.answering((p, request) ->
                request.attempt() == 1 ? p.refuse(request) : BillingOutcome.notBilled("429", Duration.ofHours(5)));
        LockingInvoiceBiller server = server();
        server.bill(1);
        server.retry(1);
        server.bill(1);
        assertThat(withdraw(server, 1)).isEqualTo(Withdrawal.WITHDRAWN);
        // A webhook's transaction, before its commit: it has the row, and has written the charge of key 1.
        Connection reporting = host.holding(1);
        TestHost.execute(
                reporting,
                "update invoice_lock.billing_attempt set state = 'BILLED', reference = 'ch_1', due_at = null, cause = null "
                        + "where number = 1");

        InBackground<Withdrawal> withdrawing = InBackground.of(() -> withdraw(server, 1));
        await().atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> withdrawing.isDone()
                        || host.count("pg_stat_activity", "wait_event_type = 'Lock' and datname = current_database()")
                                > 0);
        reporting.commit();

        assertThat(withdrawing.result()).isEqualTo(Withdrawal.BILLED);
    }

    @Test
    void an_id_that_is_no_invoice_is_refused_by_withdraw_and_named() throws SQLException {
        LockingInvoiceBiller server = server();
        try (Connection connection = host.connection()) {
            connection.setAutoCommit(false);

            assertThatThrownBy(() -> server.withdraw(connection, 4711))
                    .isInstanceOf(InvoiceLockException.class)
                    .hasMessageContaining("4711");
            connection.rollback();
        }
    }

    @Test
    void an_invoice_inserted_after_somebody_asked_to_withdraw_its_id_is_billed() throws SQLException {
        LockingInvoiceBiller server = server();
        try (Connection connection = host.connection()) {
            connection.setAutoCommit(false);
            tolerating(() -> server.withdraw(connection, 4711));
            // The host goes on, whatever it was told.
            connection.commit();
        }
        host.sql("insert into invoices (id) values (4711)");

        server.billPending();

        assertThat(provider.chargesOf(4711)).isEqualTo(1);
    }

    @Ways.InEveryScope
    void withdraw_of_an_id_in_other_letters_is_told_that_its_invoice_is_being_called(LockScope scope) {
        Withdrawal[] answer = new Withdrawal[1];
        LockingInvoiceBiller[] server = new LockingInvoiceBiller[1];
        provider.answering((p, request) -> {
            tolerating(() -> answer[0] = withdrawUnchecked(server[0], "INV-1"));
            return p.charge(request);
        });
        server[0] = serverOfIdsThatIgnoreCase("inv-1", scope);

        server[0].billPending();

        assertThat(provider.charges()).isEqualTo(1);
        assertThat(answer[0]).isNotEqualTo(Withdrawal.WITHDRAWN);
    }

    @Test
    void withdraw_of_an_id_in_other_letters_keeps_its_promise() throws SQLException {
        LockingInvoiceBiller server = serverOfIdsThatIgnoreCase("inv-1");

        Withdrawal answer = withdraw(server, "INV-1");
        server.billPending();

        assertThat(answer).isEqualTo(Withdrawal.WITHDRAWN);
        assertThat(provider.charges()).isZero();
        assertThat(server.attempts("inv-1")).hasSize(1);
    }

    @Test
    void bill_of_an_id_in_other_letters_charges_its_invoice_once() {
        LockingInvoiceBiller server = serverOfIdsThatIgnoreCase("inv-1");

        server.bill("INV-1");
        host.sql("update bills set pending = true");
        server.billPending();

        assertThat(provider.requests()).extracting(BillingRequest::invoiceId).containsExactly("inv-1");
        assertThat(server.attempts("INV-1"))
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("inv-1");
    }

    @Test
    void retry_and_resolve_of_an_id_in_other_letters_reach_its_invoice() {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = serverOfIdsThatIgnoreCase("inv-1");
        server.billPending();

        server.resolve("INV-1", REFUSED, "dashboard", "Ann");
        assertThat(server.needsAttention()).isEmpty();
        provider.answering(TestProvider::charge);
        server.retry("INV-1");
        server.recover();

        assertThat(provider.charges()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"retry", "resolve", "bill"})
    void an_id_that_is_no_invoice_is_named(String call) {
        LockingInvoiceBiller server = server();

        assertThatThrownBy(() -> {
                    switch (call) {
                        case "retry" -> server.retry(4711);
                        case "resolve" -> server.resolve(4711, REFUSED, "dashboard", "Ann");
                        default -> server.bill(4711);
                    }
                })
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("4711");
    }

    // ---- the scene

    private LockingInvoiceBiller server() {
        return host.running(host.server(provider).retryPolicy(WordsTest::nextTry));
    }

    private static Optional<Duration> nextTry(BillingAttempt attempt) {
        return attempt.state() == AttemptState.DECLINED || "give up".equals(attempt.message())
                ? Optional.empty()
                : Optional.of(Duration.ofSeconds(10));
    }

    private LockingInvoiceBiller serverThatMarksRefusals() {
        return host.running(
                host.server(provider).invoices(InvoiceTable.named("invoices").onDeclinedSet("state", "refused")));
    }

    private LockingInvoiceBiller serverOfIdsThatIgnoreCase(String id) {
        return serverOfIdsThatIgnoreCase(id, LockScope.THROUGH_CALL);
    }

    private LockingInvoiceBiller serverOfIdsThatIgnoreCase(String id, LockScope scope) {
        host.sql("create collation ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
        host.sql(
                "create table bills (id text collate ignoring_case primary key, pending boolean not null default true)");
        host.sql("insert into bills (id) values ('" + id + "')");
        return host.running(host.server(provider)
                .name("bills")
                .invoices(InvoiceTable.named("bills"))
                .lockScope(scope));
    }

    private LockingInvoiceBiller inDoubt() {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = server();
        server.billPending();
        provider.answering(TestProvider::charge);
        return server;
    }

    private static String key(LockingInvoiceBiller server) {
        return server.attempts(1).get(0).idempotencyKey();
    }

    private Withdrawal withdraw(LockingInvoiceBiller server, Object invoiceId) throws SQLException {
        try (Connection connection = host.database().dataSource().getConnection()) {
            connection.setAutoCommit(false);
            Withdrawal answer = server.withdraw(connection, invoiceId);
            connection.commit();
            return answer;
        }
    }

    private Withdrawal withdrawUnchecked(LockingInvoiceBiller server, Object invoiceId) {
        try {
            return withdraw(server, invoiceId);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What the library may refuse, as long as it keeps the promise. */
    private static void tolerating(Runnable word) {
        try {
            word.run();
        } catch (InvoiceLockException e) {
            assertThat(e).hasMessageMatching("(?s).*[Ii]nvoice.*");
        }
    }

    private void runForHours(LockingInvoiceBiller server) {
        for (int i = 0; i < 3; i++) {
            host.letTimePass(1, Duration.ofHours(1));
            server.recover();
            server.billPending();
        }
    }

    private void assertWaitsForAPerson(LockingInvoiceBiller server) {
        List<BillingAttempt> waiting = server.needsAttention();
        assertThat(waiting)
                .as("listed; the journal has %s", server.attempts(1))
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("1");
        assertThat(host.count("invoice_lock.needs_attention", "invoice_id = '1'"))
                .as("the view")
                .isEqualTo(1);
        assertThat(server.status().parked()).as("the gauge").isEqualTo(1);
    }

    private void assertClosed(LockingInvoiceBiller server) {
        assertThat(server.needsAttention()).isEmpty();
        assertThat(host.count("invoice_lock.needs_attention", "true"))
                .as("the view")
                .isZero();
        assertThat(server.status().parked()).as("the gauge").isZero();
        assertThat(server.billPending().seen()).as("not tried again").isZero();
    }
}
