package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.internal.engine.FailPoints;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Servers that claim hundreds by one statement take turns. The one that waits does so by a clock that passes when it sleeps. */
class ServerTurnsTest {
    private static final int SLOTS = 1_000;
    private static final int CLAIMED_AT_ONCE = 500;
    private static final int INVOICES = 1_300;

    private final TestHost host = TestHost.withInvoices(INVOICES);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final PassingTime time = new PassingTime();
    /** When the first server's claims may go on that are held. */
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
    void a_server_waits_while_another_claims_and_bills_what_that_leaves(LockStrategy strategy) {
        Claims claims = new Claims(CLAIMED_AT_ONCE);
        InBackground<BillingRun> first = InBackground.of(first(strategy, claims)::billPending);
        claims.held.await();
        time.whileSleeping(() -> {
            assertThat(owners()).as("who has claimed").isLessThanOrEqualTo(1);
            goOn.reach();
        });

        BillingRun second = second(strategy).billPending();

        assertThat(time.slept()).isPositive();
        assertThat(second.contended() + first.result().contended()).isZero();
        assertThat(second.billed() + first.result().billed()).isEqualTo(INVOICES);
        eachWasChargedOnceAndMarked();
    }

    @ParameterizedTest
    @EnumSource(
            value = LockStrategy.class,
            names = {"NOWAIT", "SKIP_LOCKED"})
    void the_second_of_two_claims_that_overlap_keeps_others_waiting_when_the_first_is_over(LockStrategy strategy) {
        Claims claims = new Claims(2 * CLAIMED_AT_ONCE);
        InBackground<BillingRun> first = InBackground.of(() -> first(strategy, (point, id) -> {
                    if (point == Point.BEFORE_CLAIM_COMMIT && id.equals(String.valueOf(CLAIMED_AT_ONCE))) {
                        claims.held.await();
                    }
                    claims.reached(point, id);
                })
                .billPending(RunLimits.none().invoices(2 * CLAIMED_AT_ONCE)));
        await().until(() -> host.count("invoice_lock.billing_attempt", "state = 'BILLED'") == CLAIMED_AT_ONCE);
        time.whileSleeping(goOn::reach);

        // So that it claims once.
        BillingRun second = second(strategy).billPending(RunLimits.none().invoices(INVOICES - 2 * CLAIMED_AT_ONCE));

        assertThat(time.slept()).isPositive();
        assertThat(first.result().billed()).isEqualTo(2 * CLAIMED_AT_ONCE);
        assertThat(second.billed()).isEqualTo(INVOICES - 2 * CLAIMED_AT_ONCE);
        eachWasChargedOnceAndMarked();
    }

    @Test
    void a_server_claims_as_soon_as_it_finds_that_nobody_else_does() {
        InBackground<BillingRun> first = inTheMiddleOfItsOnlyClaim();
        time.whileSleeping(() -> {
            if (time.slept() == 3) {
                goOn.reach();
                first.result();
            }
        });

        BillingRun second = second(LockStrategy.SKIP_LOCKED).billPending();

        assertThat(time.slept()).isEqualTo(3);
        assertThat(second.billed()).isEqualTo(INVOICES - CLAIMED_AT_ONCE);
        eachWasChargedOnceAndMarked();
    }

    @Test
    void a_server_whose_slots_are_full_keeps_nobody_waiting() {
        Moment full = new Moment();
        AtomicInteger calls = new AtomicInteger();
        provider.answering((p, request) -> {
            int nth = calls.incrementAndGet();
            if (nth <= SLOTS) {
                if (nth == SLOTS) {
                    full.reach();
                }
                goOn.await();
            }
            return p.charge(request);
        });
        InBackground<BillingRun> first =
                InBackground.of(first(LockStrategy.SKIP_LOCKED, (point, id) -> {})::billPending);
        full.await();

        BillingRun second = second(LockStrategy.SKIP_LOCKED).billPending();

        assertThat(second.billed()).isEqualTo(INVOICES - SLOTS);
        assertThat(time.slept()).isZero();
        goOn.reach();
        assertThat(first.result().billed()).isEqualTo(SLOTS);
        eachWasChargedOnceAndMarked();
    }

