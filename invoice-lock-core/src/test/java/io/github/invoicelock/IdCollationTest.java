package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Text ids of any collation are found in the journal by their index, however long the journal is. */
class IdCollationTest {
    private static final int ATTEMPTS = 12_000;
    private static final int PENDING = 40;
    private static final Pattern LOOK_UP = Pattern.compile("\"Index Name\": \"billing_attempt_once\"[^{}]*");

    private final TestHost host = new TestHost();
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final ExplainingDataSource explaining = new ExplainingDataSource(host.dataSource());

    @AfterEach
    void close() {
        host.close();
    }

    @ParameterizedTest
    @CsvSource({"\"C\", SKIP_LOCKED", "\"en-x-icu\", SKIP_LOCKED", "\"default\", SKIP_LOCKED", "\"en-x-icu\", NOWAIT"})
    void an_id_of_any_collation_is_looked_up_by_the_journals_index(String collation, LockStrategy strategy) {
        host.sql("create table bills (id text collate " + collation
                + " primary key, pending boolean not null default true)");
        host.sql("insert into bills select 'Bill ' || g from generate_series(1, " + PENDING + ") g");
        host.sql(
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, owner, settled_at, reference) "
                        + "select 'invoices', 'Paid ' || g, 1, md5(g::text), 'BILLED', 'x', now(), 'ch_' || g from generate_series(1, "
                        + ATTEMPTS + ") g");
        LockingInvoiceBiller server = host.running(host.server(explaining.proxy(), provider)
                .invoices(InvoiceTable.named("bills"))
                .lockStrategy(strategy)
                .lockScope(LockScope.CLAIM_ONLY));
        explaining.takePlans();

        BillingRun run = server.billPending();

        assertThat(run.billed()).isEqualTo(PENDING);
        assertThat(provider.chargedTwice()).isEmpty();
        Map<String, String> plans = explaining.takePlans();
        assertThat(plans.values()).anyMatch(plan -> LOOK_UP.matcher(plan).find());
        plans.forEach((statement, plan) -> assertThat(LOOK_UP.matcher(plan).results())
                .as("%s%n%s", statement, plan)
                .allMatch(scan -> scan.group().matches("(?s).*\"Index Cond\": \"[^\"]*\\binvoice_id = .*")));
    }

    @Ways.WithEveryStrategy
    void an_invoice_in_doubt_whose_id_the_host_writes_in_other_letters_is_not_charged_again(LockStrategy strategy) {
        host.sql("create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
        host.sql("create table bills (id text collate any_case primary key, pending boolean not null default true)");
        host.sql("insert into bills values ('inv-1')");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .invoices(InvoiceTable.named("bills"))
                .retryPolicy(RetryPolicy.every(Duration.ofHours(1), 9))
                .lockStrategy(strategy));
        provider.answering((p, request) -> {
            p.charge(request);
            throw new IllegalStateException("the answer is lost");
        });
        server.billPending();
        host.sql("update bills set id = 'INV-1'");
        provider.answering(TestProvider::charge);

        server.billPending();
        server.bill("inv-1");

        assertThat(provider.charges()).isEqualTo(1);
        assertThat(provider.requests()).hasSize(1);
    }
}
