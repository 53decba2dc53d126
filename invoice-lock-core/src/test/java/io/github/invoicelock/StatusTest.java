package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How things stand, asked at any time and at little cost. */
class StatusTest {
    private final TestHost host = TestHost.withInvoices(5);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void where_nothing_is_to_be_done_there_is_neither_a_count_nor_an_age() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();

        assertThat(withoutTheLastRun(server.status()))
                .isEqualTo(new JournalStatus(0, 0, 0, null, null, null, 0, null, null, null));
        assertThat(server.name()).isEqualTo("invoices");
    }

    @Test
    void what_the_provider_accepted_is_neither_in_flight_nor_due_until_its_time_has_come() {
        LockingInvoiceBiller server =
                host.running(host.server(provider.answering(BillingOutcome.accepted("dd_1", Duration.ofMinutes(20)))));
        server.bill(1);
        assertThat(withoutTheLastRun(server.status()))
                .isEqualTo(new JournalStatus(0, 0, 0, null, null, null, 5, null, null, null));

        host.letTimePass(1, Duration.ofMinutes(21));

        assertThat(server.status().due()).isEqualTo(1);
        assertThat(server.status().oldestDue()).isBetween(Duration.ofSeconds(59), Duration.ofMinutes(10));
    }

    @Test
    void a_refusal_that_a_new_key_follows_is_not_counted_as_parked() {
        LockingInvoiceBiller server = host.running(host.server(provider.answering((p, request) ->
                request.attempt() == 1 ? BillingOutcome.declined("card_declined", "no money") : p.charge(request))));
        server.bill(1);
        assertThat(server.status().parked()).isEqualTo(1);
        server.retry(1);
        server.recover();

        assertThat(server.attempts(1)).hasSize(2);
        assertThat(server.status().parked()).isZero();
        assertThat(server.status().oldestParked()).isNull();
    }

    @Test
    void the_oldest_pending_invoice_is_known_where_the_table_is_ordered_by_a_time() {
        host.sql("update invoices set billed_at = now() - interval '3 hours' where id = 4");
        host.sql("update invoices set billed_at = now() - interval '9 hours', pending = false where id = 5");
        host.sql("update invoices set billed_at = '-infinity' where id = 3");
        host.sql("update invoices set due_date = current_date + 9");

        assertThat(oldestPending("billed_at")).isBetween(Duration.ofHours(3), Duration.ofHours(4));
        assertThat(oldestPending("due_date")).as("yet to come").isEqualTo(Duration.ZERO);
        assertThat(oldestPending("amount")).isNull();
        assertThat(oldestPending("id")).isNull();
    }

    @Test
    void asking_reads_indexes_only_whatever_the_journal_has_piled_up() throws SQLException {
        LockingInvoiceBiller server = host.running(host.server(provider));
        host.sql(
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, due_at, owner) "
                        + "select 'invoices', 'x' || g, 1, 'k' || g, case when g % 100 = 0 then 'ACCEPTED' else 'BILLED' end, "
                        + "case when g % 100 = 0 then now() + interval '2 days' end, 'gone' from generate_series(1, 50000) g");
        host.sql("analyze invoice_lock.billing_attempt");
        long before = rowsRead();

        server.status();

        assertThat(rowsRead() - before).as("of 50,500 rows").isLessThan(100);
    }

    private static JournalStatus withoutTheLastRun(JournalStatus s) {
        return new JournalStatus(
                s.inFlight(),
                s.due(),
                s.parked(),
                s.oldestDue(),
                s.oldestParked(),
                s.oldestPending(),
                s.pending(),
                s.pause(),
                null,
                s.brake());
    }

    /** Rows of the journal that scans of any kind have read. */
    private long rowsRead() throws SQLException {
        try (Connection connection = host.database().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            // Sessions report what they read when they end, or a second later.
            host.dataSource().getHikariPoolMXBean().softEvictConnections();
            org.awaitility.Awaitility.await()
                    .until(() -> host.dataSource().getHikariPoolMXBean().getTotalConnections() == 0);
            try (ResultSet row = statement.executeQuery(
                    "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'billing_attempt'")) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    private @Nullable Duration oldestPending(String orderedBy) {
        LockingInvoiceBiller server = host.running(
                host.server(provider).invoices(InvoiceTable.named("invoices").orderedBy(orderedBy)));
        return server.status().oldestPending();
    }
}
