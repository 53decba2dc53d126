package io.github.invoicelock.internal.run;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.RunKind;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.StopReason;
import io.github.invoicelock.internal.host.Carried;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.limits.Turns;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One run: its bounds, what is in flight, its counts, and why it stops. Thread-safe; every invoice that is admitted ends once. */
public final class RunInProgress {
    private final RunKind kind;
    private final RunLimits limits;
    private final int stopAfterFailures;
    private final Carried carried;
    private final BooleanSupplier closed;
    private final BooleanSupplier threadsUsedUp;
    private final long start = System.nanoTime();

    private int admitted;
    private int inFlight;
    private static final int MOST_REMEMBERED = 10_000;

    private final Turns turns = new Turns();
    private final Set<Long> takenUp = new HashSet<>();
    private final Set<String> kindsThrown = ConcurrentHashMap.newKeySet();
    private int failuresInARow;
    private boolean failing;
    private boolean failingTold;
    private int uncalledInARow;
    private int setAsideInARow;
    private long lookedAt = System.nanoTime();
    private @Nullable StopReason stopReason;
    private @Nullable Throwable failure;
    private boolean wasInterrupted;
    private boolean paused;
    private boolean pauseTold;

    private int billed;
    private int accepted;
    private int declined;
    private int notBilled;
    private int inDoubt;
    private int contended;
    private int recovered;
    private int withdrawn;
    private int parked;

    public RunInProgress(
            RunKind kind,
            RunLimits limits,
            int stopAfterFailures,
            Carried carried,
            BooleanSupplier closed,
            BooleanSupplier threadsUsedUp) {
        this.kind = kind;
        this.limits = limits;
        this.stopAfterFailures = stopAfterFailures;
        this.carried = carried;
        this.closed = closed;
        this.threadsUsedUp = threadsUsedUp;
    }

    /** What its calls have from the thread that began it. */
    public Carried carried() {
        return carried;
    }

    /** What waits for its customer's turn. */
    public Turns turns() {
        return turns;
    }

    /** Whether nothing more may be taken up or sent. */
    public synchronized boolean stopped() {
        if (stopReason == null) {
            stopReason = reasonToStop();
        }
        return stopReason != null;
    }

    /** People have paused the biller: the run sends nothing more. What only asks or marks goes on. */
    public synchronized void pause() {
        paused = true;
    }

    public synchronized boolean paused() {
        return paused;
    }

    /** Whether it met a pause that nobody has told of yet; true once. */
    public synchronized boolean tellsPause() {
        boolean untold = paused && !pauseTold;
        pauseTold = paused;
        return untold;
    }

    /** Whether fresh invoices may be taken up. */
    public synchronized boolean takesFresh() {
        return !paused && !stopped();
    }

    /**
     * Whether what is claimed and not yet called is given back instead: nothing may be sent, or the provider or the journal cannot be relied
     * upon.
     */
    public synchronized boolean givesBack(Claim claim) {
        if (paused && claim.approach().sends()) {
            return true;
        }
        return stopped()
                && (stopReason == StopReason.CLOSED
                        || stopReason == StopReason.PROVIDER_FAILING
                        || stopReason == StopReason.ERROR);
    }

    private @Nullable StopReason reasonToStop() {
        if (closed.getAsBoolean()) {
            return StopReason.CLOSED;
        }
        // R11: better to stop than to turn every pending invoice into one in doubt.
        if (failuresInARow >= stopAfterFailures
                || uncalledInARow >= stopAfterFailures
                || threadsUsedUp.getAsBoolean()) {
            return StopReason.PROVIDER_FAILING;
        }
        Duration time = limits.time();
        if (time != null && Duration.ofNanos(System.nanoTime() - start).compareTo(time) >= 0) {
            return StopReason.TIME_LIMIT;
        }
        return null;
    }

    /**
     * Admits up to so many invoices; waits for those in flight where only they can tell whether the limit is reached.
     *
     * @return how many; zero if the run has stopped
     */
    public synchronized int admit(int wanted) {
        while (!stopped()) {
            int room = Math.min(wanted, limits.invoices() - admitted);
            if (room > 0) {
                admitted += room;
                inFlight += room;
                return room;
            }
            if (inFlight == 0) {
                stopReason = StopReason.INVOICE_LIMIT;
            } else {
                await();
            }
        }
        return 0;
    }

    /** So many of those admitted were not there after all. */
    public synchronized void withdrawAdmission(int unused) {
        admitted -= unused;
        inFlight -= unused;
        notifyAll();
    }

    /** Another had it: it does not count against the limit. */
    public synchronized void contended() {
        contended++;
        withdrawAdmission(1);
    }

    /** Another had so many that a statement had locked. */
    public synchronized void contended(int more) {
        contended += more;
    }

