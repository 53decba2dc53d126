package io.github.invoicelock.internal.limits;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Spreads this server's calls over time: each has a moment of its own, a fixed distance behind the one before; and, where there is a limit
 * for all servers, one among theirs. Waited for before the claim, so that the wait eats nothing of a lease; only behind a slow claim it does.
 * Thread-safe.
 */
public final class Pace {
    /** A run that has stopped stops waiting so soon at the latest. */
    private static final long LOOK_UP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final long distance;
    private final int mostAtOnce;
    private final Time time;
    private final @Nullable FleetPace fleet;
    private long next;

    /** The clock by which calls are spread, and those of one transaction bounded; moved by hand in tests. */
    public interface Time {
        /** The machine's own. */
        Time OF_THE_MACHINE = new Time() {
            @Override
            public long nanos() {
                return System.nanoTime();
            }

            @Override
            public void sleep(long nanos) throws InterruptedException {
                TimeUnit.NANOSECONDS.sleep(nanos);
            }
        };

        /**
         * The time.
         *
         * @return as {@link System#nanoTime()}
         */
        long nanos();

        /**
         * Lets time pass.
         *
         * @param nanos positive
         * @throws InterruptedException if the thread is interrupted
         */
        void sleep(long nanos) throws InterruptedException;
    }

    /**
     * A pace.
     *
     * @param callsPerSecond of this server; positive; infinite for no bound
     * @param fleet the limit for all servers; null for none
     * @param time to spread them over
     */
    public Pace(double callsPerSecond, @Nullable FleetPace fleet, Time time) {
        this.distance = (long) (TimeUnit.SECONDS.toNanos(1) / callsPerSecond);
        // A tenth of a second's worth may leave together, so that one claim can still serve many.
        int together = (int) Math.max(1, callsPerSecond / 10);
        this.mostAtOnce = fleet == null ? together : Math.min(together, fleet.mostAtOnce());
        this.fleet = fleet;
        this.time = time;
        this.next = time.nanos();
    }

    /** How many calls may leave together. */
    public int mostAtOnce() {
        return mostAtOnce;
    }

    /**
     * Waits until calls may leave.
     *
     * @return for how many it waited: at least one of those wanted, or none if the run stopped
     */
    public int take(int wanted, BooleanSupplier stopped) throws InterruptedException {
        int most = Math.min(wanted, mostAtOnce);
        long moment = reserve(most);
        int taken = 0;
        try {
            if (await(moment, stopped)) {
                taken = fleet == null ? most : fleet.take(most, stopped);
            }
            return taken;
        } finally {
            free(most - taken);
        }
    }

    private boolean await(long moment, BooleanSupplier stopped) throws InterruptedException {
        while (!stopped.getAsBoolean()) {
            long left = moment - time.nanos();
            if (left <= 0) {
                return true;
            }
            time.sleep(Math.min(left, LOOK_UP_NANOS));
        }
        return false;
    }

    /**
     * A call of those that were waited for is about to leave; behind a slow claim it may have to wait again, for all servers' sake.
     *
     * @return false if it stopped before
     */
    public boolean leave(BooleanSupplier stopped) throws InterruptedException {
        return fleet == null || fleet.leave(stopped);
    }

    /** So many were not made after all. */
    public void giveBack(int unused) {
        free(unused);
        if (fleet != null) {
            fleet.giveBack(unused);
        }
    }

    private synchronized void free(int unused) {
        next -= unused * distance;
    }

    /** One more is claimed than was waited for: the next ones wait for it, and it may wait before it leaves. */
    public void oweClaimed() {
        reserve(1);
    }

    /** One more is made than was waited for: the next ones wait for it. */
    public void owe() {
        reserve(1);
        if (fleet != null) {
            fleet.owe();
        }
    }

    /** The moment of the last of so many. */
    private synchronized long reserve(int calls) {
        long now = time.nanos();
        // What was not used before is lost: no burst follows an idle hour.
        if (next - now < 0) {
            next = now;
        }
        next += calls * distance;
        return next - distance;
    }
}
