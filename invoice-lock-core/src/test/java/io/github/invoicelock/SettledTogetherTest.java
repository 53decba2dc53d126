package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * THROUGH_CALL after a hundred calls that took no time: a few invoices share a transaction, which holds all their rows, calls one after
 * the other, and settles them together. Something happens at a call before which two others of its transaction have been answered.
 */
class SettledTogetherTest {
    private static final int INVOICES = 400;
    /** Before, there were not enough quick calls. */
    private static final int FIRST_LOOK = 150;
    /** A look takes longer than a call. */
    private static final int CALLS_BETWEEN_LOOKS = 15;

    private final TestHost host = TestHost.withInvoices(INVOICES);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final Connection eye = host.connection();
    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicReference<@Nullable Thread> happened = new AtomicReference<>();
    private final Map<Thread, List<BillingRequest>> answeredOn = new ConcurrentHashMap<>();
    private volatile BooleanSupplier othersWait = () -> false;

    @AfterEach
    void close() {
        host.close();
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void every_invoice_is_charged_once_and_no_more_than_eight_wait_for_one_commit(LockStrategy strategy) {
        BillingRun run = server(strategy).billPending();

        assertThat(run.billed()).isEqualTo(INVOICES);
        assertThat(mostOfOneTransaction()).isBetween(3, 8);
        chargedOnceAndMarked();
    }

    @Test
    void one_whose_mark_fails_takes_no_other_with_it() {
        host.sql(
                "create function f() returns trigger language plpgsql as $$ begin raise exception 'closed for the night'; end $$");
        AtomicReference<@Nullable String> failing = new AtomicReference<>();
        AtomicReference<List<String>> others = new AtomicReference<>(List.of());
        whenTwoWait((request, before) -> {
            failing.set(before.get(0).invoiceId());
            others.set(before.subList(1, before.size()).stream()
                    .map(BillingRequest::invoiceId)
                    .toList());
            host.sql("create trigger t before update on invoices for each row when (old.id = " + failing.get()
                    + ") execute function f()");
        });

        assertThatThrownBy(() -> server(LockStrategy.NOWAIT).billPending())
                .isInstanceOf(BillingRunException.class)
                .hasMessageContaining("closed for the night");

        assertThat(host.one("select state || ' ' || (due_at is not null) from invoice_lock.billing_attempt "
                        + "where invoice_id = '" + failing.get() + "'"))
                .isEqualTo("BILLED true");
        assertThat(others.get()).isNotEmpty();
        assertThat(host.count("invoices", "pending and id in (" + String.join(", ", others.get()) + ")"))
                .isZero();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'STARTED'"))
                .as("left behind")
                .isZero();

        host.sql(
                "drop trigger t on invoices; update invoice_lock.billing_attempt set due_at = now() where due_at is not null");
        server(LockStrategy.NOWAIT).billPending();
        chargedOnceAndMarked();
    }

    @Test
    void one_that_a_webhook_reports_meanwhile_is_marked_all_the_same() {
        LockingInvoiceBiller webhooks = host.running(host.server(provider));
        AtomicReference<@Nullable String> reported = new AtomicReference<>();
        whenTwoWait((request, before) -> {
            BillingRequest first = before.get(0);
            reported.set(first.invoiceId());
            webhooks.report(first.idempotencyKey(), BillingOutcome.billed("by webhook"));
            // So that others are called next on this connection.
            oneThatWaits(eye, "select id from invoices where id =", "");
        });
        meanwhileOthersWait(() -> reported.get() != null && host.pending(Long.parseLong(reported.get())));

        BillingRun run = server(LockStrategy.NOWAIT).billPending();

        assertThat(run.billed()).isEqualTo(INVOICES);
        chargedOnceAndMarked();
    }

    @Test
    void one_that_the_host_holds_holds_up_no_other() throws Exception {
        Connection holding = host.connection();
        holding.setAutoCommit(false);
        AtomicReference<@Nullable String> held = new AtomicReference<>();
        whenTwoWait((request, before) -> held.set(oneThatWaits(holding, "select id from invoices where id =", "")));

        BillingRun run = server(LockStrategy.SKIP_LOCKED).billPending();

        assertThat(held.get()).isNotNull();
        assertThat(run.billed()).isEqualTo(INVOICES - 1);
        assertThat(provider.chargesOf(String.valueOf(held.get()))).isZero();

        holding.rollback();
        host.letTimePass(Long.parseLong(String.valueOf(held.get())), Duration.ofSeconds(1));
        server(LockStrategy.SKIP_LOCKED).billPending();
        chargedOnceAndMarked();
    }

    @Test
    void one_that_the_host_takes_back_before_its_call_is_not_charged() {
        AtomicReference<@Nullable String> takenBack = new AtomicReference<>();
        Connection takingBack = host.connection();
        whenTwoWait((request, before) -> takenBack.set(
                oneThatWaits(takingBack, "update invoices set pending = false where id =", " returning id")));

        BillingRun run = server(LockStrategy.SKIP_LOCKED).billPending();

        assertThat(takenBack.get()).isNotNull();
        assertThat(provider.chargesOf(String.valueOf(takenBack.get()))).isZero();
        assertThat(run.withdrawn()).isOne();
        assertThat(run.billed()).isEqualTo(INVOICES - 1);
        assertThat(host.count("invoices", "pending")).isZero();
    }

    @Test
    void one_that_is_declined_is_settled_with_those_that_were_charged() {
        AtomicReference<@Nullable String> declined = new AtomicReference<>();
        provider.answering((p, request) -> {
            if (isTimeToLook()
                    && unsettledOfThisThread().size() >= 2
                    && happened.compareAndSet(null, Thread.currentThread())) {
                declined.set(request.invoiceId());
                return BillingOutcome.declined("card_declined", "insufficient funds");
            }
            return answered(p, request);
        });

        BillingRun run = server(LockStrategy.NOWAIT).billPending();

        assertThat(happened).as("settled together").doesNotHaveNullValue();
        assertThat(run.declined()).isOne();
        assertThat(run.billed()).isEqualTo(INVOICES - 1);
        assertThat(host.state(Long.parseLong(String.valueOf(declined.get())))).isEqualTo("DECLINED");
        assertThat(host.count("invoices", "pending")).isOne();
    }

    @Test
    void one_that_is_cut_off_loses_no_answer_before_it() {
        Moment end = new Moment();
        AtomicReference<@Nullable String> cutOff = new AtomicReference<>();
        whenTwoWait((request, before) -> {
            cutOff.set(request.invoiceId());
            end.awaitUninterruptibly();
        });

        BillingRun run = host.running(host.server(provider)
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .concurrency(2)
                        .callTimeout(Duration.ofSeconds(1)))
                .billPending();

        assertThat(run.inDoubt()).isOne();
        assertThat(run.billed()).isEqualTo(INVOICES - 1);
        assertThat(provider.chargesOf(String.valueOf(cutOff.get())))
                .as("not answered yet")
                .isZero();
        end.reach();
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("invoices", "not pending and id = " + cutOff.get()) == 1);
        chargedOnceAndMarked();
    }

