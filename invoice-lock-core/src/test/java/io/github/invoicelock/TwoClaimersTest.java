package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.internal.engine.FailPoints.Point;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** With slots for a thousand calls two claim for one run: one locks the next page while the other writes the attempts of its own. */
class TwoClaimersTest {
    private static final int SLOTS = 1_000;
    private static final int CLAIMED_AT_ONCE = 500;
    /** Where a claimer goes that cannot lock its page. */
    private static final String READS_FRESH = "BillingEngine.readFresh";

    private static final String WAITS_FOR_TURN = "Front.take";

    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();
    /** When what is held may go on. */
    private final Moment goOn = new Moment();

    @AfterEach
    void close() {
        goOn.reach();
        host.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void a_page_is_claimed_and_billed_while_the_attempts_of_the_one_before_it_are_written(LockStrategy strategy)
            throws Exception {
        host.invoices(CLAIMED_AT_ONCE + 10);
        Connection other = claiming(7);
        InBackground<BillingRun> run = InBackground.of(server(strategy)::billPending);

        awaitBilled(10);
        assertThat(host.count("invoices", "not pending and id <= " + CLAIMED_AT_ONCE))
                .isZero();

        other.rollback();
        assertThat(run.result().billed()).isEqualTo(CLAIMED_AT_ONCE + 10);
        assertThat(run.result().contended()).isZero();
        eachWasChargedOnceAndMarked(CLAIMED_AT_ONCE + 10);
    }

    /** R10. */
    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void an_invoice_that_gets_an_attempt_after_its_page_was_locked_is_contended_and_the_rest_of_the_page_is_billed(
            LockStrategy strategy) throws Exception {
        host.invoices(CLAIMED_AT_ONCE + 10);
        Connection other = claiming(CLAIMED_AT_ONCE);
        InBackground<BillingRun> run = InBackground.of(server(strategy)::billPending);

        awaitBilled(10);
        other.commit();

        assertThat(run.result().billed()).isEqualTo(CLAIMED_AT_ONCE + 9);
        assertThat(run.result().contended()).isEqualTo(1);
        assertThat(provider.requestsFor(CLAIMED_AT_ONCE)).isEmpty();
        eachWasChargedOnceAndMarked(CLAIMED_AT_ONCE + 9);
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void nothing_is_skipped_or_claimed_twice_where_the_column_of_the_order_is_null_for_many(LockStrategy strategy) {
        host.sql("insert into invoices (id, due_date) select (g * 7919) % 100003, "
                + "case when g <= 1100 then date '2030-01-01' + g % 3 end from generate_series(1, 2300) g");
        host.sql("create index on invoices (due_date, id) where pending");
        CountDownLatch pages = new CountDownLatch(2);
        LockingInvoiceBiller server = host.running(builder(strategy)
                .invoices(InvoiceTable.named("invoices").orderedBy("due_date"))
                .failPoints((point, id) -> {
                    // The first page is committed only when the second one is locked and written, too.
                    if (point == Point.BEFORE_CLAIM_COMMIT && pages.getCount() > 0) {
                        pages.countDown();
                        awaitZero(pages);
                    }
                }));

        BillingRun run = server.billPending();

        assertThat(run.billed()).isEqualTo(2_300);
        assertThat(run.contended()).isZero();
        eachWasChargedOnceAndMarked(2_300);
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void a_limit_on_invoices_is_kept_exactly(LockStrategy strategy) {
        host.invoices(1_300);

        BillingRun run = server(strategy).billPending(RunLimits.none().invoices(700));

        assertThat(run.billed()).isEqualTo(700);
        assertThat(host.count("invoices", "not pending and id <= 700")).isEqualTo(700);
        eachWasChargedOnceAndMarked(700);
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void rows_that_the_host_holds_are_left_and_all_others_are_billed(LockStrategy strategy) throws Exception {
        host.invoices(2_000);
        Connection first = host.holding(1);
        Connection middle = host.holding(CLAIMED_AT_ONCE);
        Connection last = host.holding(1_200);
        LockingInvoiceBiller server = server(strategy);

        BillingRun run = server.billPending();

        assertThat(run.billed()).isEqualTo(1_997);
        // NOWAIT tells how often servers meet; SKIP LOCKED does not see what is held.
        assertThat(run.contended()).isEqualTo(strategy == LockStrategy.NOWAIT ? 3 : 0);
        for (Connection holder : java.util.List.of(first, middle, last)) {
            holder.rollback();
        }
        assertThat(server.billPending().billed()).isEqualTo(3);
        eachWasChargedOnceAndMarked(2_000);
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void an_invoice_that_cannot_be_claimed_ends_the_run_with_its_error_and_those_before_it_are_billed(
            LockStrategy strategy) {
        host.invoices(1_300);
        host.sql("create function refuse() returns trigger language plpgsql as "
                + "$$ begin raise exception 'closed for the night'; end $$");
        host.sql("create trigger refuse before insert on invoice_lock.billing_attempt "
                + "for each row when (new.invoice_id = '7') execute function refuse()");
        LockingInvoiceBiller server = server(strategy);

        assertThatThrownBy(server::billPending)
                .isInstanceOf(BillingRunException.class)
                .hasMessageContaining("closed for the night");
        // Two are claimed at a time, so one of them may be given back.
        assertThat(host.count("invoices", "not pending and id < 7")).isGreaterThanOrEqualTo(5);

        host.sql("drop trigger refuse on invoice_lock.billing_attempt");
        server.billPending();
        eachWasChargedOnceAndMarked(1_300);
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void while_all_slots_are_called_with_nothing_more_is_claimed(LockStrategy strategy) {
        host.invoices(SLOTS + 300);
        CountDownLatch calls = new CountDownLatch(SLOTS);
        provider.answering((p, request) -> {
            calls.countDown();
            goOn.await();
            return p.charge(request);
        });
        InBackground<BillingRun> run = InBackground.of(server(strategy)::billPending);

        awaitZero(calls);
        assertThat(host.count("invoice_lock.billing_attempt", "true")).isEqualTo(SLOTS);

        goOn.reach();
        assertThat(run.result().billed()).isEqualTo(SLOTS + 300);
        eachWasChargedOnceAndMarked(SLOTS + 300);
    }

    @Test
    void runs_that_overlap_do_not_wait_for_the_slots_with_which_each_waits_for_the_other() throws Exception {
        host.invoices(2_000);
        Connection holder = host.holding(1);
        LockingInvoiceBiller server = host.running(host.serverThatClaimsHundreds(
                new DelegatingDataSource(host.dataSource()) {
                    @Override
                    public Connection getConnection() throws SQLException {
                        if (isIn(Thread.currentThread().getStackTrace(), READS_FRESH)) {
                            goOn.await();
                        }
                        return super.getConnection();
                    }
                },
                provider,
                LockStrategy.NOWAIT));
        InBackground<BillingRun> one = InBackground.of(server::billPending);
        InBackground<BillingRun> other = InBackground.of(server::billPending);

        // One claimer of each run goes on invoice by invoice, and needs slots; the other waits with half of all.
        await().atMost(Duration.ofSeconds(30))
                .until(() -> threadsIn(READS_FRESH) == 2 && threadsIn(WAITS_FOR_TURN) == 2);
        goOn.reach();

        assertThat(one.result().billed() + other.result().billed()).isEqualTo(1_999);
        holder.rollback();
        assertThat(server.billPending().billed()).isEqualTo(1);
        // R12: one run may have held rows, to claim them, that the other had charged and was to mark.
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            server.billPending();
            return host.count("invoices", "pending") == 0;
        });
        eachWasChargedOnceAndMarked(2_000);
    }

    private static long threadsIn(String method) {
        return Thread.getAllStackTraces().values().stream()
                .filter(stack -> isIn(stack, method))
                .count();
    }

    private static boolean isIn(StackTraceElement[] stack, String method) {
        return Arrays.stream(stack)
                .anyMatch(frame -> (frame.getClassName() + "." + frame.getMethodName())
                        .equals("io.github.invoicelock.internal.engine." + method));
    }

    private LockingInvoiceBiller server(LockStrategy strategy) {
        return host.running(builder(strategy));
    }

    private LockingInvoiceBiller.Builder builder(LockStrategy strategy) {
        return host.serverThatClaimsHundreds(provider, strategy);
    }

    /** Another that writes an invoice's attempt without its row's lock, and has not committed: who writes that attempt, too, waits. */
    private Connection claiming(long invoiceId) throws Exception {
        Connection other = host.connection();
        other.setAutoCommit(false);
        TestHost.execute(
                other,
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, owner, due_at, lease_until) "
                        + "values ('invoices', '" + invoiceId
                        + "', 1, 'key', 'STARTED', 'another', now() + interval '1 hour', now() + interval '1 hour')");
        return other;
    }

    private void awaitBilled(int count) {
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("invoice_lock.billing_attempt", "state = 'BILLED'") == count);
    }

    private static void awaitZero(CountDownLatch latch) {
        try {
            if (!latch.await(60, java.util.concurrent.TimeUnit.SECONDS)) {
                throw new AssertionError("This moment never came");
            }
        } catch (InterruptedException e) {
            throw new AssertionError("Interrupted while waiting for a moment", e);
        }
    }

    private void eachWasChargedOnceAndMarked(int count) {
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(provider.charges()).isEqualTo(count);
        assertThat(host.count("invoices", "not pending")).isEqualTo(count);
        // R12: on one server no row was held by a claim when it was to be marked.
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED' and due_at is null"))
                .isEqualTo(count);
    }
}