    /**
     * It came to an outcome.
     *
     * @param ownFault what set it aside; where that goes on and on, it is not one invoice's fault, and the run ends with it
     */
    public synchronized void settled(BillingAttempt attempt, boolean takenOver, @Nullable RuntimeException ownFault) {
        count(attempt, takenOver);
        inFlight--;
        if (ownFault == null) {
            setAsideInARow = 0;
        } else if (++setAsideInARow >= stopAfterFailures) {
            fail(ownFault);
        }
        notifyAll();
    }

    /** Whether nothing like it was thrown in this run before. */
    public boolean firstOfItsKind(Throwable thrown) {
        List<StackTraceElement> frames = HostCode.frames(thrown);
        return kindsThrown.add(thrown.getClass().getName() + (frames.isEmpty() ? "" : " at " + frames.get(0)));
    }

    /** Whether it is time to look what has become due meanwhile; never where too much was due to remember it. */
    public synchronized boolean timeToLook(Duration interval) {
        return System.nanoTime() - lookedAt >= interval.toNanos() && takenUp.size() < MOST_REMEMBERED;
    }

    /** A look has ended: the next one comes so much later. */
    public synchronized void looked() {
        lookedAt = System.nanoTime();
    }

    /** Whether a due attempt is taken up for the first time: what stays due, since another holds it, is left to the next run. */
    public synchronized boolean takesUp(DueAttempt due) {
        return takenUp.size() >= MOST_REMEMBERED || takenUp.add(due.id());
    }

    /** It waits for its customer's turn: a later look takes it up again. */
    public synchronized void takesUpLater(DueAttempt due) {
        takenUp.remove(due.id());
    }

    /** It ended with an error, which ends the run. */
    public synchronized void failed(Throwable e, @Nullable BillingAttempt attempt, boolean takenOver) {
        if (attempt != null) {
            count(attempt, takenOver);
        }
        inFlight--;
        fail(e);
        notifyAll();
    }

    /** An error ends the run; the first one is thrown, with the others attached. */
    public synchronized void fail(Throwable e) {
        stopReason = StopReason.ERROR;
        if (failure == null) {
            failure = e;
        } else if (failure != e) {
            failure.addSuppressed(e);
        }
    }

    /** R11: the brake is on for all servers, and the one call that was tried has failed. */
    public synchronized void braked() {
        if (stopReason == null) {
            stopReason = StopReason.PROVIDER_FAILING;
        }
    }

    /** R11: whether so many calls have failed in a row that the other servers are to know; true once. */
    public synchronized boolean tellsFailing() {
        boolean untold = failing && !failingTold;
        failingTold = failing;
        return untold;
    }

    /** R11: what was not called tells nothing of the provider. */
    public synchronized void answered(Answer answer) {
        if (answer.called()) {
            failuresInARow = answer.failed() ? failuresInARow + 1 : 0;
            uncalledInARow = 0;
            failing |= failuresInARow >= stopAfterFailures;
        } else {
            uncalledInARow++;
        }
        // Decided at once: an answer of one that was in flight already does not set the run going again.
        stopped();
    }

    /** The thread that runs it was interrupted. */
    public synchronized void interrupted() {
        wasInterrupted = true;
        if (stopReason == null) {
            stopReason = StopReason.INTERRUPTED;
        }
    }

    public synchronized boolean wasInterrupted() {
        return wasInterrupted;
    }

    /** Waits until nothing is in flight; each is bounded by its lease. */
    public synchronized void awaitInFlight() {
        while (inFlight > 0) {
            await();
        }
    }

    public synchronized @Nullable Throwable failure() {
        return failure;
    }

    public synchronized BillingRun result() {
        return new BillingRun(
                billed,
                accepted,
                declined,
                notBilled,
                inDoubt,
                contended,
                recovered,
                withdrawn,
                parked,
                Duration.ofNanos(System.nanoTime() - start),
                stopReason != null ? stopReason : paused ? StopReason.PAUSED : StopReason.NONE_LEFT,
                kind);
    }

    private void count(BillingAttempt attempt, boolean takenOver) {
        AttemptState state = attempt.state();
        switch (state) {
            case BILLED -> billed++;
            case ACCEPTED -> accepted++;
            case DECLINED -> declined++;
            case NOT_BILLED -> notBilled++;
            case IN_DOUBT -> inDoubt++;
            case WITHDRAWN -> withdrawn++;
            case STARTED -> throw new IllegalStateException("Settled as STARTED: " + attempt);
        }
        if (takenOver) {
            recovered++;
        }
        if (attempt.parked()) {
            parked++;
        }
    }

    /** What is in flight is finished all the same; whoever called the run finds its interruption again. */
    @SuppressWarnings("WaitNotInLoop") // each caller loops
    private void await() {
        try {
            wait();
        } catch (InterruptedException e) {
            interrupted();
        }
    }
}
