package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.BillingRunException;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Candidate;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.Journal;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The way of an invoice, top to bottom: due attempts first, then fresh ones; claim, call, settle. All decisions where to go next are
 * here; the steps are its collaborators. Thread-safe; runs may overlap and share the slots.
 */
public final class BillingEngine {
    /** Ids only; an answer to "how many rows in one read" that costs little memory and few round trips. */
    private static final int PAGE = 400;

    private static final int SETTLED_TOGETHER = 500;
    private static final int MOST_ANOMALIES_TOLD = 100;

    /** How long a claim without a sign of life is left alone: the moment between claim and call takes milliseconds. */
    private static final Duration GRACE = Duration.ofSeconds(3);

    /** Classes of SQLSTATE: data, constraints, what a trigger raises. */
    private static final Set<String> OF_ONE_INVOICE = Set.of("22", "23", "P0");

    /** In CLAIM_ONLY scope two connections claim and two settle, so that slow claims do not delay what was charged. */
    private static final int CONNECTIONS_FOR_CLAIMS = 2;

    private static final int CONNECTIONS_FOR_SETTLEMENTS = 2;

    private final EngineSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Notices notices;
    private final Claims claims;
    private final TakeOvers takeOvers;
    private final Settlements settlements;
    private final Calls calls;
    private final Conclusions conclusions;
    private final Slots slots;
    private final ExecutorService steps;
    private final ExecutorService settlerThreads;
    /** What holds an invoice while the provider is called: chosen once, by the scope. */
    private final BiConsumer<Claim, RunInProgress> call;
    /** The same, without waiting for the answer. */
    private final BiConsumer<Claim, RunInProgress> start;
    /** How fresh invoices are claimed: chosen once, by the strategy. */
    private final Consumer<RunInProgress> billFresh;
    /** R11: how many calls may be cut off and not have returned before runs stop. */
    private final int mostAbandoned;

    private final @Nullable Duration grace;

    private volatile boolean closed;
    private int activeRuns;

    /**
     * An engine that is ready to run.
     *
     * @param settings what the host set
     * @param door the door
     * @param journal its statements
     * @param invoices its statements
     */
    public BillingEngine(EngineSettings settings, Database door, Journal journal, Invoices invoices) {
        boolean throughCall = settings.scope() == LockScope.THROUGH_CALL;
        String threads = "invoice-lock-" + settings.name();
        Pace pace = new Pace(settings.maxCallsPerSecond(), settings.time());
        this.settings = settings;
        this.database = throughCall ? door : door.atMost(CONNECTIONS_FOR_CLAIMS);
        this.journal = journal;
        this.invoices = invoices;
        this.notices = new Notices(settings.name(), settings.listeners());
        this.claims = new Claims(settings, database, journal, invoices, notices);
        this.takeOvers = new TakeOvers(settings, database, journal, invoices);
        this.settlements = new Settlements(
                settings, throughCall ? door : door.atMost(CONNECTIONS_FOR_SETTLEMENTS), journal, invoices, notices);
        this.mostAbandoned = Math.max(settings.concurrency(), settings.stopAfterFailures());
        this.calls = new Calls(
                settings,
                settings.executor() != null
                        ? settings.executor()
                        // with room for calls that were cut off and do not return
                        : Threads.forCalls(threads + "-call", settings.concurrency() + mostAbandoned),
                pace,
                this::writeLate);
        this.slots = new Slots(settings.concurrency(), pace);
        this.conclusions = new Conclusions(settlements, notices, pace, slots, this::startAgain);
        this.steps = Threads.forSteps(
                threads + "-step",
                throughCall ? settings.concurrency() : Math.min(settings.concurrency(), CONNECTIONS_FOR_CLAIMS));
        this.settlerThreads = Threads.forSteps(threads + "-settler", CONNECTIONS_FOR_SETTLEMENTS);
        this.call = throughCall
                ? new CallUnderLock(settings, door, journal, invoices, notices, settlements, calls, conclusions)::call
                : new CallWithoutLock(
                        settlements,
                        calls,
                        conclusions,
                        CONNECTIONS_FOR_SETTLEMENTS,
                        door.distributed() ? 1 : SETTLED_TOGETHER,
                        settlerThreads)::call;
        this.start = throughCall
                ? (claim, run) -> steps(run, () -> call.accept(claim, run))
                : (claim, run) -> conclusions.guarded(run, () -> call.accept(claim, run));
        this.billFresh = settings.strategy() == LockStrategy.SKIP_LOCKED ? this::billPages : this::billOneByOne;
        this.grace = throughCall && settings.providerRemembers() ? GRACE : null;
    }

    /**
     * Due attempts first, then fresh invoices, until none is left.
     *
     * @param limits bounds of the run
     * @return the counts
     */
    public BillingRun billPending(RunLimits limits) {
        return run(limits, run -> {
            continueDue(run);
            billFresh.accept(run);
        });
    }

    /**
     * Only what is due.
     *
     * @return the counts
     */
    public BillingRun recover() {
        return run(RunLimits.none(), this::continueDue);
    }

