package io.github.invoicelock.internal.engine;

import java.util.concurrent.Semaphore;

/**
 * As many as there may be calls at once. An invoice has one from its claim until it is settled, or until its charge is known.
 *
 * <p>More while calls are so short that invoices can be claimed ahead, to be called as soon as others are settled: so many that a claim
 * is committed before those that wait are used up.
 */
final class Slots extends Semaphore {
    private static final long serialVersionUID = 1;
    private static final int TIMES_AHEAD = 8;

    private final int calls;
    private volatile boolean ahead;

    Slots(int calls) {
        super(calls);
        this.calls = calls;
    }

    /** How many there are now. */
    int all() {
        return ahead ? TIMES_AHEAD * calls : calls;
    }

    /** One that was given away early, to be given away by whoever concludes the invoice; never waits. */
    void takeBack() {
        reducePermits(1);
    }

    /** Whether invoices may be claimed ahead from now on. What has been claimed keeps its slot. */
    void claimAhead(boolean allowed) {
        if (ahead != allowed) {
            change(allowed);
        }
    }

    private synchronized void change(boolean allowed) {
        if (ahead == allowed) {
            return;
        }
        ahead = allowed;
        if (allowed) {
            release((TIMES_AHEAD - 1) * calls);
        } else {
            reducePermits((TIMES_AHEAD - 1) * calls);
        }
    }
}
