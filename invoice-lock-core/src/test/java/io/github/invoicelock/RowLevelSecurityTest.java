package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.condition;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** A table whose policies hold for its owner, too, which is the role of the biller. */
class RowLevelSecurityTest {
    private final TestHost host = TestHost.withInvoices(6);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final String role = "app_" + host.database().name();
    private final PGSimpleDataSource app = new PGSimpleDataSource();
    private final List<String> anomalies = new CopyOnWriteArrayList<>();

    @BeforeEach
    void ownedByTheRole() {
        host.sql("create role " + role + " login password 'secret'");
        host.sql("alter table invoices add tenant text not null default 'a', owner to " + role);
        host.sql("update invoices set tenant = 'b' where id > 3");
        host.sql("alter table invoices enable row level security, force row level security");
        host.sql("grant usage on schema invoice_lock to " + role);
        host.sql("grant select, insert, update on all tables in schema invoice_lock to " + role);
        app.setUrl(host.database().jdbcUrl());
        app.setUser(role);
        app.setPassword("secret");
    }

    @AfterEach
    void close() {
        host.sql("drop owned by " + role + " cascade");
        host.sql("drop role " + role);
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void what_a_policy_hides_is_not_billed(LockStrategy strategy, LockScope scope) {
        host.sql("create policy of_a on invoices using (tenant = 'a')");
        try (LockingInvoiceBiller server = biller(strategy, scope)) {
            assertThat(server.billPending().billed()).isEqualTo(3);
            whatIsToBeMarkedIsDue();
            server.recover();
        }
        assertThat(host.one("select string_agg(id::text, ',' order by id) from invoices where pending"))
                .isEqualTo("4,5,6");
        assertThat(provider.charges()).isEqualTo(3);
        assertThat(anomalies).isEmpty();
    }

    @Test
    void a_row_that_may_be_seen_but_not_updated_any_more_is_charged_once_and_told() {
        host.sql("create policy seen on invoices for select using (tenant = 'a')");
        host.sql("create policy updated on invoices for update using (state = 'open')");
        host.sql("update invoices set tenant = 'b' where id > 1");
        provider.answering((p, request) -> {
            host.sql("update invoices set state = 'closed'");
            return p.charge(request);
        });
        try (LockingInvoiceBiller server = biller(LockStrategy.NOWAIT, LockScope.CLAIM_ONLY)) {
            assertThat(server.billPending().billed()).isEqualTo(1);
            server.billPending();
        }
        assertThat(anomalies)
                .contains(
                        "1: The invoice was charged, but its mark changed nothing, though its row is there: a trigger or a policy? It is not charged again.");
        assertThat(provider.requests()).hasSize(1);
    }

    @Test
    void what_a_policy_filters_is_not_taken_for_a_missing_index() {
        host.sql("create policy of_a on invoices using (tenant = 'a')");
        assertThat(Log.of(
                        () -> biller(LockStrategy.NOWAIT, LockScope.CLAIM_ONLY).close()))
                .doesNotContain("no index serves");
        host.sql("drop index invoices_id_idx");
        assertThat(Log.of(
                        () -> biller(LockStrategy.NOWAIT, LockScope.CLAIM_ONLY).close()))
                .contains("no index serves");
    }

    @Test
    void a_row_that_a_policy_does_not_let_be_marked_is_set_aside_and_the_others_are_billed() {
        host.sql("create policy billing on invoices using (true) with check (id <> 2 or pending)");
        try (LockingInvoiceBiller server = biller(LockStrategy.NOWAIT, LockScope.CLAIM_ONLY)) {
            assertThat(server.billPending().billed()).isEqualTo(6);

            assertThat(server.needsAttention()).singleElement().satisfies(setAside -> {
                assertThat(setAside.invoiceId()).isEqualTo("2");
                assertThat(setAside.message()).contains("row-level security");
            });
        }
        assertThat(host.one("select string_agg(id::text, ',') from invoices where pending"))
                .isEqualTo("2");
    }

    @Test
    void a_biller_for_each_tenant_says_its_part_itself() {
        host.sql("create policy all_rows on invoices using (true)");
        for (String tenant : new String[] {"a", "b"}) {
            try (LockingInvoiceBiller server = host.server(app, provider)
                    .name(tenant)
                    .invoices(InvoiceTable.named("invoices").billableWhen(condition("tenant = '" + tenant + "'")))
                    .build()) {
                assertThat(server.billPending().billed()).isEqualTo(3);
            }
        }
        assertThatThrownBy(() -> host.server(app, provider).name("c").build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("billableWhen");
    }

    private LockingInvoiceBiller biller(LockStrategy strategy, LockScope scope) {
        return host.server(app, provider)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(3)
                .listener(new BillingListener() {
                    @Override
                    public void anomaly(String invoiceId, String what) {
                        anomalies.add(invoiceId + ": " + what);
                    }
                })
                .build();
    }

    private void whatIsToBeMarkedIsDue() {
        host.sql(
                "update invoice_lock.billing_attempt set due_at = now() - interval '1 s' where state = 'BILLED' and due_at is not null");
    }
}
