package io.github.invoicelock;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** People stop billing everywhere, by one call or one line of SQL: nothing is claimed, nothing is sent; all else goes on. */
class PauseTest {
    private final TestHost host = TestHost.withInvoices(6);
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_paused_biller_claims_nothing_and_sends_nothing_until_it_is_resumed(LockStrategy strategy, LockScope scope) {
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockStrategy(strategy).lockScope(scope).concurrency(3));
        LockingInvoiceBiller other = host.running(
                host.server(provider).lockStrategy(strategy).lockScope(scope).concurrency(3));

        server.pause("ann", "wrong amounts");

        for (BillingRun run : List.of(server.billPending(), other.billPending(), other.bill(1), other.recover())) {
            assertThat(run.stopReason()).isEqualTo(StopReason.PAUSED);
            assertThat(run.seen()).isZero();
        }
        assertThat(provider.requests()).isEmpty();
        assertThat(host.count("invoice_lock.billing_attempt", "true"))
                .as("claimed")
                .isZero();

        other.resume("bob");

        assertThat(server.billPending().billed()).isEqualTo(6);
        assertThat(server.billPending().stopReason()).isEqualTo(StopReason.NONE_LEFT);
    }

    @Test
    void without_java_it_is_the_same() {
        LockingInvoiceBiller server = host.running(host.server(provider));

        assertThat(host.one("select invoice_lock.pause('invoices', 'ann', 'wrong amounts')"))
                .isEqualTo("\"invoices\" is paused: nothing is claimed or sent until resume.");
        assertThat(server.billPending().stopReason()).isEqualTo(StopReason.PAUSED);
        assertThat(server.status().pause())
                .returns("ann", BillingPause::by)
                .returns("wrong amounts", BillingPause::why);

        assertThat(host.one("select invoice_lock.resume('invoices', 'bob')"))
                .isEqualTo("\"invoices\" goes on with the next run.");
        assertThat(host.one("select invoice_lock.resume('invoices', 'bob')")).isEqualTo("\"invoices\" was not paused.");
        assertThat(server.status().pause()).isNull();
        assertThat(server.billPending().billed()).isEqualTo(6);
    }

    @Test
    void a_biller_that_is_not_there_and_a_person_without_a_name_are_refused() {
        LockingInvoiceBiller server = host.running(host.server(provider));

        assertThatThrownBy(() -> host.one("select invoice_lock.pause('invoice', 'ann', 'typo')"))
                .hasRootCauseMessage("ERROR: There is no biller \"invoice\". There are: invoices.\n"
                        + "  Where: PL/pgSQL function pause(text,text,text) line 8 at RAISE");
        assertThatThrownBy(() -> host.one("select invoice_lock.resume('invoice', 'ann')"))
                .hasStackTraceContaining("There is no biller \"invoice\". There are: invoices.");
        assertThatThrownBy(() -> host.one("select invoice_lock.pause('invoices', ' ', 'because')"))
                .hasStackTraceContaining("Say who pauses and why: pause('invoices', 'ann', 'wrong amounts').");
        assertThatThrownBy(() -> server.pause("", "because"))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessage(
                        "who is blank; it is kept in the journal, and told on every server. Say who pauses, e.g. \"ann\".");
        assertThatThrownBy(() -> server.pause("ann", " ")).hasMessageStartingWith("why is blank; ");
        assertThatThrownBy(() -> server.resume("")).hasMessageStartingWith("who is blank; ");
        assertThat(server.billPending().billed()).isEqualTo(6);
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_run_that_is_under_way_on_another_server_finishes_its_calls_and_makes_no_more(
            LockStrategy strategy, LockScope scope) {
        Moment called = new Moment();
        Moment paused = new Moment();
        provider.answering((p, request) -> {
            called.reach();
            paused.await();
            return p.charge(request);
        });
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockStrategy(strategy).lockScope(scope));
        LockingInvoiceBiller operators = host.running(host.server(provider));
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        called.await();

        operators.pause("ann", "wrong amounts");
        paused.reach();

        assertThat(run.result().stopReason()).isEqualTo(StopReason.PAUSED);
        assertThat(run.result().billed()).as("the call that was in flight").isEqualTo(1);
        assertThat(provider.requests()).hasSize(1);
        assertThat(host.count("invoices", "pending")).isEqualTo(5);
        assertThat(server.status().inFlight()).isZero();
    }

    @Ways.InEveryScope
    void a_claim_that_waits_for_its_row_while_billing_is_paused_is_not_made(LockScope scope) throws SQLException {
        host.sql("update invoices set pending = false where id > 1");
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockStrategy(LockStrategy.WAIT).lockScope(scope));
        Connection other = host.holding(1);
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        await().until(() -> host.count("pg_locks", "not granted") > 0);

        server.pause("ann", "wrong amounts");
        other.commit();

        assertThat(run.result().stopReason()).isEqualTo(StopReason.PAUSED);
        assertThat(provider.requests()).isEmpty();
        assertThat(server.attempts(1)).isEmpty();
    }

    @Test
    void what_was_claimed_before_the_pause_is_given_back_where_its_lock_comes_after_it() {
        List<LockingInvoiceBiller> server = new ArrayList<>();
        server.add(host.running(host.server(provider).listener(new BillingListener() {
            @Override
            public void claimed(BillingAttempt attempt) {
                server.get(0).pause("ann", "between the claim and the call");
            }
        })));

        BillingRun run = server.get(0).billPending();

        assertThat(run.stopReason()).isEqualTo(StopReason.PAUSED);
        assertThat(run.notBilled()).as("given back").isEqualTo(1);
        assertThat(provider.requests()).isEmpty();
        assertThat(host.state(1)).isEqualTo("NOT_BILLED");
        server.get(0).resume("ann");
        assertThat(host.running(host.server(provider)).billPending().billed()).isEqualTo(6);
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @Test
    void asking_goes_on_and_what_was_never_seen_is_sent_only_when_billing_is_resumed() {
        RetryPolicy atOnce = RetryPolicy.every(Duration.ZERO, 100);
        LockingInvoiceBiller server = host.running(host.server(provider).retryPolicy(atOnce));
        provider.answering((p, request) -> switch (request.invoiceId()) {
            case "1" -> BillingOutcome.accepted("dd_1", Duration.ofMillis(1));
            case "2" -> {
                p.charge(request);
                yield BillingOutcome.unknown("the answer was lost");
            }
            default -> BillingOutcome.unknown("500");
        });
        for (int id = 1; id <= 3; id++) {
            server.bill(id);
        }
        host.letTimePass(3, Duration.ofHours(1));
        int sent = provider.requests().size();
        provider.answering(TestProvider::charge);
        provider.finding(request -> request.invoiceId().equals("1")
                ? BillingOutcome.billed("dd_1")
                : Optional.ofNullable(provider.referenceOf(request.idempotencyKey()))
                        .map(BillingOutcome::billed)
                        .orElse(BillingOutcome.notBilled("never seen")));

        server.pause("ann", "wrong amounts");
        BillingRun run = server.billPending();

        assertThat(run.stopReason()).isEqualTo(StopReason.PAUSED);
        assertThat(provider.requests()).as("sent").hasSize(sent);
        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.state(2)).isEqualTo("BILLED");
        assertThat(host.pending(2)).as("marked").isFalse();
        assertThat(host.state(3)).isEqualTo("NOT_BILLED");
        assertThat(run.parked()).isZero();

        server.resume("ann");
        assertThat(server.billPending().billed()).isEqualTo(4);
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @Test
    void what_cannot_be_asked_about_is_left_as_it_is() {
        TestProvider mute = TestProvider.thatRemembers();
        LockingInvoiceBiller server =
                host.running(host.server(mute).retryPolicy(attempt -> Optional.of(Duration.ZERO)));
        mute.answering((p, request) -> switch (request.invoiceId()) {
            case "1" -> BillingOutcome.notBilled("429");
            case "2" -> BillingOutcome.unknown("500");
            default -> p.refuse(request);
        });
        for (int id = 1; id <= 3; id++) {
            server.bill(id);
        }
        mute.answering(TestProvider::charge);
        List<BillingAttempt> before = attempts(server);
        server.pause("ann", "wrong amounts");

        BillingRun run = server.billPending();
        BillingRun one = server.bill(2);

        assertThat(run.seen() + one.seen()).isZero();
        assertThat(run.stopReason()).isEqualTo(StopReason.PAUSED);
        assertThat(attempts(server)).as("not even a new owner").isEqualTo(before);
        server.resume("ann");
        assertThat(server.billPending().billed()).isEqualTo(6);
        assertThat(mute.chargedTwice()).isEmpty();
    }

    private static List<BillingAttempt> attempts(LockingInvoiceBiller server) {
        List<BillingAttempt> attempts = new ArrayList<>();
        for (int id = 1; id <= 3; id++) {
            attempts.addAll(server.attempts(id));
        }
        return attempts;
    }

    @Test
    void what_people_the_webhook_and_the_host_say_counts_and_marks_are_made() throws SQLException {
        LockingInvoiceBiller server = host.running(host.server(provider));
        provider.answering((p, request) -> request.invoiceId().equals("1")
                ? BillingOutcome.accepted("dd_1", Duration.ofDays(1))
                : BillingOutcome.unknown("500"));
        server.bill(1);
        server.bill(2);
        provider.answering(TestProvider::charge);
        server.pause("ann", "wrong amounts");

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("dd_1"));
        server.resolve(2, BillingOutcome.billed("ch_2"), "dashboard", "ann");
        try (Connection connection = host.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            assertThat(server.withdraw(connection, 4)).isEqualTo(Withdrawal.WITHDRAWN);
            connection.commit();
        }

        assertThat(List.of(host.pending(1), host.pending(2))).containsOnly(false);
        assertThat(host.state(4)).isEqualTo("WITHDRAWN");
    }

    @Test
    void a_mark_that_is_still_to_be_made_is_made_in_a_pause() throws SQLException {
        LockingInvoiceBiller server = host.running(host.server(provider).lockScope(LockScope.CLAIM_ONLY));
        List<Connection> holding = new CopyOnWriteArrayList<>();
        provider.answering((p, request) -> {
            holding.add(host.holding(1));
            return p.charge(request);
        });
        server.bill(1);
        assertThat(host.pending(1)).isTrue();
        holding.get(0).rollback();
        server.pause("ann", "wrong amounts");
        host.letTimePass(1, Duration.ofHours(1));

        assertThat(server.recover().stopReason()).isEqualTo(StopReason.PAUSED);

        assertThat(host.pending(1)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"0, 2", "1, 0"})
    void a_pause_of_one_biller_is_no_pause_of_another(int ofTheFirst, int ofTheSecond) {
        host.sql("alter table invoices add shipping_pending boolean not null default true");
        host.sql("update invoices set pending = false, shipping_pending = false where id > 2");
        host.sql("update invoices set pending = false where id = 2");
        LockingInvoiceBiller first = host.running(host.server(provider));
        LockingInvoiceBiller second = host.running(host.server(provider)
                .name("shipping")
                .invoices(InvoiceTable.named("invoices").pendingColumn("shipping_pending")));
        (ofTheFirst == 0 ? first : second).pause("ann", "wrong amounts");

        assertThat(first.billPending().billed()).isEqualTo(ofTheFirst);
        assertThat(second.billPending().billed()).isEqualTo(ofTheSecond);
    }

    @Test
    void pausing_again_changes_who_and_why_and_not_since_when() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.pause("ann", "wrong amounts");
        BillingPause first = requireNonNull(server.status().pause());

        server.pause("ben", "the provider is down");

        assertThat(server.status().pause()).isEqualTo(new BillingPause("ben", "the provider is down", first.since()));
    }

    @Test
    void a_person_who_has_not_committed_a_pause_holds_up_no_run() throws SQLException {
        LockingInvoiceBiller server = host.running(host.server(provider));
        Connection person = host.connection();
        person.setAutoCommit(false);
        TestHost.execute(person, "select invoice_lock.pause('invoices', 'ann', 'not yet')");

        assertThat(server.billPending(RunLimits.none().invoices(2)).billed()).isEqualTo(2);
        person.commit();

        assertThat(server.billPending().stopReason()).isEqualTo(StopReason.PAUSED);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void where_all_servers_share_a_limit_a_run_waits_for_a_pause_that_is_not_committed_and_does_not_fail(
            boolean committed) throws SQLException {
        AtomicInteger asked = new AtomicInteger();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        database.strikeEach(
                FaultyDataSource.Place.before(FaultyDataSource.Door.STATEMENT)
                        .such(crossing -> crossing.sql().contains("calls_until")),
                crossing -> asked.incrementAndGet());
        LockingInvoiceBiller server =
                host.running(host.server(database.proxy(), provider).fleetCallsPerSecond(50));
        Connection person = host.connection();
        person.setAutoCommit(false);
        TestHost.execute(person, "select invoice_lock.pause('invoices', 'ann', 'not yet')");

        BillingRun bounded = server.billPending(RunLimits.none().time(Duration.ofMillis(500)));
        assertThat(bounded.stopReason()).isEqualTo(StopReason.TIME_LIMIT);
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        await().until(() -> asked.get() > 2 || run.isDone());
        if (committed) {
            person.commit();
        } else {
            person.rollback();
        }

        assertThat(run.result().stopReason()).isEqualTo(committed ? StopReason.PAUSED : StopReason.NONE_LEFT);
        assertThat(run.result().billed()).isEqualTo(committed ? 0 : 6);
    }
}