    @Test
    void after_one_that_takes_long_those_that_were_answered_are_settled_before_others_are_called() {
        AtomicReference<@Nullable Thread> slow = new AtomicReference<>();
        AtomicInteger unsettled = new AtomicInteger(-1);
        provider.answering((p, request) -> {
            if (slow.get() == Thread.currentThread() && unsettled.get() < 0) {
                unsettled.set(unsettledOfThisThread().size());
            } else if (isTimeToLook()
                    && unsettledOfThisThread().size() == 2
                    && slow.compareAndSet(null, Thread.currentThread())) {
                Thread.sleep(10);
            }
            return answered(p, request);
        });

        server(LockStrategy.SKIP_LOCKED).billPending();

        assertThat(slow).as("settled together").doesNotHaveNullValue();
        assertThat(unsettled).hasValueLessThanOrEqualTo(0);
        chargedOnceAndMarked();
    }

    /** What a crash would leave in doubt then is a person's to find out about. */
    @Test
    void none_waits_for_another_where_the_provider_remembers_nothing() {
        TestProvider forgetful = TestProvider.thatOffersNothing();

        host.running(host.server(forgetful).concurrency(8)).billPending();

        assertThat(forgetful.charges()).isEqualTo(INVOICES);
        assertThat(mostOfOneTransaction()).isOne();
    }

