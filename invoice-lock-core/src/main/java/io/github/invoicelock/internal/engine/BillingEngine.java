package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.BillingRunException;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.LockNotAvailableException;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.database.SessionSettings.Work;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import io.github.invoicelock.internal.invoices.Candidate;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Claimed;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.Journal;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The way of an invoice, top to bottom: due attempts first, then fresh ones; claim, call, settle. All decisions where to go next are
 * here; the steps are its collaborators. Thread-safe; runs may overlap and share the slots.
 */
public final class BillingEngine {
    /** Ids only; an answer to "how many rows in one read" that costs little memory and few round trips. */
    private static final int PAGE = 400;
    /** More at once gains nothing and puts more in doubt when this server dies. */
    private static final int MOST_CLAIMED_AT_ONCE = 500;

    /** How long a claim of many waits for more slots to become free; little beside a call over a network. */
    private static final Duration A_MOMENT = Duration.ofMillis(2);

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
    private final Settlements settlements;
    private final TakeOvers takeOvers;
    private final Calls calls;
    private final CallsUnderLock callsUnderLock;
    private final Conclusions conclusions;
    private final Delivery delivery;
    private final ClaimOne claimOne;
    private final ClaimPage claimPage;
    private final boolean claimsPages;
    private final boolean twoClaim;
    private final ServerTurns serverTurns;
    private final boolean claimsForCall;
    private final boolean claimsSeveral;
    private final Settler<Heard> settler;
    private final ExecutorService steps;
    private final ExecutorService settlerThreads;
    private final Slots slots;
    /** R11: how many calls may be cut off and not have returned before runs stop. */
    private final int mostAbandoned;

    private final Pace pace;
    private final SessionSettings claiming;
    private final SessionSettings inserting;
    private final @Nullable Duration grace;
    private final RowWait rowWait;

    private volatile boolean closed;
    private int activeRuns;

    /** What holds an invoice while the provider is called: chosen once, by the scope. */
    @FunctionalInterface
    private interface Delivery {
        void deliver(Claim claim, RunInProgress run);
    }

    /** How one invoice is claimed: chosen once, by what the database can do. */
    @FunctionalInterface
    private interface ClaimOne {
        Optional<Claimed> claim(String invoiceId, RowWait wait);
    }

    /** How one statement claims many: chosen once, by how many that are. */
    @FunctionalInterface
    private interface ClaimPage {
        /** Empty if the run has stopped. */
        Optional<ClaimedPage> claim(Page page, RunInProgress run) throws InterruptedException;
    }

    /**
     * Invoices that were fresh when they were read, without locks.
     *
     * @param invoiceIds in the configured order
     * @param next where the next ones begin; null where nothing is left
     */
    private record FreshIds(
            List<String> invoiceIds, @Nullable Position next) {}

    /**
     * A page that is to be claimed.
     *
     * @param from where it begins
     * @param room how many at most
     * @param turn the right to claim it
     * @param locked the invoices whose rows were locked, once they are known
     */
    private record Page(Position from, int room, Front.Turn turn, List<String> locked) {}

    /**
     * What one claim of many took.
     *
     * @param claimed in the configured order
     * @param locked how many rows had been locked; more than claimed where another had claimed and committed since the statement began
     *     (R10)
     * @param start when it began, by {@link System#nanoTime()}
     */
    private record ClaimedPage(List<Claimed> claimed, int locked, long start) {}

    /** An answer that is to be settled. */
    private record Heard(Claim claim, Answer answer, RunInProgress run) {}