    /**
     * One invoice now.
     *
     * @param invoiceId as text
     * @return the counts
     */
    public BillingRun bill(String invoiceId) {
        return run(RunLimits.none(), run -> billOrContinue(invoiceId, run));
    }

    // ---- fresh invoices: claim, call, settle

    /** NOWAIT, WAIT: pages of ids that are read without locks; then each by itself. */
    private void billOneByOne(RunInProgress run) {
        Position from = Position.START;
        while (from != null && !run.stopped()) {
            FreshIds fresh = readFresh(from);
            if (!billEach(fresh.invoiceIds(), run)) {
                return;
            }
            from = fresh.next();
        }
    }

    private boolean billEach(List<String> invoiceIds, RunInProgress run) {
        return invoiceIds.stream().allMatch(invoiceId -> step(run, 1, () -> billOne(invoiceId, run)));
    }

    private void billOne(String invoiceId, RunInProgress run) {
        Optional<Claim> claim = claims.claim(invoiceId);
        if (claim.isPresent()) {
            call.accept(claim.get(), run);
        } else {
            conclusions.concludeUncalled(Settled.CONTENDED, invoiceId, false, run);
        }
    }

    /** SKIP_LOCKED: as many as there are free slots by one statement. */
    private void billPages(RunInProgress run) {
        Position from = Position.START;
        while (from != null && !run.stopped()) {
            int room = slots.takeMany(run);
            if (room == 0) {
                return;
            }
            Claims.Page page;
            try {
                page = claims.claimPage(from, room);
            } catch (RuntimeException e) {
                slots.giveBackUnused(room, run);
                if (!isOfOneInvoice(e)) {
                    throw e;
                }
                // One of them cannot be claimed; which one shows when each is claimed by itself.
                FreshIds fresh = readFresh(from);
                billEach(fresh.invoiceIds(), run);
                from = fresh.next();
                continue;
            }
            slots.giveBackUnused(room - page.claims().size(), run);
            run.contended(page.locked() - page.claims().size());
            page.claims().forEach(claim -> start.accept(claim, run));
            from = page.next();
        }
        if (!run.stopped()) {
            run.awaitInFlight();
            tellPendingAlthough();
        }
    }

    /** A value, a constraint or a trigger of the host's: the statement failed, and nothing was claimed. */
    private static boolean isOfOneInvoice(RuntimeException e) {
        return e instanceof DatabaseException error
                && error.sqlState() != null
                && OF_ONE_INVOICE.contains(error.sqlState().substring(0, 2));
    }

    /**
     * Invoices that were fresh when they were read, without locks.
     *
     * @param invoiceIds in the configured order
     * @param next where the next ones begin; null where nothing is left
     */
    private record FreshIds(
            List<String> invoiceIds, @Nullable Position next) {}

    private FreshIds readFresh(Position from) {
        List<Candidate> page = database.atOnce(invoices.page(from, PAGE));
        List<String> invoiceIds = page.stream().map(Candidate::invoiceId).toList();
        Map<String, BillingAttempt> newest = page.isEmpty() ? Map.of() : database.atOnce(journal.newest(invoiceIds));
        tellPendingAgain(newest);
        return new FreshIds(
                invoiceIds.stream()
                        .filter(invoiceId -> !newest.containsKey(invoiceId))
                        .toList(),
                page.size() < PAGE
                        ? invoices.nextPhase(from)
                        : page.get(page.size() - 1).position());
    }

    // ---- due attempts: take over, call or ask, settle

    private void continueDue(RunInProgress run) {
        OffsetDateTime cutOff = database.inTransaction(journal::clock);
        DueAttempt last = null;
        while (!run.stopped()) {
            DueAttempt after = last;
            List<DueAttempt> page = database.inTransaction(tx -> journal.duePage(tx, cutOff, after, grace, PAGE));
            for (DueAttempt due : page) {
                if (!step(run, due.onlyToBeMarked() ? 0 : 1, () -> continueAttempt(due, run))) {
                    return;
                }
            }
            if (page.size() < PAGE) {
                return;
            }
            last = page.get(page.size() - 1);
        }
    }

    private void continueAttempt(DueAttempt due, RunInProgress run) {
        if (due.onlyToBeMarked()) {
            Settled marked = settlements.markLater(due);
            notices.leftOrGivenUp(marked);
            conclusions.conclude(marked, due.invoiceId(), true, run);
            return;
        }
        TakeOvers.Result result = takeOvers.take(due);
        if (result instanceof TakeOvers.Result.Taken taken) {
            notices.takenOver(taken.claim().attempt());
            call.accept(taken.claim(), run);
        } else if (result instanceof TakeOvers.Result.Done done) {
            notices.leftOrGivenUp(done.settled());
            conclusions.concludeUncalled(done.settled(), due.invoiceId(), true, run);
        }
    }

    private void startAgain(DueAttempt due, RunInProgress run) {
        steps(run, () -> continueAttempt(due, run));
    }

    // ---- one invoice

