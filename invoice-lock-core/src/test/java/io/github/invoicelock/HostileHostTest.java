package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.HostileHost.Deed;
import io.github.invoicelock.HostileHost.Place;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * R20: the host's code is an enemy. Each of its places does each deed, in both scopes; whatever it does, no run hangs, no charge that was
 * heard is lost, nothing is charged twice, the counts add up, and all slots come back.
 */
@Tag(Thorough.SAMPLED)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HostileHostTest {
    private static final int CALLS_AT_ONCE = 3;
    private static final int INVOICES = 16;
    private static final int REFUSED = 9;
    private static final int TAKEN_BACK = 5;
    private static final int SET_BACK = 6;
    private static final int ALWAYS = Integer.MAX_VALUE;

    /** Ample: what is cut off in a cell is cut off within a few seconds. */
    private static final Duration LIMIT = Duration.ofSeconds(12);

    /** So many that hang are enough to look at. */
    private static final int MOST_HUNG = Integer.getInteger("invoicelock.mostHung", 5);

    private static final Set<Place> GATEWAY = EnumSet.of(Place.BILL, Place.BILL_ANSWER, Place.FIND);
    private static final Set<Place> LISTENER = EnumSet.range(Place.CLAIMED, Place.RUN_ENDED);
    private static final Set<Place> ASKED_ONCE = EnumSet.of(Place.IDEMPOTENCY_WINDOW, Place.FIND_LAG);
    private static final Set<Deed> ERRORS =
            EnumSet.range(Deed.THROWS_AN_ASSERTION_ERROR, Deed.THROWS_A_STACK_OVERFLOW_ERROR);
    private static final Set<Deed> BLOCKING = EnumSet.of(Deed.BLOCKS, Deed.BLOCKS_WHOEVER_INTERRUPTS);
    private static final Set<Deed> CALLS_BACK = EnumSet.range(Deed.CALLS_BILL_PENDING, Deed.CALLS_CLOSE);

    private @Nullable TestHost host;

    /**
     * One enemy.
     *
     * @param number chooses strategy, scope and provider, so that they take turns
     * @param place where
     * @param deed what
     * @param most at how many of the first calls
     */
    record Cell(int number, Place place, Deed deed, int most) {
        LockStrategy strategy() {
            return number % 2 == 0 ? LockStrategy.NOWAIT : LockStrategy.SKIP_LOCKED;
        }

        LockScope scope() {
            return number / 2 % 2 == 0 ? LockScope.THROUGH_CALL : LockScope.CLAIM_ONLY;
        }

        boolean providerRemembers() {
            return number % 4 == 0 || number % 4 == 3;
        }

        /** Short where a call is cut off; else nobody waits for it, and it is ample on a machine that is busy otherwise. */
        Duration callTimeout() {
            boolean answers = !BLOCKING.contains(deed) && !CALLS_BACK.contains(deed) && place != Place.EXECUTOR;
            return Duration.ofMillis(deed == Deed.CALLS_CLOSE ? 400 : answers ? 5_000 : 1_000);
        }

        @Override
        public String toString() {
            return place + " " + deed + " " + (most == ALWAYS ? "always" : most + " times") + ", " + strategy() + " "
                    + scope() + (providerRemembers() ? ", keys are remembered" : "");
        }
    }

    /** Some or all of them ({@link Thorough}), or those that the system property {@code invoicelock.cells} names: {@code "HOOK .*"} for example. */
    static Stream<Arguments> cells() {
        List<Cell> cells = new ArrayList<>();
        for (Place place : Place.values()) {
            boolean listener = LISTENER.contains(place);
            for (Deed deed : Deed.values()) {
                if (!possible(place, deed)) {
                    continue;
                }
                if (CALLS_BACK.contains(deed)) {
                    add(cells, place, deed, deed == Deed.CALLS_BILL_PENDING ? CALLS_AT_ONCE : 1);
                } else if (BLOCKING.contains(deed)) {
                    add(cells, place, deed, 1);
                } else {
                    add(cells, place, deed, ALWAYS);
                    if (!listener) {
                        add(cells, place, deed, 1);
                    }
                }
            }
        }
        String named = System.getProperty("invoicelock.cells");
        List<Cell> walked = named != null
                ? cells.stream().filter(cell -> cell.toString().matches(named)).toList()
                : Thorough.orOneIn(24, "HostileHostTest", cells);
        return walked.stream().map(Arguments::of);
    }

    private static void add(List<Cell> cells, Place place, Deed deed, int most) {
        cells.add(new Cell(cells.size() + cells.size() / 3, place, deed, most));
    }

    private static boolean possible(Place place, Deed deed) {
        return switch (deed) {
            case THROWS_A_CHECKED_EXCEPTION -> GATEWAY.contains(place);
            case ANSWERS_NULL, ANSWERS_EXTREMES ->
                GATEWAY.contains(place) || ASKED_ONCE.contains(place) || place == Place.POLICY;
            case SPOILS_THE_TRANSACTION, ROLLS_BACK, COMMITS -> place == Place.HOOK;
            case DROPS_THE_TASK, RUNS_THE_TASK_TWICE, RUNS_THE_TASK_LATE, RUNS_THE_TASK_LATE_AND_THROWS ->
                place == Place.EXECUTOR;
            case CALLS_CLOSE ->
                !ASKED_ONCE.contains(place)
                        && (!LISTENER.contains(place)
                                || EnumSet.of(Place.CLAIMED, Place.SETTLED, Place.ANOMALY, Place.RUN_ENDED)
                                        .contains(place));
            case BLOCKS, CALLS_BILL_PENDING, CALLS_REPORT, THROWS_AN_OUT_OF_MEMORY_ERROR -> !ASKED_ONCE.contains(place);
            // An Error is an Error, and a question a question: not each of them at each method of a listener.
            case BLOCKS_WHOEVER_INTERRUPTS,
                    CALLS_RECOVER,
                    CALLS_STATUS,
                    CALLS_ATTEMPTS,
                    THROWS_A_NO_CLASS_DEF_FOUND_ERROR,
                    THROWS_A_STACK_OVERFLOW_ERROR -> !ASKED_ONCE.contains(place) && !LISTENER.contains(place);
            default -> true;
        };
    }

    @AfterEach
    void let_the_next_one_start_anew_after_a_failure() {
        if (!clean) {
            end();
        }
    }

    private boolean clean = true;
    private int hung;

    @AfterAll
    void end() {
        TestHost old = host;
        host = null;
        if (old != null) {
            old.close();
        }
    }

    @ParameterizedTest
    @MethodSource("cells")
    void whatever_the_hosts_code_does_money_slots_and_counts_are_safe(Cell cell) throws SQLException {
        assumeThat(hung).as("cells that hung so far").isLessThan(MOST_HUNG);
        clean = false;
        Scene scene = new Scene(cell, fresh());
        try {
            scene.play();
        } catch (Bounded.Hung e) {
            hung++;
            throw e;
        } finally {
            scene.end();
        }
        clean = true;
    }

    private TestHost fresh() {
        TestHost now = host;
        if (now == null) {
            now = new TestHost();
            host = now;
        }
        now.sql("truncate invoice_lock.billing_attempt; truncate invoices");
        return now;
    }

    /** One cell, from beginning to end. */
    private static final class Scene {
        private final Cell cell;
        private final TestHost host;
        private final TestProvider.Askable provider;
        private final HostileHost hostile;
        private final List<LockingInvoiceBiller> open = new ArrayList<>();
        private final AtomicInteger underWay = new AtomicInteger();
        private final AtomicInteger mostUnderWay = new AtomicInteger();
        private volatile @Nullable CountDownLatch barrier;

        Scene(Cell cell, TestHost host) {
            this.cell = cell;
            this.host = host;
            this.provider = cell.providerRemembers()
                    ? TestProvider.thatRemembersAndCanBeAsked()
                    : TestProvider.thatCanBeAsked();
            this.hostile = new HostileHost(provider, cell.place(), cell.deed(), cell.most());
        }

        void play() throws SQLException {
            leaveEveryKindOfAttempt();
            LockingInvoiceBiller biller = build();
            if (biller == null) {
                aHealthyServerBillsTheRest();
                return;
            }
            hostile.calls(biller);
            theHostIsHostile(biller);
            if (cell.deed() != Deed.CALLS_CLOSE) {
                allSlotsCameBack(biller);
            }
            aHealthyServerBillsTheRest();
        }

        void end() {
            hostile.end();
            for (LockingInvoiceBiller each : open) {
                InBackground.of(() -> {
                    each.close();
                    return true;
                });
            }
        }

        /** So that each method of the gateway and of a listener is called: due, accepted, taken back, set back, held, refused. */
        private void leaveEveryKindOfAttempt() {
            host.invoices(7);
            provider.answering((p, request) -> switch (request.invoiceId()) {
                case "1" -> {
                    p.charge(request);
                    yield BillingOutcome.unknown("the answer was lost");
                }
                case "2" -> BillingOutcome.unknown("503");
                case "3" -> {
                    p.charge(request);
                    yield BillingOutcome.accepted("dd_3", Duration.ofMillis(1));
                }
                case "4", "5", "7" -> BillingOutcome.notBilled("429");
                default -> p.charge(request);
            });
            healthy().billPending();
            host.sql("update invoices set pending = false where id = " + TAKEN_BACK);
            host.sql("update invoices set pending = true where id = " + SET_BACK);
            host.sql("insert into invoices (id) select g from generate_series(8, " + INVOICES + ") g");
            letTimePass();
            provider.answering((p, request) -> switch (request.invoiceId()) {
                case "" + REFUSED -> p.refuse(request);
                case "10" -> {
                    p.charge(request);
                    yield BillingOutcome.unknown("the answer was lost");
                }
                default -> p.charge(request);
            });
        }

        /** Each answer arrives: what a run tries first, behind the brake, must not fail by chance (R11). */
        private void theProviderIsWell() {
            provider.answering(
                    (p, request) -> request.invoiceId().equals("" + REFUSED) ? p.refuse(request) : p.charge(request));
        }

        private LockingInvoiceBiller healthy() {
            LockingInvoiceBiller server = host.server(provider)
                    .lockStrategy(cell.strategy())
                    .lockScope(cell.scope())
                    .concurrency(CALLS_AT_ONCE)
                    .retryPolicy(attempt ->
                            attempt.state() == AttemptState.DECLINED ? Optional.empty() : Optional.of(Duration.ZERO))
                    .build();
            open.add(server);
            return server;
        }

        /** Null: the gateway's settings were refused, and the host was told so. */
        private @Nullable LockingInvoiceBiller build() {
            LockingInvoiceBiller.Builder builder = hostile.configure(host.server(counting(hostile))
                    .lockStrategy(cell.strategy())
                    .lockScope(cell.scope())
                    .concurrency(CALLS_AT_ONCE)
                    .stopAfterFailures(6)
                    .callTimeout(cell.callTimeout())
                    .leaseMargin(cell.callTimeout()));
            Bounded<LockingInvoiceBiller> built = Bounded.by(LIMIT, "build()", builder::build);
            LockingInvoiceBiller biller = built.result();
            if (biller == null) {
                assertThat(ASKED_ONCE).as("build() threw %s", built.thrown()).contains(cell.place());
                assertThat(built.thrown())
                        .isInstanceOfAny(SetupException.class, IllegalStateException.class, Error.class);
                return null;
            }
            open.add(biller);
            return biller;
        }

        private void theHostIsHostile(LockingInvoiceBiller biller) throws SQLException {
            Connection holder = host.holding(7);
            TestHost.execute(holder, "select 1 from invoices where id = 8 for update");
            run(biller, true);
            holder.rollback();
            holder.close();
            host.sql(
                    "update invoice_lock.billing_attempt set due_at = now() where due_at > now() and state <> 'STARTED'");
            run(biller, false);
            hostile.makePeace();
            theProviderIsWell();
            assertThat(hostile.callsFromLateTasks())
                    .as("a task that runs when its call is over calls nobody")
                    .isZero();
            everyHeardChargeIsInTheJournal();
        }

        /** A run of the hostile host's; what it throws is judged by what the host did. */
        private void run(LockingInvoiceBiller biller, boolean all) {
            Map<String, String> before = everything();
            List<BillingRun> innerBefore = List.copyOf(hostile.inner());
            int deedsBefore = hostile.deeds();
            if (BLOCKING.contains(cell.deed()) && !GATEWAY.contains(cell.place())) {
                // Nothing bounds how long a hook, a listener, a policy or an executor takes: the run goes on when it
                // lets go.
                InBackground.of(() -> {
                    await().atMost(LIMIT).until(() -> hostile.deeds() > 0);
                    hostile.letGo();
                    return true;
                });
            }
            Bounded<BillingRun> run =
                    Bounded.by(LIMIT, "the run of " + cell, all ? biller::billPending : biller::recover);
            if (run.thrown() instanceof IllegalStateException) {
                assertThat(cell.deed()).as("it is closed").isEqualTo(Deed.CALLS_CLOSE);
                return;
            }
            if (run.thrown() instanceof Error) {
                assertThat(throwsErrors())
                        .as("only what the host throws is thrown on: %s", run.thrown())
                        .isTrue();
            } else if (run.thrown() != null) {
                assertThat(run.thrown()).isInstanceOf(BillingRunException.class);
                assertThat(hostile.deeds())
                        .as("an error that nobody made: %s", run.thrown())
                        .isGreaterThan(deedsBefore);
            }
            await().atMost(LIMIT).until(() -> hostile.callsBackUnderWay() == 0);
            if (isNoReasonToStop()) {
                assertThat(run.thrown()).as("it stops no other invoice").isNull();
            }
            countsAddUp(
                    run,
                    before,
                    List.copyOf(hostile.inner()).stream()
                            .skip(innerBefore.size())
                            .toList());
        }

        private boolean throwsErrors() {
            return ERRORS.contains(cell.deed()) || cell.deed() == Deed.RUNS_THE_TASK_LATE_AND_THROWS;
        }

        /** No money depends on a listener, and what hook or policy do to one invoice is that invoice's. */
        private boolean isNoReasonToStop() {
            boolean ofOneInvoice =
                    (cell.place() == Place.HOOK || cell.place() == Place.POLICY) && cell.most() != ALWAYS;
            return LISTENER.contains(cell.place()) || ofOneInvoice;
        }

        private void countsAddUp(Bounded<BillingRun> run, Map<String, String> before, List<BillingRun> inner) {
            BillingRun counts = run.result();
            if (counts == null) {
                counts = run.thrown() instanceof BillingRunException e ? e.run() : null;
            }
            if (counts == null || BLOCKING.contains(cell.deed()) || cell.deed() == Deed.CALLS_REPORT) {
                return; // late answers and reports write beside the run
            }
            Map<String, String> after = everything();
            long changed = after.keySet().stream()
                    .filter(id -> !Objects.equals(before.get(id), after.get(id)))
                    .count();
            int seen = counts.seen() - counts.contended();
            int parts = counts.billed()
                    + counts.accepted()
                    + counts.declined()
                    + counts.notBilled()
                    + counts.inDoubt()
                    + counts.withdrawn()
                    + counts.contended();
            assertThat(counts.seen()).isEqualTo(parts);
            if (counts.stopReason() == StopReason.ERROR) {
                assertThat((long) seen).as("%s: no more than happened", counts).isLessThanOrEqualTo(changed);
            } else if (inner.isEmpty()) {
                assertThat((long) seen).as("%s: what was written", counts).isEqualTo(changed);
            } else {
                int innerSeen = inner.stream()
                        .mapToInt(each -> each.seen() - each.contended())
                        .sum();
                assertThat((long) seen + innerSeen)
                        .as("%s and %s: what was written", counts, inner)
                        .isGreaterThanOrEqualTo(changed);
            }
        }

        /** What the journal says of each invoice; but for the cause, which a run also notes of invoices that it does not take up (R14). */
        private Map<String, String> everything() {
            Map<String, String> rows = new HashMap<>();
            try (Connection connection = host.database().dataSource().getConnection();
                    Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(
                            "select invoice_id, string_agg((to_jsonb(a) - 'cause')::text, ';' order by number) from invoice_lock.billing_attempt a group by 1")) {
                while (row.next()) {
                    rows.put(row.getString(1), row.getString(2));
                }
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
            return rows;
        }

        private void everyHeardChargeIsInTheJournal() {
            await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
                for (String key : hostile.heard()) {
                    assertThat(host.one("select state from invoice_lock.billing_attempt where idempotency_key = '" + key
                                    + "'"))
                            .as("the charge of key %s was heard", key)
                            .isEqualTo("BILLED");
                }
            });
        }

        /** As many calls as before are made at once, and not one more. */
        private void allSlotsCameBack(LockingInvoiceBiller biller) {
            host.sql("insert into invoices (id) select g from generate_series(1001, " + (1000 + 2 * CALLS_AT_ONCE)
                    + ") g");
            CountDownLatch together = new CountDownLatch(CALLS_AT_ONCE);
            mostUnderWay.set(0);
            barrier = together;
            BillingRun run = Bounded.by(LIMIT, "the run after " + cell, biller::billPending)
                    .answer();
            assertThat(together.getCount())
                    .as("slots that did not come back; %s", run)
                    .isZero();
            assertThat(mostUnderWay.get()).as("slots; %s", run).isEqualTo(CALLS_AT_ONCE);
            barrier = null;
            assertThat(host.count("invoices", "id > 1000 and pending"))
                    .as("%s", run)
                    .isZero();
            everyHeardChargeIsInTheJournal();
        }

        private BillingGateway counting(BillingGateway gateway) {
            return new BillingGateway() {
                @Override
                public BillingOutcome bill(BillingRequest request) throws Exception {
                    mostUnderWay.accumulateAndGet(underWay.incrementAndGet(), Math::max);
                    try {
                        CountDownLatch together = barrier;
                        if (together != null && Integer.parseInt(request.invoiceId()) > 1_000) {
                            together.countDown();
                            if (!together.await(cell.callTimeout().toMillis() * 3 / 4, TimeUnit.MILLISECONDS)) {
                                return BillingOutcome.notBilled("alone");
                            }
                        }
                        return gateway.bill(request);
                    } finally {
                        underWay.decrementAndGet();
                    }
                }

                @Override
                public boolean canBeAsked() {
                    return true;
                }

                @Override
                public BillingOutcome find(BillingRequest request) throws Exception {
                    return gateway.find(request);
                }

                @Override
                public Duration idempotencyWindow() {
                    return gateway.idempotencyWindow();
                }

                @Override
                public Duration findLag() {
                    return gateway.findLag();
                }
            };
        }

        /** Of what is in doubt the provider is asked, what was parked a person releases; then all is charged once and marked. */
        private void aHealthyServerBillsTheRest() {
            LockingInvoiceBiller healthy = healthy();
            boolean over = false;
            for (int i = 0; i < 6 && !over; i++) {
                letTimePass();
                Bounded.by(LIMIT, "the healthy server after " + cell, healthy::billPending)
                        .answer();
                List<BillingAttempt> parked = healthy.needsAttention().stream()
                        .filter(attempt -> attempt.state() != AttemptState.DECLINED
                                && attempt.state() != AttemptState.WITHDRAWN
                                && attempt.state() != AttemptState.ACCEPTED)
                        .toList();
                parked.forEach(attempt -> release(healthy, Long.parseLong(attempt.invoiceId())));
                over = parked.isEmpty()
                        && host.count("invoice_lock.billing_attempt", "due_at is not null and state <> 'ACCEPTED'")
                                == 0;
            }
            for (String accepted : ids("state = 'ACCEPTED'")) { // the provider's webhook comes
                String key = healthy.attempts(Long.valueOf(accepted)).get(0).idempotencyKey();
                healthy.report(key, BillingOutcome.billed("ch_" + key));
            }
            assertThat(provider.chargedTwice()).as("charged twice").isEmpty();
            assertThat(host.count("invoice_lock.billing_attempt", "state = 'STARTED'"))
                    .isZero();
            for (String id : list("select string_agg(id::text, ',') from invoices where id not in (" + REFUSED + ", "
                    + TAKEN_BACK + ")")) {
                assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED' and invoice_id = '" + id + "'"))
                        .as("invoice %s is billed: %s", id, healthy.attempts(Long.valueOf(id)))
                        .isEqualTo(1);
                assertThat(host.pending(Long.parseLong(id)))
                        .as("invoice %s is pending", id)
                        .isEqualTo(id.equals("" + SET_BACK));
            }
            for (String id : List.of("" + REFUSED, "" + TAKEN_BACK)) {
                if (provider.chargesOf(id) > 0) {
                    assertThat(ids("state = 'BILLED'")).as("it was charged").contains(id);
                }
            }
        }

        private static void release(LockingInvoiceBiller biller, long invoiceId) {
            try {
                biller.retry(invoiceId);
            } catch (InvoiceLockException e) {
                biller.bill(invoiceId); // charged, and to be marked, say
            }
        }

        /** Everything in the journal happened an hour earlier, and what is due later is due. */
        private void letTimePass() {
            host.sql(
                    "update invoice_lock.billing_attempt set started_at = started_at - interval '1 hour', "
                            + "due_at = case when due_at is not null then least(due_at, now()) - interval '1 s' end, lease_until = lease_until - interval '1 hour'");
        }

        private List<String> ids(String condition) {
            return list("select string_agg(invoice_id, ',') from invoice_lock.billing_attempt where " + condition);
        }

        private List<String> list(String sql) {
            String all = host.one(sql);
            return all == null ? List.of() : List.of(all.split(","));
        }
    }
}
