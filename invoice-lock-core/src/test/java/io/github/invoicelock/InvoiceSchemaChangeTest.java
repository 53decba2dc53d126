package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The host alters its table while servers run. */
class InvoiceSchemaChangeTest {
    private final TestHost host = new TestHost(1, true);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    private LockingInvoiceBiller server(LockStrategy strategy) {
        return host.running(host.server(provider)
                .lockStrategy(strategy)
                .lockScope(LockScope.CLAIM_ONLY)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
    }

    @Ways.WithEveryStrategy
    void a_column_added_under_a_prepared_claim_ends_no_run(LockStrategy strategy) {
        host.invoices(20);
        LockingInvoiceBiller server = server(strategy);
        for (int i = 0; i < 10; i++) {
            server.billPending(RunLimits.none().invoices(1));
        }
        host.sql("alter table invoices add column currency text not null default 'EUR'");

        assertThat(server.billPending().billed()).isEqualTo(10);

        assertThat(provider.requestsFor(20).get(0).invoice().get("currency")).isEqualTo("EUR");
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @Test
    void a_type_altered_under_a_prepared_claim_is_read_as_it_is_now() {
        host.sql("alter table invoices alter amount type int");
        host.invoices(20);
        LockingInvoiceBiller server = server(LockStrategy.NOWAIT);
        for (int i = 0; i < 10; i++) {
            server.billPending(RunLimits.none().invoices(1));
        }
        host.sql("alter table invoices alter amount type numeric(12,2); update invoices set amount = 10.50");

        server.billPending();

        assertThat(provider.requestsFor(20).get(0).invoice().get("amount")).isEqualTo(new BigDecimal("10.50"));
    }

    @Ways.WithEveryStrategy
    void a_column_altered_under_a_prepared_take_over_ends_no_run(LockStrategy strategy) {
        host.invoices(1);
        LockingInvoiceBiller server = server(strategy);
        provider.answering(BillingOutcome.unknown("500"));
        for (int i = 0; i < 10; i++) {
            server.billPending();
        }
        host.sql("alter table invoices drop column state, add column currency text default 'EUR'");
        provider.answering(TestProvider::charge);

        assertThat(server.billPending().billed()).isEqualTo(1);

        BillingRequest last = provider.requests().get(10);
        assertThat(last.invoice().get("amount")).isEqualTo(new BigDecimal("1.10"));
        assertThat(last.invoice().get("currency")).as("not in the snapshot").isNull();
        assertThat(last.invoice().field("state")).isNull();
    }

    @Test
    void a_column_added_before_a_new_key_is_read_alike_by_all_requests_under_it() {
        host.invoices(1);
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(LockStrategy.NOWAIT)
                .lockScope(LockScope.CLAIM_ONLY)
                .retryPolicy(attempt -> Optional.of(Duration.ZERO)));
        provider.answering((p, request) -> p.refuse(request));
        for (int i = 0; i < 10; i++) {
            server.billPending();
        }
        host.sql("alter table invoices add column currency text not null default 'EUR'");
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending();
        provider.answering(TestProvider::charge);

        assertThat(server.billPending().billed()).isEqualTo(1);

        BillingRequest first = provider.requests().get(10);
        BillingRequest second = provider.requests().get(11);
        assertThat(second.idempotencyKey()).isEqualTo(first.idempotencyKey());
        assertThat(first.invoice().get("currency")).isEqualTo("EUR");
        assertThat(second.invoice().intoMap()).isEqualTo(first.invoice().intoMap());
    }

    @Test
    void a_snapshot_that_fits_the_table_no_more_waits_for_a_person_and_the_run_goes_on() {
        host.invoices(1);
        LockingInvoiceBiller server = server(LockStrategy.NOWAIT);
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending();
        host.sql("alter table invoices alter state drop default, alter state type int using 1");
        host.sql("insert into invoices (id, state) values (2, 1)");
        provider.answering(TestProvider::charge);

        BillingRun run = server.billPending();

        assertThat(run.billed()).isEqualTo(1);
        assertThat(run.parked()).isEqualTo(1);
        assertThat(server.needsAttention())
                .singleElement()
                .satisfies(attempt -> assertThat(attempt.message())
                        .isEqualTo("The snapshot does not fit the table as it is now: SQLSTATE 22P02."));
        assertThat(provider.requestsFor(1)).hasSize(1);
    }
}
