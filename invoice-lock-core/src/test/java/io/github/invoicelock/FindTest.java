package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Attempts are found by what a person or a program knows of them, and a period's charges are handed on for an export. */
class FindTest {
    private final TestHost host = TestHost.withInvoices(12);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final LockingInvoiceBiller biller = host.running(host.server(provider));

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void by_invoice_key_and_reference() {
        biller.billPending();
        BillingAttempt third = biller.attempts(3).get(0);

        assertThat(found(AttemptFilter.all().invoice(3L))).containsExactly(third);
        assertThat(found(AttemptFilter.all().invoice(" 3 "))).containsExactly(third);
        assertThat(found(AttemptFilter.all().key(third.idempotencyKey()))).containsExactly(third);
        assertThat(found(AttemptFilter.all().reference(String.valueOf(third.reference()))))
                .containsExactly(third);
        assertThat(found(AttemptFilter.all().reference("ch_nobody_has"))).isEmpty();
        assertThat(found(AttemptFilter.all().invoice(99))).isEmpty();
        assertThat(found(AttemptFilter.all()
                        .invoice(3)
                        .reference(String.valueOf(biller.attempts(4).get(0).reference()))))
                .as("both must hold")
                .isEmpty();
    }

    @Test
    void by_state_and_cause() throws Exception {
        oneOfEach();
        biller.bill(7); // looked at again: it was taken back, and is pending

        Map.of(
                        AttemptState.BILLED, List.of("1"),
                        AttemptState.DECLINED, List.of("2"),
                        AttemptState.IN_DOUBT, List.of("3"),
                        AttemptState.ACCEPTED, List.of("4"),
                        AttemptState.NOT_BILLED, List.of("5"),
                        AttemptState.WITHDRAWN, List.of("7", "6"))
                .forEach((state, invoices) -> assertThat(ids(AttemptFilter.all().state(state)))
                        .as("%s", state)
                        .isEqualTo(invoices));
        assertThat(ids(AttemptFilter.all().cause(AttemptCause.REFUSED))).containsExactly("2");
        assertThat(ids(AttemptFilter.all().cause(AttemptCause.TRIES_USED_UP))).isEmpty();
        assertThat(found(AttemptFilter.all().cause(AttemptCause.TAKEN_BACK_AND_PENDING)))
                .extracting(BillingAttempt::invoiceId, BillingAttempt::cause)
                .containsExactly(org.assertj.core.api.Assertions.tuple("7", AttemptCause.TAKEN_BACK_AND_PENDING));
        assertThat(ids(AttemptFilter.all())).containsExactly("7", "6", "5", "4", "3", "2", "1");
    }

    @Test
    void one_that_is_being_called_is_found_by_state_and_by_key() throws Exception {
        Moment called = new Moment();
        Moment answered = new Moment();
        provider.answering((p, request) -> {
            called.reach();
            answered.await();
            return BillingOutcome.billed("ch_early");
        });
        InBackground<BillingRun> run = InBackground.of(() -> biller.bill(1));
        called.await();

        String key = String.valueOf(host.one("select idempotency_key from invoice_lock.billing_attempt"));
        assertThat(ids(AttemptFilter.all().state(AttemptState.STARTED))).containsExactly("1");
        assertThat(ids(AttemptFilter.all().key(key))).containsExactly("1");
        biller.report(key, BillingOutcome.billed("ch_early"));

        answered.reach();
        run.result();
        assertThat(ids(AttemptFilter.all().reference("ch_early"))).containsExactly("1");
    }

    @Test
    void by_the_time_of_the_first_claim_to_the_microsecond() {
        biller.billPending();
        LongStream.rangeClosed(1, 12)
                .forEach(id -> host.sql(
                        "update invoice_lock.billing_attempt set started_at = '2026-03-29 00:00Z'::timestamptz + " + id
                                + " * interval '30 minutes' where invoice_id = '" + id + "'"));

        AttemptFilter period = AttemptFilter.all()
                .from(Instant.parse("2026-03-29T01:00:00Z"))
                .until(Instant.parse("2026-03-29T03:00:00Z"));

        assertThat(ids(period)).containsExactly("5", "4", "3", "2");
        assertThat(ids(period.state(AttemptState.BILLED).invoice(4))).containsExactly("4");
        assertThat(ids(period.from(Instant.parse("2026-03-29T01:00:00.000001Z"))))
                .containsExactly("5", "4", "3");
        assertThat(ids(AttemptFilter.all().until(Instant.parse("2026-03-29T01:00:00Z"))))
                .containsExactly("1");
        assertThat(ids(AttemptFilter.all().from(Instant.parse("2027-01-01T00:00:00Z"))))
                .isEmpty();
    }