    private void billOrContinue(String invoiceId, RunInProgress run) {
        BillingAttempt newest =
                database.atOnce(journal.newest(List.of(invoiceId))).get(invoiceId);
        if (newest == null) {
            boolean pending = database.inTransaction(tx -> {
                if (!invoices.exists(tx, invoiceId)) {
                    throw new InvoiceLockException(
                            "There is no invoice " + invoiceId + " in " + invoices.qualifiedName() + ". Check the id.");
                }
                return invoices.fresh(tx, invoiceId);
            });
            if (pending) {
                step(run, 1, () -> billOne(invoiceId, run));
            }
        } else if (newest.dueAt() != null) {
            boolean unmarked = newest.state() == AttemptState.DECLINED
                    && database.inTransaction(tx -> journal.unmarked(tx, newest));
            DueAttempt due = DueAttempt.of(newest, newest.dueAt(), unmarked);
            boolean calledRightNow = newest.state() == AttemptState.STARTED
                    && database.inTransaction(journal::clock).toInstant().isBefore(newest.dueAt());
            step(run, calledRightNow || due.onlyToBeMarked() ? 0 : 1, () -> {
                if (calledRightNow) {
                    conclusions.conclude(Settled.CONTENDED, invoiceId, false, run);
                } else {
                    continueAttempt(due, run);
                }
            });
        } else {
            tellPendingAgain(Map.of(invoiceId, newest));
        }
    }

    // ---- R14

    private void tellPendingAlthough() {
        List<String> pending = database.inTransaction(
                tx -> invoices.pendingAlthough(tx, journal.over(invoices.idText()), MOST_ANOMALIES_TOLD));
        if (!pending.isEmpty()) {
            tellPendingAgain(database.atOnce(journal.newest(pending)));
        }
    }

    private void tellPendingAgain(Map<String, BillingAttempt> newest) {
        List<String> over = newest.values().stream()
                .filter(attempt -> attempt.dueAt() == null
                        && (attempt.state() == AttemptState.BILLED || attempt.state() == AttemptState.WITHDRAWN))
                .map(BillingAttempt::invoiceId)
                .toList();
        if (!over.isEmpty()) {
            // The page of pending invoices was read before the journal was: what is pending now was set back.
            database.inTransaction(tx -> invoices.pendingOf(tx, over))
                    .forEach(id -> tellAnomaly(Objects.requireNonNull(newest.get(id))));
        }
    }

    private void tellAnomaly(BillingAttempt attempt) {
        notices.anomaly(
                attempt.invoiceId(),
                attempt.state() == AttemptState.BILLED
                        ? "The invoice is pending although it was charged; it is not charged again. See attempts()."
                        : "The invoice is pending although it was taken back; it is not billed until retry() releases it.");
    }

    // ---- a run

    /** Admits one invoice, waits for a slot and for its call's moment, and starts its first step. */
    private boolean step(RunInProgress run, int calls, Runnable way) {
        boolean taken = slots.take(run, calls);
        if (taken) {
            steps(run, way);
        }
        return taken;
    }

    private void steps(RunInProgress run, Runnable way) {
        steps.execute(() -> conclusions.guarded(run, way));
    }

    private BillingRun run(RunLimits limits, Consumer<RunInProgress> way) {
        begin();
        RunInProgress run = new RunInProgress(
                limits, settings.stopAfterFailures(), () -> closed, () -> calls.abandoned() >= mostAbandoned);
        calls.watch();
        try {
            way.accept(run);
        } catch (RuntimeException | Error e) {
            run.fail(e);
        } finally {
            run.awaitInFlight();
            calls.unwatch();
            end();
            if (run.wasInterrupted()) {
                Thread.currentThread().interrupt();
            }
        }
        BillingRun result = run.result();
        notices.ended(result);
        Throwable failure = run.failure();
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof SetupException setup) {
            throw setup;
        }
        if (failure != null) {
            throw new BillingRunException(sentence(failure) + " The run ended with: " + result, result, failure);
        }
        return result;
    }

    /** What PostgreSQL or the host's code says has no full stop, or may say nothing at all. */
    private static String sentence(Throwable failure) {
        String text = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        return text.endsWith(".") ? text : text + ".";
    }

    private void writeLate(Claim claim, BillingOutcome outcome) {
        try {
            settlements.writeLate(claim, outcome);
        } catch (RuntimeException e) {
            notices.lateAnswerLost(claim.invoiceId(), e);
        }
    }

    private synchronized void begin() {
        if (closed) {
            throw new IllegalStateException("The biller \"" + settings.name()
                    + "\" is closed. Build a new one, or stop the scheduler before closing it.");
        }
        activeRuns++;
    }

    private synchronized void end() {
        activeRuns--;
        notifyAll();
    }

    /** Stops claiming, waits for calls in flight, gives back what is not called. Idempotent. */
    public void close() {
        closed = true;
        try {
            awaitRuns(settings.leaseToAskAndSend().multipliedBy(2));
            calls.awaitAbandoned(settings.leaseMargin());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        steps.shutdown();
        settlerThreads.shutdown();
    }

    private synchronized void awaitRuns(Duration atMost) throws InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        for (long left = atMost.toMillis();
                left > 0 && activeRuns > 0;
                left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())) {
            wait(left);
        }
    }
}
