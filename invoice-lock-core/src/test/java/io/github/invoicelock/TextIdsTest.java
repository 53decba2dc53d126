package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** Ids of a host's own making: they travel in arrays, in JSON and in literals, and arrive as they were. */
class TextIdsTest {
    private static final List<String> IDS = List.of(
            "",
            " ",
            "  x ",
            ",",
            "a,b",
            "\"",
            "q\"uo\"te",
            "'",
            "a'b",
            "{",
            "}",
            "{a,\"b\"}",
            "[1]",
            "\\",
            "a\\b",
            "\\\"",
            "NULL",
            "null",
            "\"NULL\"",
            "?",
            ":invoice",
            "$1",
            "{0}",
            "%s",
            "a;b",
            "--",
            "/*",
            "1",
            "01",
            "a\tb\nc\r",
            "\u0001\u007f\u2028",
            "Ä-ß-é",
            "e\u0301",
            "\uD83D\uDCB8",
            "請求書");

    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void arrive_as_they_were(LockStrategy strategy, LockScope scope) throws SQLException {
        host.sql("create table bills (id text primary key, pending boolean not null default true, reference text)");
        insertBills();
        LockingInvoiceBiller server = host.running(host.server(provider)
                .invoices(InvoiceTable.named("bills").storeReferenceIn("reference"))
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(8)
                .stopAfterFailures(1000)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 9)));

        provider.answering(
                (p, request) -> request.invoiceId().length() == 2 ? BillingOutcome.unknown("500") : p.charge(request));
        server.billPending(RunLimits.none().invoices(IDS.size()));
        provider.answering(TestProvider::charge);
        server.billPending();
        host.sql(
                "update invoice_lock.billing_attempt set due_at = now() where state = 'BILLED' and due_at is not null");
        server.recover();

        assertThat(host.count("bills", "pending or reference is null")).isZero();
        assertThat(provider.charges()).isEqualTo(IDS.size());
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(host.count(
                        "bills b join invoice_lock.billing_attempt a on a.invoice_id = b.id and a.reference = b.reference",
                        "true"))
                .as("each with its own reference")
                .isEqualTo(IDS.size());
        for (String id : IDS) {
            assertThat(provider.chargesOf(id)).as("<%s>", id).isEqualTo(1);
            assertThat(server.attempts(id)).as("<%s>", id).hasSize(1);
            assertThat(server.bill(id).seen()).as("<%s>", id).isZero();
        }
    }

    private void insertBills() throws SQLException {
        Connection connection = host.connection();
        try (PreparedStatement insert = connection.prepareStatement("insert into bills (id) values (?)")) {
            for (String id : IDS) {
                insert.setString(1, id);
                insert.executeUpdate();
            }
        }
    }
}