    /** A row says which transaction has written it. */
    private int mostOfOneTransaction() {
        return Integer.parseInt(
                String.valueOf(host.one("select count(*) from invoices group by xmin::text order by 1 desc limit 1")));
    }

    /** Does something to an invoice that is claimed and not locked: it waits for its call. */
    private static String oneThatWaits(Connection host, String statement, String returning) {
        String sql = statement + " (select i.id from invoices i where i.pending and i.id in (select invoice_id::bigint "
                + "from invoice_lock.billing_attempt where state = 'STARTED') limit 1 for update of i skip locked)"
                + returning;
        return await().atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(1))
                .until(() -> one(host, sql), java.util.Objects::nonNull);
    }

    /** Once, at a call before which two others of its transaction were answered. */
    private void whenTwoWait(Script script) {
        provider.answering((p, request) -> {
            if (isTimeToLook()) {
                List<BillingRequest> before = unsettledOfThisThread();
                if (before.size() >= 2 && happened.compareAndSet(null, Thread.currentThread())) {
                    script.meanwhile(request, before);
                }
            }
            return answered(p, request);
        });
    }

    private void meanwhileOthersWait(BooleanSupplier until) {
        othersWait = until;
    }

    private boolean isTimeToLook() {
        int call = calls.incrementAndGet();
        return call >= FIRST_LOOK && call % CALLS_BETWEEN_LOOKS == 0;
    }

    private BillingOutcome answered(TestProvider p, BillingRequest request) {
        Thread script = happened.get();
        if (script != null && script != Thread.currentThread() && othersWait.getAsBoolean()) {
            await().atMost(Duration.ofSeconds(5)).until(() -> !othersWait.getAsBoolean());
        }
        BillingOutcome outcome = p.charge(request);
        answeredOn
                .computeIfAbsent(Thread.currentThread(), thread -> new ArrayList<>())
                .add(request);
        return outcome;
    }

    /** Calls of one transaction are on one thread. */
    private List<BillingRequest> unsettledOfThisThread() {
        List<BillingRequest> answered = answeredOn.getOrDefault(Thread.currentThread(), List.of());
        List<BillingRequest> last = answered.subList(Math.max(0, answered.size() - 20), answered.size());
        if (last.isEmpty()) {
            return List.of();
        }
        String pending = one(
                eye,
                "select string_agg(id::text, ',') from invoices where pending and id in ("
                        + last.stream().map(BillingRequest::invoiceId).collect(Collectors.joining(",")) + ")");
        List<String> ids = pending == null ? List.of() : List.of(pending.split(","));
        return last.stream().filter(each -> ids.contains(each.invoiceId())).toList();
    }

    private static synchronized @Nullable String one(Connection connection, String sql) {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private LockingInvoiceBiller server(LockStrategy strategy) {
        return host.running(host.server(provider).lockStrategy(strategy).concurrency(2));
    }

    private void chargedOnceAndMarked() {
        assertThat(provider.charges()).isEqualTo(INVOICES);
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(host.count("invoices", "pending")).isZero();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED' and due_at is null"))
                .isEqualTo(INVOICES);
    }

    /** What happens while a call is under way. */
    @FunctionalInterface
    private interface Script {
        void meanwhile(BillingRequest request, List<BillingRequest> answeredBefore);
    }
}
