package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every statement that the library sends goes by an index, whatever the statistics say: with an empty journal, with one that was analysed
 * while it was empty, with one of a million rows that was never analysed, with an analysed one; and after plans were cached.
 */
@Tag(Thorough.TAG)
class PlansTest {
    private static final Pattern READS_ALL =
            Pattern.compile("\"Node Type\": \"Seq Scan\",[^{]*?\"Relation Name\": \"(invoices|billing_attempt)\"");
    /** An index of all rows that is read from end to end: no better. */
    private static final Pattern READS_ALL_BY_AN_INDEX = Pattern.compile(
            "\"Node Type\": \"Index( Only)? Scan\",[^{}]*?\"Index Name\": \"(invoices_pkey|billing_attempt_pkey|billing_attempt_once)\"(?![^{}]*\"Index Cond\")");

    private static final Pattern HASHES = Pattern.compile("\"Node Type\": \"Hash( Join| Anti Join)?\"");
    private static final int PAID = 1_000_000;
    /** THROUGH_CALL, after a hundred quick calls. */
    private static final int ENOUGH_TO_BE_SETTLED_TOGETHER = 300;

    private final TestHost host = new TestHost();
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final ExplainingDataSource explaining = new ExplainingDataSource(host.dataSource());
    /** Of all strategies and scopes, as JSON by statement. */
    private final Map<String, String> plans = new TreeMap<>();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void every_statement_goes_by_an_index() throws Exception {
        host.sql("alter table invoice_lock.billing_attempt set (autovacuum_enabled = false)");
        host.sql("alter table invoices set (autovacuum_enabled = false)");
        host.sql("insert into invoices (id, pending) select g, false from generate_series(1, " + PAID + ") g");
        host.sql("insert into invoices (id) select g from generate_series(" + (PAID + 1) + ", " + (PAID + 60_000)
                + ") g");
        host.sql("analyze invoices");

        sendEveryStatement();
        everyStatementWentByAnIndex("empty journal");

        sendEveryStatement(() -> {
            host.sql("truncate invoice_lock.billing_attempt");
            host.sql("vacuum (analyze) invoice_lock.billing_attempt");
        });
        everyStatementWentByAnIndex("a journal that was analysed while it was empty");

        host.sql(
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, owner, settled_at, reference) "
                        + "select 'invoices', g::text, 1, md5(g::text), 'BILLED', 'x', now() - case when g < 990000 then interval '3 days' else interval '0' end, 'ch_' || g from generate_series(1, "
                        + PAID + ") g");
        sendEveryStatement();
        everyStatementWentByAnIndex("a million attempts, never analysed");

        host.sql("analyze invoice_lock.billing_attempt");
        sendEveryStatement();
        everyStatementWentByAnIndex("a million attempts, analysed");

