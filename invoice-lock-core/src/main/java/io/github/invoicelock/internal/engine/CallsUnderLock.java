package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.LockNotAvailableException;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.database.SessionSettings.Work;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Claimed;
import io.github.invoicelock.internal.journal.Journal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/**
 * THROUGH_CALL: a transaction of its own holds an invoice's row while the provider is called, and settles before it commits. One connection
 * and one step's thread for each call at once.
 */
final class CallsUnderLock {
    /** R9: the second lock of an invoice that is ours may meet another's momentary look. */
    private static final Duration LOCK_FOR_CALL = Duration.ofSeconds(1);
    /** How soon an invoice is tried again that the host held when it was to be called. */
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);
    /** What was claimed ahead waits for about so long: far less than the time after which others would take it for left behind. */
    private static final Duration SHORT_CALL = Duration.ofMillis(100);
    /** Calls that are likely to take so long one after the other, and no longer, are settled together: about what a commit takes. */
    private static final Duration TOGETHER = Duration.ofMillis(2);
    /** More would gain little, and leave more to be found out about when this server dies. */
    private static final int MOST_TOGETHER = 8;
    /** Where they take longer after all, what was answered is settled, and the others are called later. */
    private static final Duration LONGEST_TOGETHER = Duration.ofMillis(5);

    private final EngineSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Notices notices;
    private final Settlements settlements;
    private final Calls calls;
    private final Slots slots;
    private final Executor steps;
    private final Conclusions conclusions;
    private final SessionSettings forClaim;
    private final SessionSettings calling;
    private final boolean givesSlotsEarly;
    private final boolean goesOn;
    private final boolean staysOnCallsThread;
    /** Claimed, to be called as soon as a step has a connection, or has settled others on its own. */
    private final Queue<Waiting> waiting = new ConcurrentLinkedQueue<>();
    /** A step was told of them, and has not looked yet. */
    private final AtomicBoolean oneIsWoken = new AtomicBoolean();

    /** A claim that waits for a connection. */
    private record Waiting(Claim claim, RunInProgress run) {}

    CallsUnderLock(
            EngineSettings settings,
            Database database,
            Journal journal,
            Invoices invoices,
            Notices notices,
            Settlements settlements,
            Calls calls,
            Slots slots,
            Executor steps,
            Conclusions conclusions,
            SessionSettings forClaim) {
        this.settings = settings;
        this.database = database;
        this.journal = journal;
        this.invoices = invoices;
        this.notices = notices;
        this.settlements = settlements;
        this.calls = calls;
        this.slots = slots;
        this.steps = steps;
        this.conclusions = conclusions;
        this.forClaim = forClaim;
        // R9: a dead server's lock ends a margin after the longest call, and no limit of the server's own cuts a call
        // short.
        this.calling = new SessionSettings(LOCK_FOR_CALL, settings.leaseToAskAndSend(), Work.CALL);
        // One at a time, and at its moment, means: not claimed before.
        this.givesSlotsEarly = settings.concurrency() > 1 && Double.isInfinite(settings.maxCallsPerSecond());
        // A listener that wants a connection, or its time, must not find the next invoice locked.
        this.goesOn = !database.distributed()
                && database.goesAcross()
                && settlements.nothingIsLeftToDo()
                && settings.listeners().isEmpty();
        // The host's executor runs calls, one a task, and nothing else.
        this.staysOnCallsThread = goesOn && settings.executor() == null;
    }

    /** Whether claims wait for a connection. */
    boolean someWait() {
        return !waiting.isEmpty();
    }

    /** THROUGH_CALL: a second transaction holds the row's lock through the call and settles before it commits. */
    void call(Claim claim, RunInProgress run) {
        if (run.givesBack()) {
            conclusions.giveBack(claim, run);
            return;
        }
        if (!claim.approach().sends()) {
            Answer answer = calls.start(claim).join();
            run.answered(answer.failed());
            conclusions.settleAlone(claim, answer, run);
            return;
        }
        callUnderLock(List.of(new Waiting(claim, run)));
    }

    private void callUnderLock(List<Waiting> first) {
        Succession succession = new Succession(first);
        RuntimeException failure = null;
        try {
            // Of one alone the lock is waited for: there is no other to be held up.
            database.inTransaction(
                    calling,
                    first.size() == 1 ? lockAndCheck(first.get(0).claim(), RowWait.WAIT) : lockAndCheckUnlocked(first),
                    succession::in);
        } catch (RuntimeException e) {
            failure = e;
        } catch (Error e) {
            succession.lose(e);
            return;
        }
        succession.end(failure);
    }

    /** As soon as a connection is there for it. */
    void callLater(Claim claim, RunInProgress run) {
        callLater(new Waiting(claim, run));
    }

    private void callLater(Waiting claim) {
        waiting.add(claim);
        wakeOne();
    }

    /** One at a time, which wakes the next: where calls are short, few steps, and thus few connections, go on to all that wait. */
    private void wakeOne() {
        if (oneIsWoken.compareAndSet(false, true)) {
            steps.execute(this::callThoseThatWait);
        }
    }

    private void callThoseThatWait() {
        // Before it looks: whoever comes later wakes another.
        oneIsWoken.set(false);
        List<Waiting> next = takeWaiting();
        if (!waiting.isEmpty()) {
            wakeOne();
        }
        // Nothing where other steps have gone on to all of them.
        if (!next.isEmpty()) {
            callUnderLock(next);
        }
    }

    private void callAlone(Waiting claim) {
        steps.execute(() -> conclusions.guarded(claim.run(), () -> call(claim.claim(), claim.run())));
    }

    /** As many as are likely to be answered within a moment, and may be called. */
    private List<Waiting> takeWaiting() {
        List<Waiting> taken = new ArrayList<>();
        int most = 1;
        for (Waiting claim = waiting.poll(); claim != null; claim = taken.size() < most ? waiting.poll() : null) {
            if (claim.run().givesBack() || !claim.claim().approach().sends()) {
                callAlone(claim);
            } else {
                taken.add(claim);
                most = together(claim.run());
            }
        }
        return taken;
    }

    /** One alone where a crash would leave the others to a person, or to be asked about. */
    private int together(RunInProgress run) {
        return goesOn && givesSlotsEarly && settings.providerRemembers()
                ? Math.max(1, Math.min(MOST_TOGETHER, run.callsWithin(TOGETHER)))
                : 1;
    }

    /**
     * Calls on one connection, one after the other, as long as claims wait for one: what was heard is settled, and the rows of the next
     * ones are locked, in the same round trip. Where calls take next to no time, a few invoices share a transaction, so that not each of
     * them waits for a commit. Used by one thread at a time: the step's, or the one that makes the calls while the step's waits for it, so
     * that no thread is woken for each call.
     */
    private final class Succession {
        /** Whose rows this transaction locks, in the order of their calls. */
        private List<UnderLock> together;
        /** By the clock of the settings. */
        private long lockedAt;
        /** How many of them have been heard, or are not to be called. */
        private int done;
        /** Taken from those that wait, and not begun. */
        private List<Waiting> next = List.of();

        private Succession(List<Waiting> first) {
            this.together = first.stream().map(UnderLock::new).toList();
        }

        @Nullable
        Void in(DSLContext tx, Map<String, Found> first) {
            begin(first, together.size() == 1);
            Claim claim = toBeCalled(tx);
            while (claim != null) {
                Answer answer = staysOnCallsThread
                        ? callInSeries(tx, claim)
                        : calls.start(claim).join();
                claim = answer == null ? null : goOn(tx, answer);
            }
            return null;
        }

        /** The call's thread settles and calls the next one itself, until a call is cut off: then this thread goes on with its answer. */
        private @Nullable Answer callInSeries(DSLContext tx, Claim claim) {
            try {
                return calls.startSeries(claim, answer -> goOn(tx, answer)).join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof RuntimeException failure) {
                    throw failure;
                }
                throw (Error) e.getCause();
            }
        }

        private @Nullable Claim toBeCalled(DSLContext tx) {
            for (; done < together.size(); done++) {
                Claim claim = together.get(done).toBeCalled(tx);
                if (claim != null) {
                    return claim;
                }
            }
            return null;
        }

        /** Hears an answer, settles if it is time to, and says whom to call next. */
        private @Nullable Claim goOn(DSLContext tx, Answer answer) {
            together.get(done++).heard(answer);
            if (settings.time().nanos() - lockedAt < LONGEST_TOGETHER.toNanos()) {
                Claim claim = toBeCalled(tx);
                if (claim != null) {
                    return claim;
                }
            }
            return settle(tx) ? toBeCalled(tx) : null;
        }

        /** False if the next transaction was not begun. */
        private boolean settle(DSLContext tx) {
            List<UnderLock> heard =
                    together.stream().filter(each -> each.heard != null).toList();
            if (goesOn && heard.stream().allMatch(UnderLock::charged)) {
                next = takeWaiting();
            }
            if (next.isEmpty()) {
                settled(heard, settlements.writeUnderCall(tx, claims(heard), answers(heard)));
                heard.forEach(
                        each -> settings.failPoints().reached(Point.BEFORE_SETTLE_COMMIT, each.claim.invoiceId()));
                return false;
            }
            Settlements.Followed<Map<String, Found>> followed =
                    settlements.writeAndGoOn(tx, claims(heard), answers(heard), calling, lockAndCheckUnlocked(next));
            settled(heard, followed.settled());
            if (followed.first() == null) {
                return false;
            }
            leave(null);
            together = next.stream().map(UnderLock::new).toList();
            next = List.of();
            done = 0;
            begin(followed.first(), false);
            return true;
        }

        private static void settled(List<UnderLock> heard, List<Settled> settled) {
            for (int i = 0; i < settled.size(); i++) {
                heard.get(i).settled = settled.get(i);
            }
        }

        private static List<Claim> claims(List<UnderLock> heard) {
            return heard.stream().map(each -> each.claim).toList();
        }

        private static List<Answer> answers(List<UnderLock> heard) {
            return heard.stream().map(UnderLock::answer).toList();
        }

        /** Those that the host has, and that were not waited for, are: each in a transaction that holds no other. */
        private void begin(Map<String, Found> found, boolean waited) {
            lockedAt = settings.time().nanos();
            List<UnderLock> locked = new ArrayList<>();
            for (UnderLock each : together) {
                Found row = java.util.Objects.requireNonNull(found.get(each.claim.invoiceId()));
                if (waited || row.locked().isPresent()) {
                    each.found = row;
                    locked.add(each);
                } else {
                    callAlone(each.waiting());
                }
            }
            together = locked;
        }

        /** After the transaction: concludes those that were done or in hand, and leaves the others to another. */
        void leave(@Nullable RuntimeException failure) {
            int inHand = failure == null ? done : done + 1;
            for (int i = 0; i < together.size(); i++) {
                UnderLock each = together.get(i);
                if (i < inHand) {
                    each.failure = failure;
                    conclusions.guarded(each.run, () -> conclude(each));
                } else {
                    callLater(each.waiting());
                }
            }
            // Each leaves once, whatever is thrown before the next ones are in hand.
            together = List.of();
        }

        void end(@Nullable RuntimeException failure) {
            leave(failure);
            next.forEach(CallsUnderLock.this::callLater);
        }

        /** They stay STARTED in the journal, to be found out about under the same key. */
        void lose(Error e) {
            for (UnderLock each : together) {
                if (each.slotGiven) {
                    slots.takeBack();
                }
                conclusions.lose(e, each.run);
            }
            next.forEach(CallsUnderLock.this::callLater);
        }
    }

    private Request<Map<String, Found>> lockAndCheck(Claim claim, RowWait wait) {
        return Request.both(
                invoices.lock(claim.invoiceId(), wait),
                journal.owns(claim.attempt()),
                (locked, ours) -> Map.of(claim.invoiceId(), new Found(locked, ours)));
    }

    /** Skipped where another has them, not waited for: an error in this trip would be the settlement's before it. */
    private Request<Map<String, Found>> lockAndCheckUnlocked(List<Waiting> claims) {
        if (claims.size() == 1) {
            return lockAndCheck(claims.get(0).claim(), RowWait.SKIP_LOCKED);
        }
        List<BillingAttempt> attempts =
                claims.stream().map(each -> each.claim().attempt()).toList();
        return Request.both(
                invoices.lockUnlocked(
                        attempts.stream().map(BillingAttempt::invoiceId).toList()),
                journal.ownedOf(attempts),
                (pending, ours) -> attempts.stream()
                        .collect(Collectors.toMap(
                                BillingAttempt::invoiceId,
                                attempt -> new Found(
                                        Optional.ofNullable(pending.get(attempt.invoiceId())),
                                        ours.contains(attempt.id())))));
    }

    /** A call in a transaction that holds the invoice's lock, and what came of it. Used by one thread at a time. */
    private final class UnderLock {
        private final RunInProgress run;
        private Claim claim;
        private @Nullable Found found;
        private @Nullable Answer heard;
        private long heardAt;
        private boolean slotGiven;
        private @Nullable Settled settled;
        private @Nullable RuntimeException failure;

        private UnderLock(Waiting claim) {
            this.claim = claim.claim();
            this.run = claim.run();
        }

        /** The claim as it may be called; null if there is a reason not to call, which is settled. */
        @Nullable
        Claim toBeCalled(DSLContext tx) {
            Claim ours = claim;
            Found row = java.util.Objects.requireNonNull(found);
            settings.failPoints().reached(Point.AFTER_LOCK_FOR_CALL, ours.invoiceId());
            // A server that was stalled since its claim finds that another has taken over.
            if (!row.ours()) {
                settled = Settled.CONTENDED;
                return null;
            }
            boolean pending = row.locked().orElse(false);
            if (!pending && ours.before() == AttemptState.NOT_BILLED) {
                settled = settlements.withdraw(tx, ours);
                return null;
            }
            if (run.givesBack()) {
                settled = settlements
                        .release(tx, ours, Duration.ZERO, Conclusions.GIVEN_BACK)
                        .map(Settled::as)
                        .orElse(Settled.CONTENDED);
                return null;
            }
            Claim allowed = pending ? ours : ours.askOnly();
            claim = allowed;
            return allowed;
        }

        void heard(Answer answer) {
            run.answered(answer.failed(), answer.callTime());
            heard = answer;
            heardAt = System.nanoTime();
            if (givesSlotsEarly) {
                if (charged()) {
                    // No call will follow this one: the next may be claimed while this one is settled.
                    slots.release();
                    slotGiven = true;
                }
                slots.claimAhead(
                        settings.providerRemembers() && answer.callTime().compareTo(SHORT_CALL) < 0);
            }
        }

        Answer answer() {
            return java.util.Objects.requireNonNull(heard);
        }

        boolean charged() {
            return answer().outcome() instanceof Billed;
        }

        Waiting waiting() {
            return new Waiting(claim, run);
        }
    }

    private void conclude(UnderLock call) {
        Claim claim = call.claim;
        if (call.slotGiven) {
            slots.takeBack();
        }
        Answer heard = call.heard;
        if (call.failure instanceof LockNotAvailableException) {
            if (heard == null) {
                settlements.release(claim, TRY_AGAIN, "The host held the invoice when it was to be called.");
                conclusions.concludeUncalled(Settled.CONTENDED, claim.invoiceId(), false, call.run);
            } else {
                conclusions.settleAlone(claim, heard, call.run);
            }
            return;
        }
        if (call.failure != null) {
            conclusions.afterError(claim, heard, call.failure, call.run);
            return;
        }
        Settled settled = java.util.Objects.requireNonNull(call.settled);
        if (heard == null) {
            notices.leftOrGivenUp(settled);
        } else {
            notices.settleTook(1, call.heardAt);
        }
        settings.failPoints().reached(Point.AFTER_SETTLE_COMMIT, claim.invoiceId());
        conclusions.conclude(claim, heard, settled, call.run);
    }

    /**
     * What the second lock finds.
     *
     * @param locked whether the invoice is pending; empty if there is no such row, or it was skipped
     * @param ours whether the attempt is
     */
    private record Found(Optional<Boolean> locked, boolean ours) {}

    /** As {@link #call}, but the claim, its commit and the second transaction's lock go in one round trip. */
    void claimAndCall(String invoiceId, Request<Optional<Claimed>> claiming, RunInProgress run) {
        long start = System.nanoTime();
        AtomicReference<@Nullable Succession> begun = new AtomicReference<>();
        RuntimeException failure = null;
        try {
            Database.withPlansAnew(
                    () -> begun.get() == null,
                    () -> database.inTwoTransactions(
                            forClaim,
                            claiming,
                            calling,
                            Request.both(
                                    // Skipped, not waited for: an error in this trip means that nothing was claimed.
                                    invoices.lock(invoiceId, RowWait.SKIP_LOCKED),
                                    journal.ownsFirst(invoiceId),
                                    Found::new),
                            (tx, claimed, found) -> {
                                notices.claimTook(claimed.isPresent() ? 1 : 0, start);
                                if (claimed.isPresent()) {
                                    notices.claimed(claimed.get().attempt());
                                    Claim claim = Claim.fresh(claimed.get(), settings.lease(), start);
                                    Succession succession = new Succession(List.of(new Waiting(claim, run)));
                                    begun.set(succession);
                                    succession.in(
                                            tx,
                                            found.locked().isPresent()
                                                    ? Map.of(invoiceId, found)
                                                    : lockAndCheck(claim, RowWait.WAIT)
                                                            .in(tx));
                                }
                                return claimed;
                            }));
        } catch (LockNotAvailableException e) {
            if (begun.get() == null) {
                notices.claimTook(0, start);
            }
            failure = e;
        } catch (RuntimeException e) {
            failure = e;
        } catch (Error e) {
            if (begun.get() == null) {
                throw e;
            }
            begun.get().lose(e);
            return;
        }
        Succession succession = begun.get();
        if (succession != null) {
            succession.end(failure);
        } else if (failure == null || failure instanceof LockNotAvailableException) {
            conclusions.concludeUncalled(Settled.CONTENDED, invoiceId, false, run);
        } else {
            throw failure;
        }
    }
}