    /**
     * An engine that is ready to run.
     *
     * @param settings what the host set
     * @param database the door
     * @param journal its statements
     * @param invoices its statements
     */
    public BillingEngine(EngineSettings settings, Database database, Journal journal, Invoices invoices) {
        this.settings = settings;
        this.journal = journal;
        this.invoices = invoices;
        boolean throughCall = settings.scope() == LockScope.THROUGH_CALL;
        this.database = throughCall ? database : database.atMost(CONNECTIONS_FOR_CLAIMS);
        Database settling = throughCall ? database : database.atMost(CONNECTIONS_FOR_SETTLEMENTS);
        this.notices = new Notices(settings.name(), settings.listeners());
        this.settlements = new Settlements(settings, settling, journal, invoices, notices);
        this.takeOvers = new TakeOvers(settings, this.database, journal, invoices);
        this.mostAbandoned = Math.max(settings.concurrency(), settings.stopAfterFailures());
        String threads = "invoice-lock-" + settings.name();
        this.steps = Threads.forSteps(
                threads + "-step",
                throughCall ? settings.concurrency() : Math.min(settings.concurrency(), CONNECTIONS_FOR_CLAIMS));
        this.settlerThreads = Threads.forSteps(threads + "-settler", CONNECTIONS_FOR_SETTLEMENTS);
        this.pace = new Pace(settings.maxCallsPerSecond(), settings.time());
        this.calls = new Calls(
                settings,
                settings.executor() != null
                        ? settings.executor()
                        // with room for calls that were cut off and do not return
                        : Threads.forCalls(threads + "-call", settings.concurrency() + mostAbandoned),
                pace,
                (claim, outcome) -> {
                    try {
                        settlements.writeLate(claim, outcome);
                    } catch (RuntimeException e) {
                        notices.lateAnswerLost(claim.invoiceId(), e);
                    }
                });
        this.twoClaim = !throughCall && settings.concurrency() >= CONNECTIONS_FOR_CLAIMS * MOST_CLAIMED_AT_ONCE;
        this.claimsSeveral = settings.strategy() == LockStrategy.NOWAIT && !database.distributed();
        this.claimsPages = settings.strategy() == LockStrategy.SKIP_LOCKED || (claimsSeveral && twoClaim);
        this.serverTurns = new ServerTurns(this.database, settings.time(), journal.locksOfClaims());
        this.claimPage = twoClaim ? this::claimPageInTurn : this::claimPage;
        this.claimOne = database.distributed() ? this::lockThenInsert : this::lockAndInsert;
        // A fail point lies between two statements, which are sent one by one then; what a listener does with a claimed
        // invoice must not meet the call's lock; and on Citus no statement is on both tables.
        this.claimsForCall = throughCall
                && !database.distributed()
                && settings.failPoints() == FailPoints.OFF
                && !settings.claimsAreTold();
        this.settler = new Settler<>(CONNECTIONS_FOR_SETTLEMENTS, settlerThreads, this::settle);
        this.slots = new Slots(settings.concurrency());
        this.conclusions = new Conclusions(settlements, notices, pace, slots, this::startAgain);
        Duration idle = settings.leaseToAskAndSend();
        this.claiming = settings.strategy() == LockStrategy.WAIT
                ? new SessionSettings(settings.waitTimeout(), idle, Work.ONE_ROW)
                : SessionSettings.momentary(idle, Work.ONE_ROW);
        // For a few rows planning would cost more than running.
        this.inserting = SessionSettings.momentary(idle, throughCall ? Work.ONE_ROW : Work.MANY_ROWS);
        this.callsUnderLock = new CallsUnderLock(
                settings,
                database,
                journal,
                invoices,
                notices,
                settlements,
                calls,
                slots,
                steps,
                conclusions,
                claiming);
        this.delivery = throughCall ? callsUnderLock::call : this::callWithoutLock;
        this.rowWait = switch (settings.strategy()) {
            case NOWAIT -> RowWait.NOWAIT;
            case SKIP_LOCKED -> RowWait.SKIP_LOCKED;
            case WAIT -> RowWait.WAIT;
        };
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
            billFresh(run);
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
        return run(RunLimits.none(), run -> billOne(invoiceId, run));
    }

    // ---- a run