        host.sql("vacuum (analyze) invoice_lock.billing_attempt");
        theViewReadsTheDayAlone();
    }

    private void theViewReadsTheDayAlone() {
        String plan = host.one("explain (format json) select * from invoice_lock.billed_today");
        assertThat(plan).contains("billing_attempt_hours").doesNotContain("Seq Scan");
    }

    /** More often than it takes for a driver and a server to cache a plan, over the same connections. */
    private void sendEveryStatement() throws Exception {
        sendEveryStatement(() -> {});
    }

    private void sendEveryStatement(Runnable beforeEachBiller) throws Exception {
        for (LockStrategy strategy : LockStrategy.values()) {
            for (LockScope scope : LockScope.values()) {
                LockingInvoiceBiller server = host.running(LockingInvoiceBiller.builder(explaining.proxy(), provider)
                        .lockStrategy(strategy)
                        .lockScope(scope)
                        .retryPolicy(attempt -> attempt.state() == AttemptState.DECLINED && attempt.number() > 1
                                ? java.util.Optional.empty()
                                : java.util.Optional.of(Duration.ZERO))
                        .concurrency(4));
                beforeEachBiller.run();
                // What build() looks at is no part of billing.
                explaining.takePlans();
                provider.answering(TestProvider::charge);
                server.billPending(RunLimits.none().invoices(ENOUGH_TO_BE_SETTLED_TOGETHER));
                provider.answering(BillingOutcome.unknown("500"));
                server.billPending(RunLimits.none().invoices(8));
                server.recover();
                provider.answering((p, request) -> p.refuse(request));
                server.billPending(RunLimits.none().invoices(8));
                server.recover();
                provider.answering(BillingOutcome.accepted("dd", Duration.ofMillis(1)));
                server.billPending(RunLimits.none().invoices(4));
                server.recover();
                provider.answering(TestProvider::charge);
                server.recover();
                server.needsAttention().stream().limit(3).forEach(parked -> {
                    server.attempts(parked.invoiceId());
                    server.retry(parked.invoiceId());
                    server.report(parked.idempotencyKey(), BillingOutcome.billed("ch_late_" + parked.id()));
                });
                server.bill(String.valueOf(host.one("select max(id) from invoices where pending")));
                try (Connection connection = explaining.proxy().getConnection()) {
                    connection.setAutoCommit(false);
                    server.withdraw(connection, String.valueOf(host.one("select max(id) from invoices where pending")));
                    connection.commit();
                    connection.setAutoCommit(true);
                }
                prune(server);
                plans.putAll(explaining.takePlans());
                if (scope == LockScope.CLAIM_ONLY) {
                    claimHundreds(strategy);
                }
            }
        }
        find();
    }

    private void find() {
        LockingInvoiceBiller biller = host.running(LockingInvoiceBiller.builder(explaining.proxy(), provider));
        explaining.takePlans();
        Instant to = Instant.now().plus(Duration.ofMinutes(1));
        Instant from = to.minus(Duration.ofHours(2));
        List<AttemptFilter> filters = new ArrayList<>(List.of(
                AttemptFilter.all(),
                AttemptFilter.all().invoice(PAID + 1),
                AttemptFilter.all().key("no such key"),
                AttemptFilter.all().reference("no such reference"),
                AttemptFilter.all().from(from),
                AttemptFilter.all().from(from).until(to)));
        for (AttemptState state : AttemptState.values()) {
            filters.add(AttemptFilter.all().state(state));
            filters.add(AttemptFilter.all().state(state).from(from).until(to));
        }
        filters.add(AttemptFilter.all().waiting());
        filters.add(AttemptFilter.all().waiting().from(from).until(to));
        for (AttemptCause cause : AttemptCause.values()) {
            filters.add(AttemptFilter.all().cause(cause));
            filters.add(AttemptFilter.all().waiting().cause(cause));
        }
        PageRequest first = PageRequest.first(10);
        for (AttemptFilter filter : filters) {
            String next = biller.find(filter, first).next();
            if (next != null) {
                biller.find(filter, first.after(next));
            }
        }
        assertThat(biller.billed(from, to).limit(1_500)).isNotNull();
        String next = biller.billed(from, to, first).next();
        if (next != null) {
            biller.billed(from, to, first.after(next));
        }
        biller.waiting();
        biller.activity();
        biller.status();
        plans.putAll(explaining.takePlans());
    }

    private void claimHundreds(LockStrategy strategy) {
        LockingInvoiceBiller server = host.running(LockingInvoiceBiller.builder(explaining.proxy(), provider)
                .lockStrategy(strategy)
                .lockScope(LockScope.CLAIM_ONLY)
                .concurrency(1_000));
        explaining.takePlans();
        server.billPending(RunLimits.none().invoices(20));
        plans.putAll(explaining.takePlans());
    }

    private void prune(LockingInvoiceBiller biller) {
        String old = "now() - interval '2 years'";
        host.sql(
                "update invoice_lock.billing_attempt set started_at = " + old + ", settled_at = " + old
                        + " where id in (select id from invoice_lock.billing_attempt where state = 'BILLED' and due_at is null order by id limit 20)");
        assertThat(InvoiceLockSchema.prune(
                        explaining.proxy(), biller, Instant.now().minus(Duration.ofDays(365))))
                .isPositive();
    }

    private void everyStatementWentByAnIndex(String when) {
        assertThat(plans).as("statements that were explained").hasSizeGreaterThan(20);
        plans.forEach((statement, plan) -> {
            assertThat(READS_ALL.matcher(plan).find())
                    .as("%s: reads all of a table: %s%n%s", when, statement, plan)
                    .isFalse();
            assertThat(READS_ALL_BY_AN_INDEX.matcher(plan).find())
                    .as("%s: reads all of an index: %s%n%s", when, statement, plan)
                    .isFalse();
            assertThat(plan)
                    .as("%s: is compiled (JIT), which takes longer than to run it: %s", when, statement)
                    .doesNotContain("\"JIT\"");
            assertThat(HASHES.matcher(plan).find())
                    .as("%s: hashes all of a table: %s%n%s", when, statement, plan)
                    .isFalse();
        });
        plans.clear();
    }
}
