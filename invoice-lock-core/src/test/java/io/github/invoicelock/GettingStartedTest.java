package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.docs.GettingStartedSnippets;
import io.github.invoicelock.docs.GettingStartedSnippets.ForgetfulPayments;
import io.github.invoicelock.docs.GettingStartedSnippets.Payments;
import io.github.invoicelock.docs.GettingStartedSnippets.PaymentsGateway;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.scheduling.annotation.ScheduledAnnotationBeanPostProcessor;

/** docs/getting-started.md, followed: its table, its gateway, its biller, its first run, its provider for tests. */
class GettingStartedTest {
    private static final Docs PAGE = Docs.page("docs/getting-started.md");

    private final TestHost host = new TestHost();
    private final ForgetfulPayments payments = new ForgetfulPayments();

    GettingStartedTest() {
        host.sql("drop table invoices");
        host.sql(PAGE.blocks().stream()
                .filter(block -> block.code().startsWith("create table"))
                .findFirst()
                .orElseThrow()
                .code());
        host.sql("insert into invoices (id, amount, customer, due_date) "
                + "select g, g * 1.10, 'c' || g, current_date + g from generate_series(1, 9) g");
    }

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void invoices_due_in_seven_days_or_sooner_are_billed_once_although_every_first_answer_is_lost() {
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(
                        host.dataSource(), new PaymentsGateway(payments))
                .invoices(InvoiceTable.named("invoices")
                        .storeReferenceIn("reference")
                        .billableWhen(org.jooq.impl.DSL.condition("due_date <= current_date + 7"))
                        .orderedBy("due_date"))
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 5))
                .build()) {
            assertThat(biller.billPending().inDoubt()).isEqualTo(7);
            assertThat(biller.recover().billed()).isEqualTo(7);
        }
        assertThat(payments.charges()).isEqualTo(7);
        assertThat(host.count("invoices", "not pending and reference is not null"))
                .isEqualTo(7);
    }

    @Test
    void the_biller_of_the_page_fits_the_table_of_the_page_and_its_first_run_takes_one_invoice() {
        try (LockingInvoiceBiller biller =
                GettingStartedSnippets.biller(host.dataSource(), new PaymentsGateway(payments))) {
            GettingStartedSnippets.firstRun(biller);

            assertThat(payments.charges()).isEqualTo(1);
            assertThat(biller.attempts(1)).hasSize(1);
            assertThat(GettingStartedSnippets.parked(biller)).isZero();
        }
    }

    @Test
    void the_whole_host_bills_by_itself_and_stops_in_order() throws SQLException {
        String url = host.dataSource().unwrap(HikariDataSource.class).getJdbcUrl();
        GettingStartedSnippets.Host running = GettingStartedSnippets.Host.start(
                url, (key, amount, customer, timeout) -> new Payments.Answer(200, "ch_" + key, ""));
        try (running) {
            await().untilAsserted(() ->
                    assertThat(host.count("invoices", "not pending")).isEqualTo(7));
        }
        assertThat(running.pool().isClosed()).isTrue();
        assertThatThrownBy(running.biller()::recover).hasMessageContaining("is closed");
    }

    @Test
    void the_index_of_the_page_is_the_one_that_is_advised() {
        String index = PAGE.blocks().stream()
                .map(Docs.Block::code)
                .filter(code -> code.startsWith("create index concurrently"))
                .findFirst()
                .orElseThrow();
        assertThat(index)
                .isEqualTo(
                        "create index concurrently on \"public\".\"invoices\" (\"due_date\", \"id\") where \"pending\"");
        host.sql(index);
    }

    @Test
    void a_table_with_states_in_a_schema_of_its_own() {
        host.sql("create schema billing");
        host.sql("create type billing.state as enum ('open', 'paid', 'refused')");
        host.sql(
                "create table billing.invoices (id uuid primary key default gen_random_uuid(), amount numeric not null, "
                        + "customer text not null, state billing.state not null default 'open', paid_at timestamptz)");
        host.sql("insert into billing.invoices (amount, customer) values (7, 'good'), (8, 'bad')");
        BillingGateway gateway = request -> "good".equals(request.invoice().get("customer", String.class))
                ? BillingOutcome.billed("ch_1")
                : BillingOutcome.declined("card_declined", "no");
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(host.dataSource(), gateway)
                .invoices(GettingStartedSnippets.withStates())
                .build()) {
            BillingRun run = biller.billPending();
            assertThat(run.billed()).isEqualTo(1);
            assertThat(run.declined()).isEqualTo(1);
        }
        assertThat(host.one(
                        "select string_agg(customer || ' ' || state, ', ' order by customer) from billing.invoices"))
                .isEqualTo("bad refused, good paid");
    }

    @Test
    void under_spring_both_tasks_are_scheduled_and_the_biller_is_closed_with_the_context() {
        LockingInvoiceBiller biller;
        try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext()) {
            context.registerBean(DataSource.class, host::dataSource, bean -> bean.setDestroyMethodName(""));
            context.registerBean(BillingGateway.class, () -> new PaymentsGateway(payments));
            context.register(GettingStartedSnippets.Billing.class);
            context.refresh();
            biller = context.getBean(LockingInvoiceBiller.class);

            assertThat(context.getBean(ScheduledAnnotationBeanPostProcessor.class)
                            .getScheduledTasks())
                    .hasSize(2);
            biller.bill(1);
            assertThat(biller.attempts(1)).hasSize(1);
        }
        assertThatThrownBy(biller::recover)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("is closed");
    }
}