    @Test
    void a_server_that_is_stopped_in_the_middle_of_a_claim_keeps_others_waiting_for_five_seconds_at_most() {
        InBackground<BillingRun> stopped = inTheMiddleOfItsOnlyClaim();
        AtomicReference<Duration> waited = new AtomicReference<>();
        AtomicInteger questions = new AtomicInteger();
        LockingInvoiceBiller waiting =
                host.running(server(LockStrategy.SKIP_LOCKED).time(time).failPoints((point, invoiceId) -> {
                    if (point == Point.BEFORE_CLAIM_COMMIT && waited.compareAndSet(null, time.passed())) {
                        questions.set(time.slept());
                    }
                }));

        BillingRun second = waiting.billPending();

        assertThat(waited.get()).isBetween(Duration.ofSeconds(5), Duration.ofMillis(5_100));
        assertThat(questions).as("the fewer the longer it waits").hasValueLessThan(140);
        assertThat(second.billed()).isEqualTo(INVOICES - CLAIMED_AT_ONCE);
        goOn.reach();
        assertThat(stopped.result().billed()).isEqualTo(CLAIMED_AT_ONCE);
        eachWasChargedOnceAndMarked();
    }

    @Test
    void a_server_that_waits_for_its_turn_can_be_interrupted() {
        Claims claims = new Claims(CLAIMED_AT_ONCE);
        InBackground<BillingRun> first = InBackground.of(first(LockStrategy.SKIP_LOCKED, claims)::billPending);
        claims.held.await();
        time.whileSleeping(() -> Thread.currentThread().interrupt());

        BillingRun second = second(LockStrategy.SKIP_LOCKED).billPending();

        assertThat(second.stopReason()).isEqualTo(StopReason.INTERRUPTED);
        assertThat(second.billed()).isZero();
        goOn.reach();
        assertThat(first.result().billed()).isEqualTo(INVOICES);
        eachWasChargedOnceAndMarked();
    }

    @Test
    void billers_of_other_names_do_not_wait_for_one_another() {
        host.sql("create table others (id bigint primary key, pending boolean not null default true)");
        host.sql("insert into others (id) select generate_series(1, 10)");
        Claims claims = new Claims(CLAIMED_AT_ONCE);
        InBackground<BillingRun> first = InBackground.of(first(LockStrategy.SKIP_LOCKED, claims)::billPending);
        claims.held.await();

        BillingRun other = host.running(server(LockStrategy.SKIP_LOCKED)
                        .name("others")
                        .invoices(InvoiceTable.named("others"))
                        .time(time))
                .billPending();

        assertThat(other.billed()).isEqualTo(10);
        assertThat(time.slept()).isZero();
        goOn.reach();
        assertThat(first.result().billed()).isEqualTo(INVOICES);
    }

    /** Holds a claim just before its commit: the one that has taken this invoice. */
    private final class Claims implements FailPoints {
        private final String last;
        private final Moment held = new Moment();

        Claims(int last) {
            this.last = String.valueOf(last);
        }

        @Override
        public void reached(Point point, String invoiceId) {
            if (point == Point.BEFORE_CLAIM_COMMIT && invoiceId.equals(last)) {
                held.reach();
                goOn.await();
            }
        }
    }

    /** The run of a server that waits until it may go on. */
    private InBackground<BillingRun> inTheMiddleOfItsOnlyClaim() {
        Claims claims = new Claims(CLAIMED_AT_ONCE);
        InBackground<BillingRun> run = InBackground.of(() -> first(LockStrategy.SKIP_LOCKED, claims)
                .billPending(RunLimits.none().invoices(CLAIMED_AT_ONCE)));
        claims.held.await();
        return run;
    }

    private LockingInvoiceBiller first(LockStrategy strategy, FailPoints claims) {
        return host.running(server(strategy).failPoints(claims));
    }

    private LockingInvoiceBiller second(LockStrategy strategy) {
        return host.running(server(strategy).time(time));
    }

    private LockingInvoiceBiller.Builder server(LockStrategy strategy) {
        return host.serverThatClaimsHundreds(provider, strategy);
    }

    private int owners() {
        return host.count("(select distinct owner from invoice_lock.billing_attempt) as owners", "true");
    }

    private void eachWasChargedOnceAndMarked() {
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(provider.charges()).isEqualTo(INVOICES);
        assertThat(host.count("invoices", "not pending")).isEqualTo(INVOICES);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED' and due_at is null"))
                .isEqualTo(INVOICES);
    }
}
