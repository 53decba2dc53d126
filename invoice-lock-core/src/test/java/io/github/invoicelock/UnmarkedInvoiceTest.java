package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;

/** Whatever of the host's keeps a charged invoice from being marked: the charge is in the journal, is never repeated, and the reason is told. */
class UnmarkedInvoiceTest {
    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();
    private final List<String> anomalies = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_trigger_that_lets_the_update_change_nothing(LockStrategy strategy, LockScope scope) {
        host.invoices(3);
        trigger("return null");
        LockingInvoiceBiller server =
                host.running(server().lockStrategy(strategy).lockScope(scope));

        assertThat(server.billPending().billed()).isEqualTo(3);
        whatIsToBeMarkedIsDue();
        server.recover();
        server.billPending();

        assertThat(host.count("invoices", "pending")).isEqualTo(3);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED' and due_at is null"))
                .isEqualTo(3);
        assertThat(provider.requests()).as("never repeated").hasSize(3);
        for (int id = 1; id <= 3; id++) {
            assertThat(anomalies)
                    .contains(
                            id
                                    + ": The invoice was charged, but its mark changed nothing, though its row is there: a trigger or a policy? It is not charged again.");
        }
    }

    @Ways.InEveryScope
    void a_trigger_that_raises(LockScope scope) {
        host.invoices(1);
        trigger("raise exception 'closed for the night'");
        LockingInvoiceBiller server = host.running(server().lockScope(scope));

        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(setAside(server)).containsOnlyKeys("1").hasEntrySatisfying("1", containing("closed for the night"));
        assertThat(host.state(1)).as("R12").isEqualTo("BILLED");
        assertThat(host.pending(1)).isTrue();

        host.sql("drop trigger t on invoices");
        whatIsToBeMarkedIsDue();
        server.recover();
        assertThat(host.pending(1)).isFalse();
        assertThat(provider.requests()).hasSize(1);
        assertThat(anomalies).isEmpty();
    }

    @Ways.WithEveryStrategy
    void a_view_that_hides_the_row_meanwhile(LockStrategy strategy) {
        host.invoices(1);
        host.sql("create view shown as select * from invoices where state = 'open'");
        provider.answering((p, request) -> {
            host.sql("update invoices set state = 'archived'");
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(server().invoices(InvoiceTable.named("shown"))
                .lockStrategy(strategy)
                .lockScope(LockScope.CLAIM_ONLY));

        assertThat(server.billPending().billed()).isEqualTo(1);

        assertThat(anomalies)
                .containsExactly(
                        "1: The invoice was charged, but its row is not to be seen any more: it was deleted, or a view or a policy hides it.");
        host.sql("update invoices set state = 'open'");
        server.billPending();
        assertThat(provider.requests()).as("never repeated").hasSize(1);
    }

    @Ways.InEveryScope
    void a_view_with_check_option_that_shows_pending_invoices_only(LockScope scope) {
        host.invoices(1);
        host.sql("create view open_ones as select * from invoices where pending with check option");
        LockingInvoiceBiller server =
                host.running(server().invoices(InvoiceTable.named("open_ones")).lockScope(scope));

        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(setAside(server))
                .hasEntrySatisfying("1", containing("violates check option for view \"open_ones\""));
        assertThat(host.state(1)).as("R12").isEqualTo("BILLED");

        host.sql("create or replace view open_ones as select * from invoices where pending");
        whatIsToBeMarkedIsDue();
        server.recover();
        assertThat(host.pending(1)).isFalse();
        assertThat(provider.requests()).hasSize(1);
    }

    @Ways.WithEveryStrategyInEveryScope
    void a_column_that_is_too_short_for_the_reference(LockStrategy strategy, LockScope scope) {
        host.invoices(3);
        host.sql("alter table invoices add \"Ref.\" varchar(5)");
        LockingInvoiceBiller server =
                host.running(server().invoices(InvoiceTable.named("invoices").storeReferenceIn("Ref."))
                        .lockStrategy(strategy)
                        .lockScope(scope));

        assertThat(server.billPending().billed()).isEqualTo(3);
        assertThat(setAside(server))
                .hasSize(3)
                .allSatisfy((id, message) -> assertThat(message)
                        .contains("column \"Ref.\", of type character varying(5)")
                        .contains("alter table \"public\".\"invoices\" alter column \"Ref.\" type text"));
        assertThat(provider.charges()).isEqualTo(3);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED' and reference like 'ch\\_%'"))
                .as("R12")
                .isEqualTo(provider.charges());
        whatIsToBeMarkedIsDue();
        assertThat(server.recover().parked()).as("each time the mark is tried").isEqualTo(3);
        assertThat(setAside(server))
                .allSatisfy((id, message) -> assertThat(message).contains("column \"Ref.\""));

        host.sql("alter table invoices alter column \"Ref.\" type text");
        whatIsToBeMarkedIsDue();
        server.billPending();
        assertThat(host.count("invoices", "not pending and \"Ref.\" like 'ch\\_%'"))
                .isEqualTo(3);
        assertThat(provider.requests()).hasSize(3);
    }

    /** What was set aside, and why, by invoice. */
    private static Map<String, String> setAside(LockingInvoiceBiller server) {
        return server.needsAttention().stream()
                .filter(attempt -> attempt.cause() == AttemptCause.OWN_DATA_FAILS)
                .collect(Collectors.toMap(BillingAttempt::invoiceId, attempt -> String.valueOf(attempt.message())));
    }

    private static Consumer<String> containing(String text) {
        return message -> assertThat(message).contains(text);
    }

    private LockingInvoiceBiller.Builder server() {
        return host.server(provider).concurrency(3).listener(new BillingListener() {
            @Override
            public void anomaly(String invoiceId, String what) {
                anomalies.add(invoiceId + ": " + what);
            }
        });
    }

    private void trigger(String body) {
        host.sql("create function f() returns trigger language plpgsql as $$ begin " + body + "; end $$");
        host.sql("create trigger t before update on invoices for each row execute function f()");
    }

    private void whatIsToBeMarkedIsDue() {
        host.sql(
                "update invoice_lock.billing_attempt set due_at = now() - interval '1 s' where state = 'BILLED' and due_at is not null");
    }
}
