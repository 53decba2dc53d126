package io.github.invoicelock.internal.limits;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Spreads this server's calls over time: each has a moment of its own, a fixed distance behind the one before. Waited for before the
 * claim, so that the wait eats nothing of a lease. Thread-safe.
 */
public final class Pace {
    /** A run that has stopped stops waiting so soon at the latest. */
    private static final long LOOK_UP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final long distance;
    private final int mostAtOnce;
    private final Time time;
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
     * @param callsPerSecond positive; infinite for no bound
     * @param time to spread them over
     */
    public Pace(double callsPerSecond, Time time) {
        this.distance = (long) (TimeUnit.SECONDS.toNanos(1) / callsPerSecond);
        // A tenth of a second's worth may leave together, so that one claim can still serve many.
        this.mostAtOnce = (int) Math.max(1, callsPerSecond / 10);
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
        int taken = Math.min(wanted, mostAtOnce);
        long moment = reserve(taken);
        boolean given = false;
        try {
            while (!stopped.getAsBoolean()) {
                long left = moment - time.nanos();
                if (left <= 0) {
                    given = true;
                    return taken;
                }
                time.sleep(Math.min(left, LOOK_UP_NANOS));
            }
            return 0;
        } finally {
            if (!given) {
                giveBack(taken);
            }
        }
    }

    /** So many were not made after all. */
    public synchronized void giveBack(int unused) {
        next -= unused * distance;
    }

    /** One more is made than was waited for: the next ones wait for it. */
    public void owe() {
        reserve(1);
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
