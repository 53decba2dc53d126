package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
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
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
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
    /** Claimed, to be called: each by a step of its own, or by one that has just settled another. */
    private final Queue<Waiting> waiting = new ConcurrentLinkedQueue<>();

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
        Succession succession = new Succession(new UnderLock(claim, run));
        try {
            callIn(succession, claim);
            conclude(claim(succession.last), succession.last);
        } finally {
            if (succession.next != null) {
                callLater(succession.next);
            }
        }
    }

    private void callIn(Succession succession, Claim first) {
        try {
            database.inTransaction(calling, lockAndCheck(first), succession::in);
        } catch (RuntimeException e) {
            succession.last.failure = e;
        }
    }

    /** As soon as a connection is there for it. */
    void callLater(Claim claim, RunInProgress run) {
        callLater(new Waiting(claim, run));
    }

    private void callLater(Waiting claim) {
        waiting.add(claim);
        // It finds nothing where another step has gone on to the claim.
        steps.execute(() -> {
            Waiting next = waiting.poll();
            if (next != null) {
                conclusions.guarded(next.run(), () -> call(next.claim(), next.run()));
            }
        });
    }

    private static Claim claim(UnderLock call) {
        return java.util.Objects.requireNonNull(call.claim);
    }

    /**
     * Calls on one connection, one after the other, as long as claims wait for one: each is settled, and the next one's row is locked, in
     * the same round trip. Used by one thread at a time: the step's, or the one that makes the calls while the step's waits for it, so
     * that no thread is woken for each call.
     */
    private final class Succession {
        private UnderLock last;
        /** Taken from those that wait, and not begun. */
        private @Nullable Waiting next;

        private Succession(UnderLock first) {
            this.last = first;
        }

        @Nullable
        Void in(DSLContext tx, Found first) {
            Claim claim = last.toBeCalled(tx, first);
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

        /** Settles, and says whom to call next. */
        private @Nullable Claim goOn(DSLContext tx, Answer answer) {
            last.heard(answer);
            Found found = settle(tx, answer);
            return found == null ? null : last.toBeCalled(tx, found);
        }

        /** What the next one's lock found; null if none was begun. */
        private @Nullable Found settle(DSLContext tx, Answer answer) {
            next = goesOn && answer.outcome() instanceof Billed ? toGoOnWith() : null;
            if (next == null) {
                last.settleIn(tx, answer);
                return null;
            }
            Settlements.Followed<Found> followed = settlements.writeAndGoOn(
                    tx, claim(last), answer, (Billed) answer.outcome(), calling, lockAndCheckFirst(next.claim()));
            last.settled = followed.settled();
            Found found = followed.first();
            if (found == null) {
                return null;
            }
            UnderLock before = last;
            last = new UnderLock(next.claim(), next.run());
            next = null;
            conclusions.guarded(before.run, () -> conclude(claim(before), before));
            return found.locked().isPresent()
                    ? found
                    : lockAndCheck(claim(last)).in(tx);
        }

        private @Nullable Waiting toGoOnWith() {
            Waiting claim = waiting.poll();
            if (claim != null
                    && (claim.run().givesBack() || !claim.claim().approach().sends())) {
                callLater(claim);
                return null;
            }
            return claim;
        }
    }

    /** Skipped, not waited for: an error in this trip would be the settlement's before it. */
    private Request<Found> lockAndCheckFirst(Claim claim) {
        return Request.both(
                invoices.lock(claim.invoiceId(), RowWait.SKIP_LOCKED), journal.owns(claim.attempt()), Found::new);
    }

    /** A call in a transaction that holds the invoice's lock, and what came of it. Used by one thread at a time. */
    private final class UnderLock {
        private final RunInProgress run;
        private @Nullable Claim claim;
        private @Nullable Answer heard;
        private long heardAt;
        private boolean slotGiven;
        private @Nullable Settled settled;
        private @Nullable RuntimeException failure;

        private UnderLock(@Nullable Claim claim, RunInProgress run) {
            this.claim = claim;
            this.run = run;
        }

        void in(DSLContext tx, Found found) {
            Claim allowed = toBeCalled(tx, found);
            if (allowed != null) {
                Answer answer = calls.start(allowed).join();
                heard(answer);
                settleIn(tx, answer);
            }
        }

        /** The claim as it may be called; null if there is a reason not to call, which is settled. */
        @Nullable
        Claim toBeCalled(DSLContext tx, Found found) {
            Claim ours = claim(this);
            settings.failPoints().reached(Point.AFTER_LOCK_FOR_CALL, ours.invoiceId());
            // A server that was stalled since its claim finds that another has taken over.
            if (!found.ours()) {
                settled = Settled.CONTENDED;
                return null;
            }
            boolean pending = found.locked().orElse(false);
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
            run.answered(answer.failed());
            heard = answer;
            heardAt = System.nanoTime();
            if (givesSlotsEarly) {
                if (answer.outcome() instanceof Billed) {
                    // No call will follow this one: the next may be claimed while this one is settled.
                    slots.release();
                    slotGiven = true;
                }
                slots.claimAhead(
                        settings.providerRemembers() && answer.callTime().compareTo(SHORT_CALL) < 0);
            }
        }

        void settleIn(DSLContext tx, Answer answer) {
            Claim ours = claim(this);
            settled = settlements.writeUnderCall(tx, ours, answer);
            settings.failPoints().reached(Point.BEFORE_SETTLE_COMMIT, ours.invoiceId());
        }
    }

    private void conclude(Claim claim, UnderLock call) {
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

    private Request<Found> lockAndCheck(Claim claim) {
        return Request.both(invoices.lock(claim.invoiceId(), RowWait.WAIT), journal.owns(claim.attempt()), Found::new);
    }

    /** As {@link #call}, but the claim, its commit and the second transaction's lock go in one round trip. */
    void claimAndCall(String invoiceId, Request<Optional<Claimed>> claiming, RunInProgress run) {
        long start = System.nanoTime();
        UnderLock call = new UnderLock(null, run);
        try {
            Database.withPlansAnew(
                    () -> call.claim == null,
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
                                    call.claim = claim;
                                    call.in(
                                            tx,
                                            found.locked().isPresent()
                                                    ? found
                                                    : lockAndCheck(claim).in(tx));
                                }
                                return call;
                            }));
        } catch (LockNotAvailableException e) {
            if (call.claim == null) {
                notices.claimTook(0, start);
            }
            call.failure = e;
        } catch (RuntimeException e) {
            call.failure = e;
        }
        if (call.claim != null) {
            conclude(call.claim, call);
        } else if (call.failure == null || call.failure instanceof LockNotAvailableException) {
            conclusions.concludeUncalled(Settled.CONTENDED, invoiceId, false, run);
        } else {
            throw call.failure;
        }
    }
}
