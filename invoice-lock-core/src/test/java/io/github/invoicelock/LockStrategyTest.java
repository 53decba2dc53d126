package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Place.before;
import static io.github.invoicelock.FaultyDataSource.standStill;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.jooq.impl.DSL.condition;
import static org.jooq.impl.DSL.field;

import java.sql.Connection;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Two servers meet on one row. */
class LockStrategyTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final Moment called = new Moment();
    private final Moment answer = new Moment();

    @AfterEach
    void close() {
        answer.reach();
        host.close();
    }

    @ParameterizedTest
    @EnumSource(names = {"NOWAIT", "SKIP_LOCKED"})
    void an_invoice_that_another_server_is_calling_is_left_alone_at_once(LockStrategy strategy) {
        LockingInvoiceBiller first = host.running(host.server(provider).lockStrategy(strategy));
        LockingInvoiceBiller second = host.running(host.server(provider).lockStrategy(strategy));
        InBackground<BillingRun> calling = callsAndWaits(first);

        BillingRun other = second.billPending();

        assertThat(calling.isDone()).as("the first server is still calling").isFalse();
        assertThat(other.billed()).isZero();
        answer.reach();
        assertThat(calling.result().billed()).isEqualTo(1);
        assertThat(provider.requests()).hasSize(1);
    }

    @Test
    void with_nowait_a_row_that_the_host_holds_counts_as_contended() throws Exception {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(LockStrategy.NOWAIT));
        Connection holder = host.holding(1);

        BillingRun run = server.billPending();

        assertThat(run.contended()).isEqualTo(1);
        assertThat(run.seen()).isEqualTo(1);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        holder.rollback();
        assertThat(server.billPending().billed()).isEqualTo(1);
    }

    @Test
    void with_skip_locked_a_row_that_the_host_holds_is_not_seen() {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(LockStrategy.SKIP_LOCKED));
        host.holding(1);

        BillingRun run = server.billPending();

        assertThat(run.seen()).isZero();
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
    }

    @Test
    void with_wait_a_row_is_waited_for_and_billed_when_it_is_free() throws Exception {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(LockStrategy.WAIT));
        Connection holder = host.holding(1);

        InBackground<BillingRun> waiting = InBackground.of(server::billPending);
        awaitLockWait();
        holder.rollback();

        assertThat(waiting.result().billed()).isEqualTo(1);
    }

    @Test
    void with_wait_an_invoice_that_was_billed_while_we_waited_is_contended_and_not_billed_again() throws Exception {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(LockStrategy.WAIT));
        Connection holder = host.holding(1);
        InBackground<BillingRun> waiting = InBackground.of(server::billPending);
        awaitLockWait();

        TestHost.execute(holder, "update invoices set pending = false where id = 1");
        holder.commit();

        assertThat(waiting.result().contended()).isEqualTo(1);
        assertThat(provider.requests()).isEmpty();
    }

    @Test
    void with_wait_an_invoice_that_another_server_bills_while_we_wait_is_contended() {
        LockingInvoiceBiller first = host.running(host.server(provider).lockStrategy(LockStrategy.WAIT));
        Moment claiming = new Moment();
        Moment goOn = new Moment();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller second =
                host.running(host.server(database.proxy(), provider).lockStrategy(LockStrategy.WAIT));
        database.strikeOnce(before(COMMIT).of(CLAIM), standStill(claiming, goOn));
        InBackground<BillingRun> claimsFirst = InBackground.of(second::billPending);
        claiming.await();
        InBackground<BillingRun> waits = InBackground.of(first::billPending);
        awaitLockWait();
        goOn.reach();

        assertThat(claimsFirst.result().billed()).isEqualTo(1);
        assertThat(waits.result().contended()).isEqualTo(1);
        assertThat(provider.requests()).hasSize(1);
    }

    @Test
    void with_wait_the_request_has_what_the_host_committed_in_other_tables_while_we_waited() throws Exception {
        LockingInvoiceBiller server = serverOfCustomers();
        Connection holder = host.holding(1);
        TestHost.execute(holder, "update customers set card = 'new'");
        InBackground<BillingRun> waiting = InBackground.of(server::billPending);
        awaitLockWait();

        // The row, too: PostgreSQL then looks at it again, but not at the other table.
        TestHost.execute(holder, "update invoices set amount = 99");
        holder.commit();

        assertThat(waiting.result().billed()).isEqualTo(1);
        assertThat(provider.requests()).hasSize(1);
        assertThat(provider.requests().get(0).invoice().get("card")).isEqualTo("new");
        assertThat(provider.requests().get(0).invoice().get("amount", Integer.class))
                .isEqualTo(99);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void with_wait_an_invoice_that_is_not_billable_any_more_by_another_table_is_not_billed(boolean rowChanged)
            throws Exception {
        LockingInvoiceBiller server = serverOfCustomers();
        Connection holder = host.holding(1);
        TestHost.execute(holder, "update customers set active = false");
        InBackground<BillingRun> waiting = InBackground.of(server::billPending);
        awaitLockWait();

        if (rowChanged) {
            TestHost.execute(holder, "update invoices set amount = 99");
        }
        holder.commit();

        assertThat(waiting.result().billed()).isZero();
        assertThat(provider.requests()).isEmpty();
        assertThat(host.pending(1)).isTrue();
    }

    @Test
    void with_wait_the_lease_begins_with_the_lock_and_has_no_patience_in_it() throws Exception {
        Duration callTimeout = Duration.ofSeconds(2);
        Duration leaseMargin = Duration.ofSeconds(2);
        provider.answering(BillingOutcome.unknown("500")); // so that the journal keeps the claim's times
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(LockStrategy.WAIT)
                .waitTimeout(Duration.ofSeconds(60))
                .callTimeout(callTimeout)
                .leaseMargin(leaseMargin));
        Connection holder = host.holding(1);
        InBackground<BillingRun> waiting = InBackground.of(server::billPending);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count(
                                "pg_stat_activity",
                                "wait_event_type = 'Lock' and datname = current_database() and clock_timestamp() - query_start > interval '4.5 s'")
                        > 0);

        String free = TestHost.one(holder, "select clock_timestamp()");
        holder.commit();
        waiting.result();

        assertThat(provider.requests()).as("its call is not late").hasSize(1);
        assertThat(host.one("select lease_until - started_at = interval '4 s' from invoice_lock.billing_attempt"))
                .as("callTimeout + leaseMargin")
                .isEqualTo("t");
        assertThat(host.count("invoice_lock.billing_attempt", "started_at >= timestamptz '" + free + "'"))
                .as("reckoned from the lock, which was free at %s", free)
                .isEqualTo(1);
    }

    @Test
    void with_wait_patience_ends() {
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockStrategy(LockStrategy.WAIT).waitTimeout(Duration.ofMillis(50)));
        host.holding(1);

        BillingRun run = server.billPending();

        assertThat(run.contended()).isEqualTo(1);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
    }

    @Ways.WithEveryStrategy
    void a_run_in_which_every_row_is_held_ends_without_an_error(LockStrategy strategy) throws Exception {
        host.sql("insert into invoices (id) select g from generate_series(2, 20) g");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .waitTimeout(Duration.ofMillis(20))
                .concurrency(4));
        Connection holder = host.connection();
        holder.setAutoCommit(false);
        TestHost.execute(holder, "select 1 from invoices for update");

        BillingRun run = server.billPending();

        assertThat(run.contended()).isEqualTo(strategy == LockStrategy.SKIP_LOCKED ? 0 : 20);
        assertThat(run.billed()).isZero();
        assertThat(host.count("invoice_lock.billing_attempt", "true")).isZero();
        holder.rollback();
        assertThat(server.billPending().billed()).isEqualTo(20);
    }

    @Ways.WithEveryStrategy
    void the_host_cannot_change_an_invoice_while_it_is_called_through_the_call(LockStrategy strategy) {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(strategy));
        InBackground<BillingRun> calling = callsAndWaits(server);

        assertThat(host.one("select count(*) from (select 1 from invoices where id = 1 for update skip locked) free"))
                .isEqualTo("0");

        answer.reach();
        assertThat(calling.result().billed()).isEqualTo(1);
    }

    @Ways.WithEveryStrategy
    void with_claim_only_the_row_is_free_during_the_call_and_nobody_calls_again(LockStrategy strategy) {
        LockingInvoiceBiller first =
                host.running(host.server(provider).lockStrategy(strategy).lockScope(LockScope.CLAIM_ONLY));
        LockingInvoiceBiller second =
                host.running(host.server(provider).lockStrategy(strategy).lockScope(LockScope.CLAIM_ONLY));
        InBackground<BillingRun> calling = callsAndWaits(first);

        assertThat(host.one("select count(*) from (select 1 from invoices where id = 1 for update skip locked) free"))
                .isEqualTo("1");
        assertThat(second.billPending().billed()).isZero();

        answer.reach();
        assertThat(calling.result().billed()).isEqualTo(1);
        assertThat(provider.requests()).hasSize(1);
    }

    private LockingInvoiceBiller serverOfCustomers() {
        host.sql("create table customers (invoice bigint, active boolean, card text)");
        host.sql("insert into customers values (1, true, 'old')");
        return host.running(host.server(provider)
                .lockStrategy(LockStrategy.WAIT)
                .invoices(InvoiceTable.named("invoices")
                        .billableWhen(condition(
                                "exists (select from customers c where c.invoice = invoices.id and c.active)"))
                        .including(field("(select c.card from customers c where c.invoice = invoices.id)", String.class)
                                .as("card"))));
    }

    private InBackground<BillingRun> callsAndWaits(LockingInvoiceBiller server) {
        provider.answering((p, request) -> {
            called.reach();
            answer.await();
            return p.charge(request);
        });
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        called.await();
        return run;
    }

    private void awaitLockWait() {
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("pg_stat_activity", "wait_event_type = 'Lock' and datname = current_database()")
                        > 0);
    }
}