    @Test
    void page_by_page_each_once_whatever_comes_meanwhile() {
        biller.billPending(RunLimits.none().invoices(10));
        PageRequest request = PageRequest.first(4);
        Page<BillingAttempt> first = biller.find(AttemptFilter.all(), request);
        biller.billPending();
        Page<BillingAttempt> second = biller.find(AttemptFilter.all(), request.after(String.valueOf(first.next())));
        Page<BillingAttempt> third = biller.find(AttemptFilter.all(), request.after(String.valueOf(second.next())));

        assertThat(Stream.of(first, second, third).map(page -> page.rows().size()))
                .containsExactly(4, 4, 2);
        assertThat(Stream.of(first, second, third).flatMap(page -> page.rows().stream()))
                .extracting(BillingAttempt::id)
                .doesNotHaveDuplicates()
                .isSortedAccordingTo(java.util.Comparator.reverseOrder());
        assertThat(third.next()).isNull();
    }

    @Test
    void a_full_last_page_says_that_nothing_follows() {
        biller.billPending(RunLimits.none().invoices(4));

        assertThat(biller.find(AttemptFilter.all(), PageRequest.first(4)).next())
                .isNull();
    }

    @Test
    void what_is_no_cursor_or_no_size_is_refused_with_the_remedy() {
        assertThatThrownBy(() ->
                        biller.find(AttemptFilter.all(), PageRequest.first(1).after("4711; drop table")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Page.next()");
        assertThatThrownBy(() -> PageRequest.first(0)).hasMessageContaining("from 1 to 1000");
        assertThatThrownBy(() -> PageRequest.first(1_001)).hasMessageContaining("from 1 to 1000");
        assertThatThrownBy(() -> found(AttemptFilter.all().invoice("four"))).isInstanceOf(InvoiceLockException.class);
    }

    @Test
    void another_billers_attempts_are_not_ones_own() {
        host.sql("create table deposits (id bigint primary key, pending boolean not null default true); "
                + "insert into deposits select generate_series(1, 3)");
        LockingInvoiceBiller deposits = host.running(
                host.server(provider).invoices(InvoiceTable.named("deposits")).name("deposits"));
        deposits.billPending();
        biller.bill(1);

        BillingAttempt deposit = deposits.attempts(1).get(0);
        assertThat(ids(AttemptFilter.all())).containsExactly("1");
        assertThat(found(AttemptFilter.all().key(deposit.idempotencyKey()))).isEmpty();
        assertThat(found(AttemptFilter.all().reference(String.valueOf(deposit.reference()))))
                .isEmpty();
    }

    @Tag(Thorough.TAG)
    @Test
    void a_days_charges_are_read_by_the_page_and_hold_nothing() {
        host.sql("insert into invoices (id) select g from generate_series(13, 2600) g");
        biller.billPending();
        host.sql("update invoice_lock.billing_attempt set settled_at = '2026-11-23 23:59:59.999999Z' where id % 7 = 0");
        host.sql("update invoice_lock.billing_attempt set settled_at = '2026-11-24 12:00Z' where id % 7 = 1");
        host.sql("update invoice_lock.billing_attempt set settled_at = '2026-11-25 00:00Z' where id % 7 = 2");

        List<Long> exported = new ArrayList<>();
        biller.billed(Instant.parse("2026-11-24T00:00:00Z"), Instant.parse("2026-11-25T00:00:00Z"))
                .forEach(attempt -> {
                    assertThat(host.dataSource().getHikariPoolMXBean().getActiveConnections())
                            .isZero();
                    exported.add(attempt.id());
                });

        assertThat(exported)
                .hasSize(host.count("invoice_lock.billing_attempt", "id % 7 = 1 and state = 'BILLED'"))
                .isSorted()
                .allMatch(id -> id % 7 == 1);
        assertThat(biller.billed(Instant.EPOCH, Instant.parse("2020-01-01T00:00:00Z")))
                .isEmpty();
        assertThat(biller.billed(Instant.EPOCH, Instant.now().plus(Duration.ofDays(1))))
                .hasSize(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .hasSizeGreaterThan(2_000);
    }

    private List<BillingAttempt> found(AttemptFilter filter) {
        return biller.find(filter, PageRequest.first(100)).rows();
    }

    private List<String> ids(AttemptFilter filter) {
        return found(filter).stream().map(BillingAttempt::invoiceId).toList();
    }

    private void oneOfEach() throws Exception {
        biller.bill(1);
        provider.answering((p, request) -> p.refuse(request));
        biller.bill(2);
        provider.answering(BillingOutcome.unknown("500"));
        biller.bill(3);
        provider.answering(BillingOutcome.accepted("dd_4", Duration.ofDays(1)));
        biller.bill(4);
        provider.answering(BillingOutcome.notBilled("429", Duration.ofHours(1)));
        biller.bill(5);
        withdraw(6);
        host.sql("update invoices set pending = false where id = 6");
        withdraw(7);
    }

    private void withdraw(long id) throws Exception {
        try (Connection connection = host.dataSource().getConnection()) {
            connection.setAutoCommit(false);
            biller.withdraw(connection, id);
            connection.commit();
            connection.setAutoCommit(true);
        }
    }
}
