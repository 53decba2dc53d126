package io.github.invoicelock.internal.run;

import io.github.invoicelock.internal.limits.Pace;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** As many as there may be calls at once, over all runs. An admitted invoice has one from before its claim until it is settled. */
public final class Slots {
    /** More at once gains nothing and puts more in doubt when this server dies. */
    private static final int MOST_AT_ONCE = 500;

    private final Semaphore free;
    private final Pace pace;
    private final int some;
    private final Duration patience;

    /**
     * Slots.
     *
     * @param all how many there are
     * @param patience how long a claim of many waits for half of them to become free; zero where each call waits for its own lock
     */
    public Slots(int all, Pace pace, Duration patience) {
        this.free = new Semaphore(all);
        this.pace = pace;
        this.some = Math.min(all, Math.min(MOST_AT_ONCE, pace.mostAtOnce())) / 2;
        this.patience = patience;
    }

    /** Waits for a slot, and for the moment of so many calls; false if the run has stopped. */
    public boolean take(RunInProgress run, int calls) {
        if (run.admit(1) == 0) {
            return false;
        }
        boolean acquired = false;
        boolean taken = false;
        try {
            free.acquire();
            acquired = true;
            taken = !run.stopped() && (calls == 0 || pace.take(calls, run::stopped) == calls);
        } catch (InterruptedException e) {
            run.interrupted();
        } finally {
            // Also where the journal could not be asked for a moment.
            if (!taken) {
                free.release(acquired ? 1 : 0);
                run.withdrawAdmission(1);
            }
        }
        return taken;
    }

    /** As many as are free or about to be, at least one, and as may be called together; zero if the run has stopped. */
    public int takeMany(RunInProgress run) {
        int admitted = 0;
        int paced = 0;
        try {
            admitted = admitMany(run);
            paced = admitted == 0 ? 0 : pace.take(admitted, run::stopped);
        } catch (InterruptedException e) {
            run.interrupted();
        } finally {
            giveBack(admitted - paced, run);
        }
        return paced;
    }

    private int admitMany(RunInProgress run) throws InterruptedException {
        int most = Math.min(MOST_AT_ONCE, pace.mostAtOnce());
        free.acquire();
        int taken = 1;
        // Where calls are short, a statement for each slot that becomes free would cost more than all calls.
        try {
            if (some > 1 && free.tryAcquire(some - 1, patience.toNanos(), TimeUnit.NANOSECONDS)) {
                taken += some - 1;
            }
        } catch (InterruptedException e) {
            free.release(taken);
            throw e;
        }
        while (taken < most && free.tryAcquire()) {
            taken++;
        }
        int admitted = run.admit(taken);
        free.release(taken - admitted);
        return admitted;
    }

    /** So many were waited for and not claimed. */
    public void giveBackUnused(int unused, RunInProgress run) {
        pace.giveBack(unused);
        giveBack(unused, run);
    }

    private void giveBack(int unused, RunInProgress run) {
        free.release(unused);
        run.withdrawAdmission(unused);
    }

    /** An invoice is settled. */
    public void release() {
        free.release();
    }
}
