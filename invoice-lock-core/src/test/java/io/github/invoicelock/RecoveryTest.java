package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Kind.TAKE_OVER;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static io.github.invoicelock.FaultyDataSource.Place.before;
import static io.github.invoicelock.FaultyDataSource.standStill;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a crash left behind is taken over, found out about, and settled; and what people, webhooks and hosts decide. */
class RecoveryTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    /** As if a server had died there: its attempt stays STARTED, its lock is gone. */
    private void left(TestProvider with, boolean charged) {
        try (LockingInvoiceBiller dead = host.server(with).build()) {
            with.answering(BillingOutcome.unknown("never written"));
            dead.bill(1);
        }
        if (charged) {
            with.charge(with.requests().get(0));
        }
        with.requests().clear();
        host.sql(
                "update invoice_lock.billing_attempt set state = 'STARTED', calls = 0, settled_at = null, owner = 'dead', "
                        + "due_at = started_at + interval '12 s', lease_until = started_at + interval '12 s'");
        with.answering(TestProvider::charge);
    }

    @ParameterizedTest
    @EnumSource(Charged.class)
    void through_the_call_a_dead_server_is_known_by_its_free_row_after_a_grace_of_seconds(Charged charged) {
        left(provider, charged == Charged.YES);
        LockingInvoiceBiller server = host.running(host.server(provider));
        assertThat(server.recover().seen()).as("within the grace").isZero();

        host.letTimePass(1, Duration.ofSeconds(3));
        BillingRun run = server.recover();

        assertThat(run.billed()).isEqualTo(1);
        assertThat(run.recovered()).isEqualTo(1);
        assertThat(provider.chargesOf(1)).isEqualTo(1);
        assertThat(server.attempts(1).get(0).fence()).isEqualTo(2);
    }

    enum Charged {
        YES,
        NO
    }

    @Test
    void through_the_call_a_held_row_is_a_sign_of_life_until_the_lease_is_over() throws Exception {
        left(provider, false);
        host.letTimePass(1, Duration.ofSeconds(6));
        Connection alive = host.holding(1);
        LockingInvoiceBiller server = host.running(host.server(provider));

        assertThat(server.recover().contended()).isEqualTo(1);
        assertThat(provider.requests()).isEmpty();
        alive.rollback();
        assertThat(server.recover().billed()).isEqualTo(1);
    }

    @Ways.InEveryScope
    void an_attempt_that_another_session_is_writing_is_left_to_it(LockScope scope) throws Exception {
        left(provider, false);
        host.letTimePass(1, Duration.ofSeconds(12));
        LockingInvoiceBiller server = host.running(host.server(provider).lockScope(scope));
        try (Connection another = host.dataSource().getConnection();
                Statement statement = another.createStatement()) {
            another.setAutoCommit(false);
            statement.execute("select from invoice_lock.billing_attempt for update");

            assertThat(server.recover().contended()).isEqualTo(1);
            assertThat(provider.requests()).isEmpty();
            another.rollback();
        }
        assertThat(server.recover().billed()).isEqualTo(1);
    }

    @Ways.WithEveryStrategy
    void claim_only_waits_for_the_lease(LockStrategy strategy) {
        left(provider, true);
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockScope(LockScope.CLAIM_ONLY).lockStrategy(strategy));
        host.letTimePass(1, Duration.ofSeconds(11));
        assertThat(server.billPending().seen()).isZero();
        host.letTimePass(1, Duration.ofSeconds(1));

        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(provider.chargesOf(1)).isEqualTo(1);
        assertThat(host.pending(1)).isFalse();
    }

    @Ways.InEveryScope
    void a_provider_that_can_be_asked_is_asked_and_not_charged_again(LockScope scope) {
        TestProvider.Askable askable = TestProvider.thatCanBeAsked();
        left(askable, true);
        host.letTimePass(1, Duration.ofSeconds(12));
        LockingInvoiceBiller server = host.running(host.server(askable).lockScope(scope));

        assertThat(server.recover().billed()).isEqualTo(1);
        assertThat(askable.requests()).isEmpty();
        assertThat(askable.chargesOf(1)).isEqualTo(1);
    }

    @Ways.InEveryScope
    void a_provider_that_has_never_seen_the_key_is_sent_it_in_the_same_run(LockScope scope) {
        TestProvider.Askable askable = TestProvider.thatCanBeAsked();
        left(askable, false);
        host.letTimePass(1, Duration.ofSeconds(12));
        LockingInvoiceBiller server = host.running(host.server(askable).lockScope(scope));

        BillingRun run = server.recover();

        assertThat(run.billed()).isEqualTo(1);
        assertThat(run.seen()).isEqualTo(1);
        assertThat(askable.chargesOf(1)).isEqualTo(1);
    }

    @Ways.InEveryScope
    void with_a_provider_that_offers_nothing_it_is_parked(LockScope scope) {
        TestProvider nothing = TestProvider.thatOffersNothing();
        left(nothing, true);
        host.letTimePass(1, Duration.ofSeconds(12));
        LockingInvoiceBiller server = host.running(host.server(nothing).lockScope(scope));

        BillingRun run = server.recover();

        assertThat(run.parked()).isEqualTo(1);
        assertThat(run.inDoubt()).isEqualTo(1);
        assertThat(nothing.requests()).isEmpty();
        assertThat(server.needsAttention()).hasSize(1);
    }

    @Test
    void a_look_up_that_fails_is_tried_again_and_one_that_does_not_know_parks() {
        TestProvider.Askable askable = TestProvider.thatCanBeAsked();
        left(askable, true);
        host.letTimePass(1, Duration.ofSeconds(12));
        LockingInvoiceBiller server =
                host.running(host.server(askable).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        askable.finding(request -> {
            throw new IllegalStateException("down");
        });
        BillingRun failed = server.recover();
        assertThat(failed.inDoubt()).isEqualTo(1);
        assertThat(failed.parked()).isZero();

        askable.finding(request -> BillingOutcome.unknown("no idea"));
        assertThat(server.recover().parked()).isEqualTo(1);
        askable.finding(null);
        server.retry(1);
        assertThat(server.recover().billed()).isEqualTo(1);
        assertThat(askable.requests()).isEmpty();
    }

    @Test
    void an_invoice_that_the_host_took_back_and_that_was_surely_never_charged_is_withdrawn() {
        TestProvider.Askable askable = TestProvider.thatCanBeAsked();
        left(askable, false);
        host.sql("update invoices set pending = false");
        host.letTimePass(1, Duration.ofSeconds(12));

        assertThat(host.running(host.server(askable)).recover().withdrawn()).isEqualTo(1);
        assertThat(askable.requests()).isEmpty();
    }

    @Test
    void an_invoice_that_was_not_billed_and_taken_back_is_withdrawn() {
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        provider.answering(BillingOutcome.notBilled("429"));
        server.billPending();
        host.sql("update invoices set pending = false");

        assertThat(server.recover().withdrawn()).isEqualTo(1);
        assertThat(server.attempts(1).get(0).state()).isEqualTo(AttemptState.WITHDRAWN);
    }

    @Test
    void an_invoice_that_the_host_changes_between_the_claim_and_the_call_is_not_called() {
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), provider));
        database.strikeOnce(after(COMMIT).of(CLAIM), crossing -> host.sql("update invoices set pending = false"));

        assertThat(server.billPending().withdrawn()).isEqualTo(1);
        assertThat(provider.requests()).isEmpty();
    }

    @Test
    void a_host_that_holds_the_row_after_the_claim_is_contention_and_nothing_is_called() throws Exception {
        Connection[] holder = new Connection[1];
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), provider));
        database.strikeOnce(after(COMMIT).of(CLAIM), crossing -> holder[0] = host.holding(1));

        assertThat(server.billPending().contended()).isEqualTo(1);
        assertThat(host.state(1)).isEqualTo("NOT_BILLED");
        holder[0].rollback();
        host.letTimePass(1, Duration.ofSeconds(1));
        assertThat(server.billPending().billed()).isEqualTo(1);
    }

    @Ways.InEveryScope
    void a_server_that_slept_through_its_lease_does_not_send(LockScope scope) {
        Moment asleep = new Moment();
        Moment awake = new Moment();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        TestProvider.Askable askable = TestProvider.thatCanBeAsked();
        LockingInvoiceBiller sleepy = host.running(host.server(database.proxy(), askable)
                .lockScope(scope)
                .callTimeout(Duration.ofMillis(300))
                .leaseMargin(Duration.ofMillis(300)));
        database.strikeOnce(after(COMMIT).of(CLAIM), standStill(asleep, awake));
        InBackground<BillingRun> run = InBackground.of(sleepy::billPending);
        asleep.await();
        LockingInvoiceBiller other = host.running(host.server(askable)
                .lockScope(scope)
                .callTimeout(Duration.ofMillis(300))
                .leaseMargin(Duration.ofMillis(300)));
        await().atMost(Duration.ofSeconds(30)).until(() -> other.recover().billed() == 1);
        awake.reach();

        BillingRun slept = run.result();
        assertThat(slept.billed()).isZero();
        assertThat(askable.chargesOf(1)).isEqualTo(1);
        assertThat(askable.requests()).hasSize(1);
    }

    @Test
    void a_refusal_is_retried_under_a_new_key_only_while_the_invoice_is_pending() {
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(attempt -> Optional.of(Duration.ZERO)));
        provider.answering(BillingOutcome.declined("card_declined", "no"));
        server.billPending();
        host.sql("update invoices set pending = false");

        BillingRun run = server.recover();

        assertThat(run.declined()).isEqualTo(1);
        assertThat(server.attempts(1)).hasSize(1);
        assertThat(server.recover().seen()).isZero();
    }

    @Test
    void two_servers_that_see_the_same_due_attempt_continue_it_once() {
        left(provider, true);
        host.letTimePass(1, Duration.ofSeconds(12));
        Moment taken = new Moment();
        Moment goOn = new Moment();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller one = host.running(host.server(database.proxy(), provider));
        database.strikeOnce(before(COMMIT).of(TAKE_OVER), standStill(taken, goOn));
        LockingInvoiceBiller two = host.running(host.server(provider));
        InBackground<BillingRun> first = InBackground.of(one::recover);
        taken.await();

        assertThat(two.recover().contended()).isEqualTo(1);
        goOn.reach();
        assertThat(first.result().billed()).isEqualTo(1);
        assertThat(provider.requests()).hasSize(1);
    }

    @Test
    void accepted_with_a_gateway_that_cannot_ask_waits_for_the_webhook() {
        provider.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(2)));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();
        host.letTimePass(1, Duration.ofDays(2));
        assertThat(server.recover().parked()).isEqualTo(1);

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("dd_1"));

        assertThat(host.pending(1)).isFalse();
        assertThat(server.needsAttention()).isEmpty();
    }

    @Test
    void a_webhook_may_come_twice_late_or_for_nothing() {
        List<String> anomalies = new java.util.concurrent.CopyOnWriteArrayList<>();
        provider.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(2)));
        LockingInvoiceBiller server = host.running(host.server(provider).listener(new BillingListener() {
            @Override
            public void anomaly(String invoiceId, String what) {
                anomalies.add(what);
            }
        }));
        server.billPending();
        String key = server.attempts(1).get(0).idempotencyKey();

        server.report(key, BillingOutcome.unknown("?"));
        assertThat(host.state(1)).isEqualTo("ACCEPTED");
        server.report(key, BillingOutcome.declined("account_closed", "returned"));
        assertThat(host.state(1)).isEqualTo("DECLINED");
        server.report(key, BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        assertThat(host.state(1)).as("a refusal is not replaced").isEqualTo("DECLINED");
        server.report(key, BillingOutcome.billed("dd_1"));
        server.report(key, BillingOutcome.billed("dd_1"));
        server.report(key, BillingOutcome.declined("late", "late"));
        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(anomalies).as("charged after it was refused").hasSize(1);
        server.report(key, BillingOutcome.billed("dd_2"));
        assertThat(anomalies).as("charged as two").hasSize(2);
        assertThatThrownBy(() -> server.report("nobody's", BillingOutcome.billed("x")))
                .hasMessageContaining("no attempt with the idempotency key nobody's");
    }

    @Test
    void a_webhook_that_tells_of_a_refusal_or_an_acceptance_settles_what_was_in_doubt() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending();
        String key = server.attempts(1).get(0).idempotencyKey();

        server.report(key, BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        assertThat(host.state(1)).isEqualTo("ACCEPTED");
        server.report(key, BillingOutcome.notBilled("cancelled by the bank", Duration.ofHours(1)));
        assertThat(host.state(1)).isEqualTo("NOT_BILLED");
    }

    @Test
    void a_webhook_while_the_host_holds_the_row_is_journaled_at_once() throws Exception {
        provider.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(2)));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();
        Connection holder = host.holding(1);

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("dd_1"));

        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.pending(1)).isTrue();
        holder.rollback();
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            server.recover();
            return !host.pending(1);
        });
    }

    @Test
    void a_person_resolves_and_the_journal_keeps_who_when_and_why() {
        TestProvider nothing = TestProvider.thatOffersNothing();
        nothing.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(nothing));
        server.billPending();

        assertThatThrownBy(() -> server.resolve(1, BillingOutcome.unknown("?"), "no idea"))
                .hasMessageContaining("decides nothing");
        host.letTimePass(1, Duration.ofMinutes(1));
        server.resolve(1, BillingOutcome.notBilled("not in the dashboard"), "checked twice", "Ada");
        assertThat(host.state(1)).isEqualTo("NOT_BILLED");
        nothing.answering(BillingOutcome.unknown("500 again"));
        assertThat(server.recover().parked()).isEqualTo(1);
        assertThat(server.needsAttention()).hasSize(1);
        server.resolve(1, BillingOutcome.billed("ch_9"), "found it", "Grace");

        BillingAttempt attempt = server.attempts(1).get(0);
        assertThat(attempt.state()).isEqualTo(AttemptState.BILLED);
        assertThat(attempt.reference()).isEqualTo("ch_9");
        assertThat(attempt.resolvedBy()).isEqualTo("Grace");
        assertThat(attempt.note()).matches("(?s)\\d{4}-\\d\\d-\\d\\dT.*Z Ada: checked twice\n.*Z Grace: found it");
        assertThat(host.pending(1)).isFalse();
        assertThatThrownBy(() -> server.resolve(1, BillingOutcome.declined("x", "y"), "z"))
                .hasMessageContaining("it was billed as ch_9");
    }

    @Test
    void a_refusal_that_a_person_has_settled_needs_no_attention_any_more() {
        provider.answering(BillingOutcome.declined("card_declined", "no"));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();
        assertThat(server.needsAttention()).hasSize(1);
        assertThat(host.count("invoice_lock.needs_attention", "true")).isEqualTo(1);

        server.resolve(1, BillingOutcome.declined("card_declined", "no"), "the customer pays by transfer");

        assertThat(server.needsAttention()).isEmpty();
        assertThat(host.count("invoice_lock.needs_attention", "true")).isZero();
        server.retry(1);
        provider.answering(TestProvider::charge);
        assertThat(server.recover().billed())
                .as("released again, under a new key")
                .isEqualTo(1);
        assertThat(server.attempts(1)).hasSize(2);
        assertThat(host.count("invoice_lock.billed_today", "marked")).isEqualTo(1);
    }

    @Test
    void a_person_may_say_that_it_was_accepted() {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();
        assertThat(host.count("invoice_lock.in_flight", "true")).isEqualTo(1);
        server.resolve(1, BillingOutcome.accepted("dd_1", Duration.ofDays(1)), "on its way");
        assertThat(host.state(1)).isEqualTo("ACCEPTED");
    }

    @Test
    void what_a_person_cannot_do_is_explained() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        assertThatThrownBy(() -> server.retry(1))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("Invoice 1 cannot be retried: the journal has no attempt");
        assertThatThrownBy(() -> server.resolve(1, BillingOutcome.billed("x"), "y"))
                .hasMessageContaining("cannot be resolved: the journal has no attempt");
        left(provider, false);
        assertThatThrownBy(() -> server.retry(1)).hasMessageContaining("is being called by server dead until");
        host.letTimePass(1, Duration.ofSeconds(12));
        server.recover();
        assertThatThrownBy(() -> server.retry(1)).hasMessageContaining("it was billed as ch_");
    }

    @Test
    void a_retry_needs_a_pending_invoice() {
        provider.answering(BillingOutcome.declined("card_declined", "no"));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();
        host.sql("update invoices set pending = false");
        assertThatThrownBy(() -> server.retry(1)).hasMessageContaining("it is not pending");
    }

    @Test
    void a_withdrawn_invoice_can_be_released() throws Exception {
        LockingInvoiceBiller server = host.running(host.server(provider));
        Connection connection = host.connection();
        connection.setAutoCommit(false);
        assertThat(server.withdraw(connection, 1)).isEqualTo(Withdrawal.WITHDRAWN);
        assertThat(server.withdraw(connection, 1)).isEqualTo(Withdrawal.WITHDRAWN);
        connection.commit();
        assertThat(server.billPending().seen()).isZero();

        server.retry(1);

        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(provider.requests().get(0).invoice().get("amount")).isEqualTo(new java.math.BigDecimal("1.10"));
    }

    @Ways.WithEveryStrategy
    void an_invoice_that_was_taken_back_and_is_pending_again_is_told_to_people_and_not_lost(LockStrategy strategy) {
        List<String> anomalies = new java.util.concurrent.CopyOnWriteArrayList<>();
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 99))
                .listener(new BillingListener() {
                    @Override
                    public void anomaly(String invoiceId, String what) {
                        anomalies.add(what);
                    }
                }));
        provider.answering(BillingOutcome.notBilled("429"));
        server.billPending();
        host.sql("update invoices set pending = false");
        assertThat(server.recover().withdrawn()).isEqualTo(1);
        assertThat(server.needsAttention()).isEmpty();
        provider.answering(TestProvider::charge);
        host.sql("update invoices set pending = true");

        assertThat(server.billPending().billed()).isZero();

        assertThat(anomalies).singleElement().asString().contains("although it was taken back");
        assertThat(server.needsAttention()).extracting(BillingAttempt::state).containsExactly(AttemptState.WITHDRAWN);
        server.retry(1);
        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(server.needsAttention()).isEmpty();
    }

    @Test
    void a_withdrawal_that_is_rolled_back_has_not_happened() throws Exception {
        LockingInvoiceBiller server = host.running(host.server(provider));
        Connection connection = host.connection();
        connection.setAutoCommit(false);
        server.withdraw(connection, 1);
        connection.rollback();
        assertThat(server.billPending().billed()).isEqualTo(1);
    }

    @Test
    void a_withdrawal_after_a_refusal_or_a_429_is_granted_and_ends_the_tries() throws Exception {
        host.sql("insert into invoices (id) values (2)");
        provider.answering((p, request) -> request.invoiceId().equals("1")
                ? BillingOutcome.notBilled("429")
                : BillingOutcome.declined("card_declined", "no"));
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(attempt -> Optional.of(Duration.ofMillis(1))));
        server.billPending();
        Connection connection = host.connection();
        connection.setAutoCommit(false);
        assertThat(server.withdraw(connection, 1)).isEqualTo(Withdrawal.WITHDRAWN);
        assertThat(server.withdraw(connection, 2)).isEqualTo(Withdrawal.WITHDRAWN);
        connection.commit();

        assertThat(server.recover().seen()).isZero();
        assertThat(provider.requests()).hasSize(2);
    }

    @Test
    void a_withdrawal_of_what_is_in_doubt_or_held_is_too_late_to_be_sure() throws Exception {
        host.sql("insert into invoices (id) values (2)");
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.bill(1);
        Connection connection = host.connection();
        connection.setAutoCommit(false);
        TestHost.execute(connection, "set local lock_timeout = '7s'");
        assertThat(server.withdraw(connection, 1)).isEqualTo(Withdrawal.IN_FLIGHT);
        host.holding(2);
        assertThat(server.withdraw(connection, 2)).isEqualTo(Withdrawal.IN_FLIGHT);
        assertThat(Database.lockTimeoutOf(connection))
                .as("the host's own setting")
                .isEqualTo("7s");
        connection.commit();
        assertThat(server.attempts(2)).isEmpty();
    }

    @Test
    void a_withdrawal_waits_for_a_claim_that_is_being_written() throws Exception {
        Moment claiming = new Moment();
        Moment goOn = new Moment();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), provider));
        database.strikeOnce(before(COMMIT).of(CLAIM), standStill(claiming, goOn));
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        claiming.await();
        Connection connection = host.connection();
        connection.setAutoCommit(false);
        InBackground<Withdrawal> withdrawal = InBackground.of(() -> server.withdraw(connection, 1));
        await().atMost(Duration.ofSeconds(30))
                .until(() -> withdrawal.isDone()
                        || host.count("pg_stat_activity", "wait_event_type = 'Lock' and datname = current_database()")
                                > 0);
        goOn.reach();

        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(withdrawal.result()).isIn(Withdrawal.IN_FLIGHT, Withdrawal.BILLED);
        connection.rollback();
    }

    @Test
    void a_withdrawal_needs_the_hosts_transaction() throws Exception {
        LockingInvoiceBiller server = host.running(host.server(provider));
        Connection connection = host.connection();
        assertThatThrownBy(() -> server.withdraw(connection, 1)).hasMessageContaining("autocommit");
        connection.close();
        assertThatThrownBy(() -> server.withdraw(connection, 1)).isInstanceOf(DatabaseException.class);
    }

    /** What the host's own session says. */
    private static final class Database {
        private static String lockTimeoutOf(Connection connection) throws java.sql.SQLException {
            try (java.sql.Statement statement = connection.createStatement();
                    java.sql.ResultSet row = statement.executeQuery("show lock_timeout")) {
                row.next();
                return row.getString(1);
            }
        }
    }
}
