package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jooq.impl.DSL.currentLocalDate;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import java.time.Duration;
import java.time.LocalDate;
import org.jooq.Name;
import org.junit.jupiter.api.AfterEach;

/** Every name of the host's is one that means something else where it is not quoted: to SQL, to JDBC, to jOOQ. */
class QuotedNamesTest {
    private static final Name BILLS = name("Büro \"Nord\"; drop", "Bills, all?");

    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void in_schema_table_and_every_column(LockStrategy strategy, LockScope scope) {
        host.sql("create schema \"Büro \"\"Nord\"\"; drop\"");
        host.sql("create table " + BILLS + " (\"Nr.?\" int primary key, \"state {0}\" text not null default 'o''pen?', "
                + "\"due date\" date default current_date, \":reference\" text, \"$1\" timestamptz, \"a'b\\c\" text default 'Ada', "
                + "\"select\" int)");
        host.sql("insert into " + BILLS + " (\"Nr.?\") values (1), (2), (3), (4), (5)");
        host.sql("update " + BILLS + " set \"due date\" = current_date + 9 where \"Nr.?\" = 4");
        host.sql("update " + BILLS + " set \"state {0}\" = 'paid' where \"Nr.?\" = 5");
        InvoiceTable bills = InvoiceTable.named("Büro \"Nord\"; drop", "Bills, all?")
                .id("Nr.?")
                .pendingWhen(field(name("state {0}"), String.class).eq("o'pen?"))
                .billableWhen(
                        field(name("Bills, all?", "due date"), LocalDate.class).le(currentLocalDate()))
                .orderedBy("due date")
                .onBilledSet("state {0}", "paid {1}, \"in full\"?")
                .onBilledSet("select", field("{0} + 1", Integer.class, name("Nr.?")))
                .onDeclinedSet("state {0}", "re'fused :x")
                .storeReferenceIn(":reference")
                .storeBilledAtIn("$1")
                .including(field("upper({0})", String.class, name("a'b\\c")).as("Name, in ?{0} :capitals"));
        LockingInvoiceBiller server = host.running(host.server(provider)
                .invoices(bills)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(3)
                .retryPolicy(attempt -> attempt.state() == AttemptState.DECLINED
                        ? java.util.Optional.empty()
                        : java.util.Optional.of(Duration.ZERO)));

        provider.answering(BillingOutcome.unknown("500"));
        server.billPending(RunLimits.none().invoices(3));
        provider.answering((p, request) -> request.invoiceId().equals("2") ? p.refuse(request) : p.charge(request));
        server.billPending();
        host.sql(
                "update invoice_lock.billing_attempt set due_at = now() where state = 'BILLED' and due_at is not null");
        server.recover();

        assertThat(host.one("select string_agg(\"state {0}\", '|' order by \"Nr.?\") from " + BILLS))
                .isEqualTo("paid {1}, \"in full\"?|re'fused :x|paid {1}, \"in full\"?|o'pen?|paid");
        assertThat(host.count(
                        BILLS.toString(),
                        "\":reference\" like 'ch\\_%' and \"$1\" is not null and \"select\" = \"Nr.?\" + 1"))
                .isEqualTo(2);
        assertThat(provider.requests()).allSatisfy(request -> {
            assertThat(request.invoice().get("Name, in ?{0} :capitals")).isEqualTo("ADA");
            assertThat(request.invoice().get("a'b\\c")).isEqualTo("Ada");
        });
        assertThat(provider.chargedTwice()).isEmpty();
    }
}