    private BillingRun run(RunLimits limits, Consumer<RunInProgress> way) {
        begin();
        RunInProgress run = new RunInProgress(
                limits, settings.stopAfterFailures(), () -> closed, () -> calls.abandoned() >= mostAbandoned);
        calls.watch();
        // How long calls took in the run before says little about this one.
        slots.claimAhead(false);
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

    // ---- due attempts

    private void continueDue(RunInProgress run) {
        OffsetDateTime cutOff = database.inTransaction(journal::clock);
        DueAttempt last = null;
        while (!run.stopped()) {
            DueAttempt after = last;
            List<DueAttempt> page = database.inTransaction(tx -> journal.duePage(tx, cutOff, after, grace, PAGE));
            for (DueAttempt due : page) {
                int callsAtLeast = due.onlyToBeMarked() ? 0 : 1;
                if (!step(run, callsAtLeast, () -> continueAttempt(due, run))) {
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
            delivery.deliver(taken.claim(), run);
        } else if (result instanceof TakeOvers.Result.Done done) {
            notices.leftOrGivenUp(done.settled());
            conclusions.concludeUncalled(done.settled(), due.invoiceId(), true, run);
        }
    }

    private void startAgain(DueAttempt due, RunInProgress run) {
        steps.execute(() -> conclusions.guarded(run, () -> continueAttempt(due, run)));
    }

    // ---- fresh invoices

    private void billFresh(RunInProgress run) {
        if (claimsPages) {
            claimMany(run);
            if (!run.stopped()) {
                run.awaitInFlight();
                tellPendingAlthough();
            }
        } else {
            Position from = Position.START;
            while (from != null && !run.stopped()) {
                FreshIds fresh = readFresh(from, this::tellPendingAgain);
                from = claimAll(fresh.invoiceIds(), run) ? fresh.next() : null;
            }
        }
    }

    /** Two claim where there are slots for both: one locks the next page while the other writes the attempts of its own. */
    private void claimMany(RunInProgress run) {
        Front front = new Front();
        Thread second = null;
        if (twoClaim) {
            second = Threads.start("invoice-lock-" + settings.name() + "-claimer", () -> {
                try {
                    claimMany(front, run);
                } catch (RuntimeException | Error e) {
                    run.fail(e);
                }
            });
        }
        try {
            claimMany(front, run);
        } catch (RuntimeException | Error e) {
            // At once, so that the second one stops, too.
            run.fail(e);
        } finally {
            if (second != null) {
                run.await(second);
            }
        }
    }

    private void tellPendingAlthough() {
        List<String> pending = database.inTransaction(
                tx -> invoices.pendingAlthough(tx, journal.over(invoices.idText()), MOST_ANOMALIES_TOLD));
        if (!pending.isEmpty()) {
            tellPendingAgain(database.atOnce(journal.newest(pending)));
        }
    }

    private FreshIds readFresh(Position from, Consumer<Map<String, BillingAttempt>> newestAreTold) {
        List<Candidate> page = database.atOnce(invoices.page(from, PAGE));
        Map<String, BillingAttempt> newest = page.isEmpty()
                ? Map.of()
                : database.atOnce(
                        journal.newest(page.stream().map(Candidate::invoiceId).toList()));
        newestAreTold.accept(newest);
        List<String> fresh = page.stream()
                .map(Candidate::invoiceId)
                .filter(invoiceId -> !newest.containsKey(invoiceId))
                .toList();
        return new FreshIds(
                fresh,
                page.size() < PAGE
                        ? invoices.nextPhase(from)
                        : page.get(page.size() - 1).position());
    }

    /** False if the run has stopped. */
    private boolean claimAll(List<String> invoiceIds, RunInProgress run) {
        if (!claimsSeveral) {
            return invoiceIds.stream().allMatch(invoiceId -> step(run, 1, () -> claimOne(invoiceId, run)));
        }
        for (int next = 0; next < invoiceIds.size(); ) {
            int room = takeSlots(run, invoiceIds.size() - next);
            if (room == 0) {
                return false;
            }
            List<String> some = invoiceIds.subList(next, next + room);
            if (room == 1 || !claimTogether(some, run)) {
                some.forEach(invoiceId ->
                        steps.execute(() -> conclusions.guarded(run, () -> claimOne(invoiceId, run))));
            }
            next += room;
        }
        return true;
    }

    /**
     * Claims several in one statement and one commit, all or none.
     *
     * @return false if another has one of them, or one cannot be claimed: which one shows when each is claimed by itself
     */
    private boolean claimTogether(List<String> invoiceIds, RunInProgress run) {
        long start = System.nanoTime();
        ClaimedPage page;
        try {
            Request<Map<String, Claimed>> claim = journal.insertFirsts(
                    "some " + rowWait, () -> invoices.freshAndLockedAmong(rowWait), invoices.bound(invoiceIds));
            page = Database.withPlansAnew(() -> settings.failPoints() == FailPoints.OFF
                    ? page(invoiceIds, database.atOnce(claiming, claim), start)
                    : database.inTransaction(
                            claiming, claim, (tx, claimed) -> beforeCommit(page(invoiceIds, claimed, start))));
        } catch (RuntimeException e) {
            if (isOfOneInvoice(e) || isLock(e)) {
                return false;
            }
            giveSlotsBack(invoiceIds.size(), run);
            throw e;
        }
        notices.claimTook(page.claimed().size(), start);
        deliver(page, run);
        Set<String> claimed =
                page.claimed().stream().map(c -> c.attempt().invoiceId()).collect(Collectors.toSet());
        invoiceIds.stream()
                .filter(invoiceId -> !claimed.contains(invoiceId))
                .forEach(invoiceId -> conclusions.concludeUncalled(Settled.CONTENDED, invoiceId, false, run));
        return true;
    }

    /** A value, a constraint or a trigger of the host's: the statement failed, and nothing was claimed. */
    private static boolean isOfOneInvoice(RuntimeException e) {
        return e instanceof DatabaseException error
                && error.sqlState() != null
                && OF_ONE_INVOICE.contains(error.sqlState().substring(0, 2));
    }

    private static boolean isLock(RuntimeException e) {
        return e instanceof DatabaseException error && Database.LOCK_NOT_AVAILABLE.equals(error.sqlState());
    }

    private ClaimedPage beforeCommit(ClaimedPage claimed) {
        claimed.claimed()
                .forEach(c -> reached(Point.BEFORE_CLAIM_COMMIT, c.attempt().invoiceId()));
        return claimed;
    }

    private void claimOne(String invoiceId, RunInProgress run) {
        if (claimsForCall) {
            callsUnderLock.claimAndCall(invoiceId, insertFirst(invoiceId, rowWait), run);
            return;
        }
        long start = System.nanoTime();
        Optional<Claimed> claimed;
        try {
            claimed = claimOne.claim(invoiceId, rowWait);
        } catch (LockNotAvailableException e) {
            claimed = Optional.empty();
        }
        notices.claimTook(claimed.isPresent() ? 1 : 0, start);
        if (claimed.isEmpty()) {
            conclusions.concludeUncalled(Settled.CONTENDED, invoiceId, false, run);
            return;
        }
        reached(Point.AFTER_CLAIM_COMMIT, invoiceId);
        notices.claimed(claimed.get().attempt());
        delivery.deliver(Claim.fresh(claimed.get(), settings.lease(), start), run);
    }

    /** Locked first, then checked by the same statement: billed while we waited is not pending any more. */
    private Optional<Claimed> lockAndInsert(String invoiceId, RowWait wait) {
        return Database.withPlansAnew(() ->
                database.inTransaction(claiming, insertFirst(invoiceId, wait), (tx, inserted) -> {
                    reached(Point.BEFORE_CLAIM_COMMIT, invoiceId);
                    return inserted;
                }));
    }

    private Request<Optional<Claimed>> insertFirst(String invoiceId, RowWait wait) {
        return journal.insertFirst(wait.name(), () -> invoices.freshAndLocked(wait), invoices.bound(invoiceId));
    }

    /** The same where no statement may be on both tables. */
    private Optional<Claimed> lockThenInsert(String invoiceId, RowWait wait) {
        return database.inTransaction(claiming, invoices.lockFresh(invoiceId, wait), (tx, snapshot) -> {
            Optional<Claimed> inserted =
                    snapshot.flatMap(row -> journal.insertFirst(invoiceId, row).in(tx));
            reached(Point.BEFORE_CLAIM_COMMIT, invoiceId);
            return inserted;
        });
    }

    private void claimMany(Front front, RunInProgress run) {
        while (!run.stopped()) {
            int room = takeSlots(run, MOST_CLAIMED_AT_ONCE);
            if (room == 0) {
                return;
            }
            Front.Turn turn = front.take();
            try {
                Position from = turn.from();
                if (from == null) {
                    giveBackUnused(room, run);
                    return;
                }
                claimMany(new Page(from, room, turn, new ArrayList<>()), run);
            } finally {
                turn.giveUp();
            }
        }
    }

    private void claimMany(Page page, RunInProgress run) {
        Optional<ClaimedPage> claimed;
        try {
            claimed = claimPage.claim(page, run);
        } catch (InterruptedException e) {
            run.interrupted();
            claimed = Optional.empty();
        } catch (RuntimeException e) {
            if (!(e instanceof LockNotAvailableException || isOfOneInvoice(e))) {
                giveSlotsBack(page.room(), run);
                throw e;
            }
            giveBackUnused(page.room(), run);
            claimEach(page, run);
            return;
        }
        if (claimed.isEmpty()) {
            giveBackUnused(page.room(), run);
            return;
        }
        ClaimedPage took = claimed.get();
        notices.claimTook(took.claimed().size(), took.start());
        giveBackUnused(page.room() - took.claimed().size(), run);
        run.contended(took.locked() - took.claimed().size());
        deliver(took, run);
    }

    /** One of a page is another's, or cannot be claimed; which one shows when each is claimed by itself. */
    private void claimEach(Page page, RunInProgress run) {
        if (!page.locked().isEmpty()) {
            claimAll(page.locked(), run);
            return;
        }
        // Those that are pending again are told at the end of the run.
        FreshIds fresh = readFresh(page.from(), newest -> {});
        // Before a slot is waited for: the next claimer, who waits for the turn, may hold those that are free.
        page.turn().end(fresh.next());
        claimAll(fresh.invoiceIds(), run);
    }

    private Optional<ClaimedPage> claimPage(Page page, RunInProgress run) {
        long start = System.nanoTime();
        return Optional.of(Database.withPlansAnew(
                () -> database.inTransaction(lockPage(page), (tx, locked) -> claimed(page, locked, start, tx))));
    }

    private Optional<ClaimedPage> claimPageInTurn(Page page, RunInProgress run) throws InterruptedException {
        return serverTurns.claim(run::stopped, tx -> {
            // The lease is reckoned from here, not from when the turn was waited for.
            long start = System.nanoTime();
            return claimed(page, lockPage(page).in(tx), start, tx);
        });
    }

    private Request<List<Candidate>> lockPage(Page page) {
        return invoices.lockPage(page.from(), page.room(), journal.withoutAttempt(invoices.idText()), rowWait);
    }

    private ClaimedPage claimed(Page page, List<Candidate> locked, long start, DSLContext tx) {
        // What another try had locked was given back with it.
        page.locked().clear();
        locked.forEach(each -> page.locked().add(each.invoiceId()));
        page.turn()
                .end(
                        locked.isEmpty()
                                ? invoices.nextPhase(page.from())
                                : locked.get(locked.size() - 1).position());
        return beforeCommit(insertFirst(tx, page.locked(), start));
    }

    private void deliver(ClaimedPage page, RunInProgress run) {
        for (Claimed claimed : page.claimed()) {
            reached(Point.AFTER_CLAIM_COMMIT, claimed.attempt().invoiceId());
            notices.claimed(claimed.attempt());
            Claim claim = Claim.fresh(claimed, settings.lease(), page.start());
            if (settings.scope() == LockScope.THROUGH_CALL) {
                callsUnderLock.callLater(claim, run);
            } else {
                delivery.deliver(claim, run);
            }
        }
    }

    private ClaimedPage insertFirst(DSLContext tx, List<String> invoiceIds, long start) {
        if (invoiceIds.isEmpty()) {
            return new ClaimedPage(List.of(), 0, start);
        }
        Request<Map<String, Claimed>> insert =
                journal.insertFirsts("many", invoices::locked, invoices.bound(invoiceIds));
        return page(
                invoiceIds,
                settings.failPoints() == FailPoints.OFF
                        ? database.askAndCommit(tx, inserting, insert)
                        : database.ask(tx, inserting, insert),
                start);
    }

    private static ClaimedPage page(List<String> invoiceIds, Map<String, Claimed> claimed, long start) {
        List<Claimed> inOrder = new ArrayList<>(claimed.size());
        for (String invoiceId : invoiceIds) {
            // Taken out: a view may show an invoice twice.
            Claimed each = claimed.remove(invoiceId);
            if (each != null) {
                inOrder.add(each);
            }
        }
        return new ClaimedPage(inOrder, invoiceIds.size(), start);
    }

    private void giveBackUnused(int unused, RunInProgress run) {
        pace.giveBack(unused);
        giveSlotsBack(unused, run);
    }

    // ---- one invoice

    private void billOne(String invoiceId, RunInProgress run) {
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
                step(run, 1, () -> claimOne(invoiceId, run));
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

    // ---- call and settle

    /** CLAIM_ONLY: no transaction is open and no connection is used while the provider is called. */
    @SuppressWarnings("FutureReturnValueIgnored") // what goes wrong after the answer ends the run
    private void callWithoutLock(Claim claim, RunInProgress run) {
        if (run.givesBack()) {
            conclusions.giveBack(claim, run);
            return;
        }
        calls.start(claim)
                .thenAccept(answer -> conclusions.guarded(run, () -> {
                    run.answered(answer.failed());
                    settler.offer(new Heard(claim, answer, run));
                }));
    }

    private void settle(List<Heard> batch) {
        if (batch.size() > 1 && !database.distributed()) {
            try {
                List<Settled> settled = settlements.writeAll(
                        batch.stream().map(Heard::claim).toList(),
                        batch.stream().map(Heard::answer).toList());
                for (int i = 0; i < batch.size(); i++) {
                    Heard heard = batch.get(i);
                    conclusions.conclude(heard.claim(), heard.answer(), settled.get(i), heard.run());
                }
                return;
            } catch (RuntimeException e) {
                // One of them cannot be settled; which one shows when each is settled alone, and only that one's error
                // counts.
            }
        }
        batch.forEach(heard -> conclusions.guarded(
                heard.run(), () -> conclusions.settleAlone(heard.claim(), heard.answer(), heard.run())));
    }

    // ---- slots and steps

    /** Admits one invoice, waits for a slot and for its call's moment, and starts its first step. */
    private boolean step(RunInProgress run, int callsAtLeast, Runnable way) {
        if (run.admit(1) == 0) {
            return false;
        }
        try {
            slots.acquire();
        } catch (InterruptedException e) {
            run.interrupted();
            run.withdrawAdmission(1);
            return false;
        }
        if (run.stopped() || paced(callsAtLeast, run) < callsAtLeast) {
            giveSlotsBack(1, run);
            return false;
        }
        steps.execute(() -> conclusions.guarded(run, way));
        return true;
    }

    /** As many slots as are free or about to be, at least one, as the run's limit admits and as may be called together. */
    private int takeSlots(RunInProgress run, int wanted) {
        int most = Math.min(wanted, Math.min(MOST_CLAIMED_AT_ONCE, pace.mostAtOnce()));
        int free = 1;
        try {
            slots.acquire();
            // Where calls are short, a statement for each slot that becomes free would cost more than all calls.
            int more = Math.min(slots.all(), most) / 2 - 1;
            boolean several = false;
            do {
                several = more > 0 && slots.tryAcquire(more, A_MOMENT.toNanos(), TimeUnit.NANOSECONDS);
                // What is claimed and waits keeps the connections busy: until then there is time.
            } while (more > 0 && !several && callsUnderLock.someWait());
            if (several) {
                free += more;
            }
        } catch (InterruptedException e) {
            slots.release(free);
            run.interrupted();
            return 0;
        }
        while (free < most && slots.tryAcquire()) {
            free++;
        }
        int admitted = run.admit(free);
        slots.release(free - admitted);
        int paced = paced(admitted, run);
        giveSlotsBack(admitted - paced, run);
        return paced;
    }

    /** Waits for the moment of that many calls, before anything is claimed. */
    private int paced(int wanted, RunInProgress run) {
        try {
            return wanted == 0 ? 0 : pace.take(wanted, run::stopped);
        } catch (InterruptedException e) {
            run.interrupted();
            return 0;
        }
    }

    private void giveSlotsBack(int unused, RunInProgress run) {
        slots.release(unused);
        run.withdrawAdmission(unused);
    }

    // ---- R14

    private void tellPendingAgain(Map<String, BillingAttempt> newest) {
        List<String> over = newest.values().stream()
                .filter(attempt -> attempt.dueAt() == null
                        && (attempt.state() == AttemptState.BILLED || attempt.state() == AttemptState.WITHDRAWN))
                .map(BillingAttempt::invoiceId)
                .toList();
        if (!over.isEmpty()) {
            // The page of pending invoices was read before the journal was: what is pending now was set back.
            database.inTransaction(tx -> invoices.pendingOf(tx, over))
                    .forEach(id -> tellAnomaly(java.util.Objects.requireNonNull(newest.get(id))));
        }
    }

    private void tellAnomaly(BillingAttempt attempt) {
        notices.anomaly(
                attempt.invoiceId(),
                attempt.state() == AttemptState.BILLED
                        ? "The invoice is pending although it was charged; it is not charged again. See attempts()."
                        : "The invoice is pending although it was taken back; it is not billed until retry() releases it.");
    }

    private void reached(Point point, String invoiceId) {
        settings.failPoints().reached(point, invoiceId);
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
