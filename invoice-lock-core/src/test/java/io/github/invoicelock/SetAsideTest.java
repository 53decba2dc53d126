package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jooq.impl.DSL.condition;
import static org.jooq.impl.DSL.field;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * An invoice whose own data keep it from being claimed or marked is set aside: named with its error, kept where people find it, billed once
 * when its data are mended; and all others are billed.
 */
class SetAsideTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int BAD = 7;

    private final TestHost host = TestHost.withInvoices(20);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_subquery_of_including_that_finds_two_rows(LockStrategy strategy, LockScope scope) {
        host.sql("create table customers (invoice bigint, method text); create index on customers (invoice)");
        host.sql("insert into customers select g, 'pm_' || g from generate_series(1, 20) g");
        host.sql("insert into customers values (" + BAD + ", 'pm_again')");
        LockingInvoiceBiller server = server(
                strategy,
                scope,
                InvoiceTable.named("invoices")
                        .including(
                                field("(select c.method from customers c where c.invoice = invoices.id)", String.class)
                                        .as("method")));

        theBadOneIsSetAside(server, "more than one row", "21000");

        host.sql("delete from customers where method = 'pm_again'");
        itIsBilledOnceMended(server);
    }

    @Ways.WithEveryStrategyInEveryScope
    void an_expression_of_including_that_divides_by_zero(LockStrategy strategy, LockScope scope) {
        host.sql("update invoices set amount = 0 where id = " + BAD);
        LockingInvoiceBiller server = server(
                strategy,
                scope,
                InvoiceTable.named("invoices").including(field("1000 / amount").as("rate")));

        theBadOneIsSetAside(server, "division by zero", "22012");

        host.sql("update invoices set amount = 10 where id = " + BAD);
        itIsBilledOnceMended(server);
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_json_column_that_cannot_become_jsonb(LockStrategy strategy, LockScope scope) {
        host.sql("alter table invoices add extra json");
        host.sql("update invoices set extra = '{\"note\": \"\\u0000\"}' where id = " + BAD);
        LockingInvoiceBiller server = server(strategy, scope, InvoiceTable.named("invoices"));

        theBadOneIsSetAside(server, "Unicode", "22P05");

        host.sql("update invoices set extra = null where id = " + BAD);
        itIsBilledOnceMended(server);
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_billable_condition_that_raises_for_one_row(LockStrategy strategy, LockScope scope) {
        host.sql("alter table invoices add due text not null default '2026-01-31'");
        host.sql("update invoices set due = '31.31.2026' where id = " + BAD);
        LockingInvoiceBiller server = server(
                strategy,
                scope,
                InvoiceTable.named("invoices").billableWhen(condition("due::date < date '2026-06-30'")));

        theBadOneIsSetAside(server, "date/time field value out of range", "22008");

        host.sql("update invoices set due = '2026-01-31' where id = " + BAD);
        itIsBilledOnceMended(server);
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_hook_that_throws_for_one_invoice(LockStrategy strategy, LockScope scope) {
        boolean[] mended = {false};
        LockingInvoiceBiller server = host.running(builder(strategy, scope, InvoiceTable.named("invoices"))
                .onBilled((tx, attempt, reference) -> {
                    if (!mended[0] && attempt.invoiceId().equals("" + BAD)) {
                        throw new IllegalStateException("no ledger account for invoice " + BAD);
                    }
                }));

        theBadOneIsChargedAndSetAside(server, "no ledger account", "IllegalStateException");

        mended[0] = true;
        itIsMarkedOnceMended(server);
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_mark_that_a_trigger_refuses_for_one_invoice(LockStrategy strategy, LockScope scope) {
        aTriggerRefusesTheMark();
        LockingInvoiceBiller server = server(strategy, scope, InvoiceTable.named("invoices"));

        theBadOneIsChargedAndSetAside(server, "closed for the night", "P0001");

        host.sql("drop trigger t on invoices");
        itIsMarkedOnceMended(server);
    }

    @Ways.InEveryScope
    void a_refused_mark_does_not_come_first_again_and_again(LockScope scope) {
        aTriggerRefusesTheMark();
        LockingInvoiceBiller server = server(LockStrategy.NOWAIT, scope, InvoiceTable.named("invoices"));
        run(server);
        host.sql("insert into invoices (id) select g from generate_series(101, 250) g");
        host.letTimePass(BAD, Duration.ofHours(1)); // its mark is due

        BillingRun next = run(server);

        assertThat(next.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(host.count("invoices", "id > 100 and pending"))
                .as("150 wait behind it")
                .isZero();
        assertThat(provider.chargesOf(BAD)).isEqualTo(1);
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_next_run_bills_on_though_the_bad_one_is_still_bad(LockStrategy strategy, LockScope scope) {
        host.sql("update invoices set amount = 0 where id = " + BAD);
        LockingInvoiceBiller server = server(
                strategy,
                scope,
                InvoiceTable.named("invoices").including(field("1000 / amount").as("rate")));
        run(server);
        host.sql("insert into invoices (id) select g from generate_series(101, 110) g");
        host.letTimePass(BAD, Duration.ofHours(2));

        BillingRun next = run(server);

        assertThat(next.billed()).isEqualTo(10);
        assertThat(next.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(listed(server)).containsExactly("" + BAD);
    }

    @Ways.WithEveryStrategyInEveryScope
    void one_that_is_mended_but_not_billable_is_not_charged_until_it_is(LockStrategy strategy, LockScope scope) {
        host.sql("alter table invoices add due text not null default '2026-01-31'");
        host.sql("update invoices set due = '31.31.2026' where id = " + BAD);
        LockingInvoiceBiller server = server(
                strategy,
                scope,
                InvoiceTable.named("invoices").billableWhen(condition("due::date < date '2026-06-30'")));
        run(server);

        host.sql("update invoices set due = '2027-12-31' where id = " + BAD);
        for (int i = 0; i < 3; i++) {
            host.letTimePass(BAD, Duration.ofHours(2));
            run(server);
        }

        assertThat(provider.requestsFor(BAD)).isEmpty();
        assertThat(host.pending(BAD)).isTrue();

        host.sql("update invoices set due = '2026-01-31' where id = " + BAD);
        host.letTimePass(BAD, Duration.ofHours(2));
        run(server);
        everythingIsBilled(server);
    }

    @Test
    void bad_invoices_in_front_do_not_keep_good_ones_from_being_billed_however_often_they_are_tried_again() {
        host.sql("update invoices set amount = 0 where id <= 5");
        LockingInvoiceBiller server = host.running(builder(
                        LockStrategy.NOWAIT,
                        LockScope.THROUGH_CALL,
                        InvoiceTable.named("invoices")
                                .including(field("1000 / amount").as("rate")))
                .concurrency(1)
                .stopAfterFailures(3));

        for (int i = 0; i < 10; i++) {
            // More of them in a row than stopAfterFailures may end a run; the next one must come further.
            Bounded.by(LIMIT, "the run", server::billPending);
            for (int bad = 1; bad <= 5; bad++) {
                host.letTimePass(bad, Duration.ofHours(2));
            }
        }

        assertThat(host.count("invoices", "pending and id > 5")).isZero();
        assertThat(provider.charges()).isEqualTo(15);
        assertThat(listed(server)).containsExactlyInAnyOrder("1", "2", "3", "4", "5");
    }

    @Test
    void an_error_that_is_every_invoices_still_ends_the_run() {
        host.sql("update invoices set amount = 0");
        LockingInvoiceBiller server = host.running(builder(
                        LockStrategy.NOWAIT,
                        LockScope.THROUGH_CALL,
                        InvoiceTable.named("invoices")
                                .including(field("1000 / amount").as("rate")))
                .stopAfterFailures(4));

        Bounded<BillingRun> run = Bounded.by(LIMIT, "the run", server::billPending);

        assertThat(run.thrown()).isInstanceOf(BillingRunException.class).hasStackTraceContaining("division by zero");
        // Four that count, and what was under way: a slot is free before its invoice is counted.
        assertThat(server.needsAttention().size()).as("few are set aside").isLessThanOrEqualTo(4 + 2 * 3);
        assertThat(provider.requests()).isEmpty();

        host.sql("update invoices set amount = 10");
        server.needsAttention().forEach(attempt -> server.retry(Long.parseLong(attempt.invoiceId())));
        run(server);
        assertThat(host.count("invoices", "pending"))
                .as("and all are billed when it is mended")
                .isZero();
        assertThat(provider.charges()).isEqualTo(20);
    }

    private void theBadOneIsSetAside(LockingInvoiceBiller server, String error, String kind) {
        BillingRun run = run(server);

        assertThat(run.billed()).as("all others: %s", run).isEqualTo(19);
        assertThat(run.parked()).as("%s", run).isEqualTo(1);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(host.count("invoices", "pending")).isEqualTo(1);
        assertThat(provider.requestsFor(BAD)).as("nothing is sent for it").isEmpty();
        isListed(server, error, kind);
    }

    private void theBadOneIsChargedAndSetAside(LockingInvoiceBiller server, String error, String kind) {
        BillingRun run = run(server);

        assertThat(run.billed()).as("all: %s", run).isEqualTo(20);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(host.count("invoices", "pending")).isEqualTo(1);
        assertThat(host.state(BAD)).as("R12").isEqualTo("BILLED");
        isListed(server, error, kind);
    }

    private static void isListed(LockingInvoiceBiller server, String error, String kind) {
        assertThat(listed(server)).containsExactly("" + BAD);
        assertThat(server.needsAttention().get(0).message())
                .satisfiesAnyOf(
                        // The database's words may quote the invoice; then its SQLSTATE says which error it is.
                        message -> assertThat(message).contains(error),
                        message -> assertThat(message).contains(kind));
        assertThat(server.status().parked()).isEqualTo(1);
    }

    private void itIsBilledOnceMended(LockingInvoiceBiller server) {
        server.retry(BAD);
        run(server);

        assertThat(provider.requestsFor(BAD)).hasSize(1);
        everythingIsBilled(server);
    }

    private void itIsMarkedOnceMended(LockingInvoiceBiller server) {
        Bounded.by(LIMIT, "bill(id)", () -> server.bill(BAD)).answer();

        assertThat(provider.requestsFor(BAD)).as("charged once").hasSize(1);
        everythingIsBilled(server);
    }

    private void everythingIsBilled(LockingInvoiceBiller server) {
        assertThat(host.count("invoices", "pending")).isZero();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isEqualTo(20);
        assertThat(provider.charges()).isEqualTo(20);
        assertThat(server.needsAttention()).isEmpty();
        assertThat(server.status().parked()).isZero();
    }

    private void aTriggerRefusesTheMark() {
        host.sql("create function f() returns trigger language plpgsql as $$ begin if new.id = " + BAD
                + " then raise exception 'closed for the night'; end if; return new; end $$");
        host.sql("create trigger t before update on invoices for each row execute function f()");
    }

    private LockingInvoiceBiller server(LockStrategy strategy, LockScope scope, InvoiceTable table) {
        return host.running(builder(strategy, scope, table));
    }

    private LockingInvoiceBiller.Builder builder(LockStrategy strategy, LockScope scope, InvoiceTable table) {
        return host.server(provider)
                .invoices(table)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(3);
    }

    private static BillingRun run(LockingInvoiceBiller server) {
        return Bounded.by(LIMIT, "the run", server::billPending).answer();
    }

    private static List<String> listed(LockingInvoiceBiller server) {
        return server.needsAttention().stream().map(BillingAttempt::invoiceId).toList();
    }
}
