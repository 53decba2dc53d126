package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A look before a run is let go: what it would bill, in which order, for how much; nothing is written, locked or asked. */
class PreviewTest {
    private final TestHost host = TestHost.withInvoices(12);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    static Stream<Arguments> strategiesOrdersAndLimits() {
        List<Arguments> all = Stream.of(LockStrategy.values())
                .flatMap(strategy -> Stream.of("id", "due_date", "amount")
                        .flatMap(order -> Stream.of(1, 3, 5, 100).map(limit -> Arguments.of(strategy, order, limit))))
                .toList();
        return Thorough.orOneIn(6, "PreviewTest", all).stream();
    }

    @ParameterizedTest
    @MethodSource("strategiesOrdersAndLimits")
    @Tag(Thorough.SAMPLED)
    void what_it_says_is_what_the_run_does(LockStrategy strategy, String order, int limit) {
        host.sql("update invoices set amount = 100 - amount, due_date = current_date - (id % 4)::int where id % 3 > 0");
        host.sql("update invoices set pending = false where id = 6");
        host.sql("update invoices set state = 'draft' where id = 7");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .retryPolicy(attempt -> Optional.of(Duration.ZERO))
                .invoices(InvoiceTable.named("invoices")
                        .orderedBy(order)
                        .billableWhen(org.jooq.impl.DSL.field("state").eq("open"))));
        provider.answering(
                (p, request) -> request.invoiceId().equals("4") ? BillingOutcome.notBilled("429") : p.refuse(request));
        server.bill(4);
        server.bill(2);
        provider.answering(TestProvider::charge);
        RunLimits limits = RunLimits.none().invoices(limit);
        int before = provider.requests().size();

        BillingPreview preview = server.preview(limits, "amount", "id");
        BillingRun run = server.billPending(limits);

        List<BillingRequest> sent =
                provider.requests().subList(before, provider.requests().size());
        assertThat(preview.invoices()).isEqualTo(run.billed()).isEqualTo(Math.min(limit, 10));
        assertThat(preview.due()).isEqualTo(run.recovered()).isEqualTo(Math.min(limit, 2));
        assertThat(preview.fresh()).isEqualTo(run.billed() - run.recovered());
        assertThat(preview.firstIds())
                .isEqualTo(sent.stream().map(BillingRequest::invoiceId).toList());
        assertThat(preview.sums().get("amount"))
                .isEqualByComparingTo(sent.stream()
                        .map(request -> request.invoice().get("amount", BigDecimal.class))
                        .reduce(BigDecimal.ZERO, BigDecimal::add));
        assertThat(preview.sums().get("id"))
                .isEqualByComparingTo(sent.stream()
                        .map(request -> new BigDecimal(request.invoiceId()))
                        .reduce(BigDecimal.ZERO, BigDecimal::add));
    }

    @Test
    void it_writes_nothing_locks_nothing_and_asks_nobody() throws SQLException {
        LockingInvoiceBiller server = host.running(host.server(provider));
        Connection other = host.holding(2);
        String before = host.one("select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables");

        BillingPreview preview = server.preview(RunLimits.none(), "amount");

        assertThat(preview.fresh()).as("one that another holds, too").isEqualTo(12);
        assertThat(provider.requests()).isEmpty();
        assertThat(host.count("invoice_lock.billing_attempt", "true")).isZero();
        assertThat(host.one("select last_run_at from invoice_lock.biller"))
                .as("no run")
                .isNull();
        assertThat(host.one("select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables"))
                .isEqualTo(before);
        other.rollback();
    }

    @Test
    void of_many_the_first_hundred_are_named_and_all_are_counted_and_summed_up() {
        host.sql("insert into invoices (id, amount) select g, 1 from generate_series(13, 2512) g");
        LockingInvoiceBiller server = host.running(host.server(provider));

        BillingPreview preview = server.preview(RunLimits.none(), "amount");

        assertThat(preview.fresh()).isEqualTo(2512);
        assertThat(preview.firstIds())
                .isEqualTo(
                        IntStream.rangeClosed(1, 100).mapToObj(String::valueOf).toList());
        assertThat(preview.sums().get("amount")).isEqualByComparingTo("2585.80");
        assertThat(server.preview(RunLimits.none().invoices(2_000)).fresh()).isEqualTo(2_000);
    }

    @Test
    void the_plan_is_the_one_of_the_search() {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(LockStrategy.SKIP_LOCKED));

        assertThat(server.preview(RunLimits.none()).plan())
                .startsWith("Limit")
                .contains("using invoices_id_idx on invoices")
                .contains("SubPlan")
                .contains("billing_attempt");
    }

    @Test
    void of_a_paused_biller_it_says_so() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        assertThat(server.preview(RunLimits.none()).paused()).isFalse();

        server.pause("ann", "wrong amounts");

        assertThat(server.preview(RunLimits.none()))
                .returns(true, BillingPreview::paused)
                .returns(12, BillingPreview::fresh);
    }

    @Test
    void where_nothing_is_pending_there_is_nothing() {
        host.sql("update invoices set pending = false");
        LockingInvoiceBiller server = host.running(host.server(provider));

        BillingPreview preview = server.preview(RunLimits.none(), "amount");

        assertThat(preview.invoices()).isZero();
        assertThat(preview.firstIds()).isEmpty();
        assertThat(preview.sums()).isEqualTo(Map.of("amount", BigDecimal.ZERO));
    }

    @Test
    void a_column_that_is_not_there_or_holds_no_numbers_is_refused() {
        LockingInvoiceBiller server = host.running(host.server(provider));

        assertThatThrownBy(() -> server.preview(RunLimits.none(), "total"))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessage(
                        "preview is to sum up \"total\", which \"public\".\"invoices\" does not have. Name columns of numbers: amount, id.");
        assertThatThrownBy(() -> server.preview(RunLimits.none(), "amount", "state"))
                .hasMessage(
                        "preview is to sum up \"state\" of \"public\".\"invoices\", which is of type text. Name columns of numbers: amount, id.");
    }
}
