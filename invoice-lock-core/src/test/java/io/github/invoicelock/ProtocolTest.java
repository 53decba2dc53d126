package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Place.before;
import static io.github.invoicelock.FaultyDataSource.standStill;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Interleavings that the model in docs/protocol found, and that no other test forces. */
class ProtocolTest {
    private final TestHost host = TestHost.withInvoices(1);

    @AfterEach
    void close() {
        host.close();
    }

    /** NO_FIT: while it is under way the lease ends, another asks, is told "never seen", and sends the same once more. */
    @Ways.InEveryScope
    void a_call_that_could_outlast_its_lease_is_not_sent(LockScope scope) {
        TestProvider.Askable askable = TestProvider.thatCanBeAsked();
        Duration margin = Duration.ofMillis(100);
        Executor busyForLongerThanTheMargin = call -> new Thread(() -> {
                    await().pollDelay(margin.multipliedBy(3)).until(() -> true);
                    call.run();
                })
                .start();
        LockingInvoiceBiller server = host.running(host.server(askable)
                .lockScope(scope)
                .leaseMargin(margin)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 99))
                .executor(busyForLongerThanTheMargin));

        BillingRun run = server.billPending();

        assertThat(askable.requests()).isEmpty();
        assertThat(run.notBilled()).isEqualTo(1);
        host.letTimePass(1, Duration.ofSeconds(1));
        assertThat(host.running(host.server(askable).lockScope(scope))
                        .billPending()
                        .billed())
                .as("by a server whose calls leave at once")
                .isEqualTo(1);
    }

    /** NO_OWNER: after a fail-over to an older state another server owns the same attempt under the same fence. */
    @Ways.InEveryScope
    void an_answer_from_before_a_fail_over_is_not_written_over_the_claim_of_another_server(LockScope scope) {
        TestProvider provider = TestProvider.thatRemembers();
        provider.answering((p, request) -> {
            host.sql("update invoice_lock.billing_attempt set owner = 'another'");
            return BillingOutcome.notBilled("429");
        });
        LockingInvoiceBiller server = host.running(host.server(provider).lockScope(scope));

        BillingRun run = server.billPending();

        assertThat(run.contended()).isEqualTo(1);
        assertThat(host.state(1)).as("the other is calling").isEqualTo("STARTED");
    }

    /** R5: the charge that was heard is written, whoever owns the attempt by now; and the row is marked for what was written alone. */
    @Ways.InEveryScope
    void a_charge_that_is_heard_when_another_server_owns_the_attempt_is_marked_once(LockScope scope) {
        host.sql("create table marks (invoice_id bigint)");
        host.sql("create function marked() returns trigger language plpgsql as "
                + "$$ begin insert into marks values (new.id); return new; end $$");
        host.sql("create trigger marked before update on invoices for each row execute function marked()");
        TestProvider provider = TestProvider.thatRemembers();
        provider.answering((p, request) -> {
            host.sql("update invoice_lock.billing_attempt set owner = 'another', fence = fence + 1");
            return p.charge(request);
        });

        BillingRun run = host.running(host.server(provider).lockScope(scope)).billPending();

        assertThat(run.billed()).isEqualTo(1);
        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.one("select count(*) from marks")).isEqualTo("1");
    }

    /** NO_R15: "never seen" would be believed of an attempt in doubt, and the debit be sent again. */
    @Test
    void an_accepted_attempt_that_a_look_up_does_not_know_is_not_sent_again() {
        TestProvider.Askable bank = TestProvider.thatCanBeAsked();
        bank.answering((p, request) -> {
            p.charge(request);
            return BillingOutcome.accepted("dd_1", Duration.ofDays(2));
        });
        bank.finding(request -> BillingOutcome.notBilled("no debit has settled under this key"));
        LockingInvoiceBiller server = host.running(host.server(bank).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        server.billPending();
        host.letTimePass(1, Duration.ofDays(2));

        BillingRun asked = server.recover();
        server.recover();

        assertThat(asked.accepted()).isEqualTo(1);
        assertThat(host.state(1)).isEqualTo("ACCEPTED");
        assertThat(bank.requests()).hasSize(1);
        assertThat(bank.chargesOf(1)).isEqualTo(1);
    }

    /** NO_R16_LOCK: the refused attempt is as it was read, while the next one is being called. */
    @Test
    void a_withdrawal_while_the_next_key_is_being_minted_is_told_that_it_comes_too_late() throws Exception {
        TestProvider provider = TestProvider.thatRemembers();
        provider.answering(BillingOutcome.declined("card_declined", "no money"));
        Moment minting = new Moment();
        Moment goOn = new Moment();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server = host.running(
                host.server(database.proxy(), provider).retryPolicy(attempt -> Optional.of(Duration.ZERO)));
        server.bill(1);
        database.strikeOnce(before(COMMIT).of(CLAIM), standStill(minting, goOn));
        provider.answering(TestProvider::charge);
        InBackground<BillingRun> next = InBackground.of(server::recover);
        minting.await();
        Connection connection = host.connection();
        connection.setAutoCommit(false);
        InBackground<Withdrawal> withdrawal = InBackground.of(() -> {
            Withdrawal answer = server.withdraw(connection, 1);
            connection.commit();
            return answer;
        });
        await().atMost(Duration.ofSeconds(30))
                .until(() -> withdrawal.isDone()
                        || host.count("pg_stat_activity", "wait_event_type = 'Lock' and datname = current_database()")
                                > 0);
        goOn.reach();

        assertThat(withdrawal.result()).isIn(Withdrawal.IN_FLIGHT, Withdrawal.BILLED);
        assertThat(next.result().billed()).isEqualTo(1);
        assertThat(provider.chargesOf(1)).isEqualTo(1);
    }
}
