package io.github.invoicelock.internal.limits;

import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.Answer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Spreads the calls of all servers over time. The journal has one cursor: up to when moments are given away. A server moves it forward by
 * a handful of moments at a time, and has these for itself, whatever the others do. So nothing has to be cleaned up: what a killed server
 * had reserved lies within the next second, and passes by. Thread-safe.
 *
 * <p>How late a moment may be used is bounded, and looked at when the call leaves: behind a slow claim, or one that failed and left it to the
 * next. Calls in any second are at most {@code rate × (1 + LATE) + } what leaves together; a moment that was missed by more is lost, and
 * another one is waited for.
 */
public final class FleetPace {
    /** The journal gives away what lies within the next second, and nothing further ahead. */
    public static final Duration AHEAD = Duration.ofSeconds(1);

    /** A moment that nobody had reserved may still be used so much later: what lies between two reservations is not lost. */
    public static final Duration BEHIND = Duration.ofMillis(30);

    private static final long LATE = TimeUnit.MILLISECONDS.toNanos(50);
    /** A run that has stopped stops waiting so soon at the latest. */
    private static final long LOOK_UP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    /** Who waits for a moment looks so often for one that was given back: several claims may fail one after the other before it is missed. */
    private static final long LOOK_BACK_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private static final int MOST_AT_ONCE = 500;
    private static final int MOST_PATIENT = 64;

    private final long distance;
    private final int mostAtOnce;
    private final int mostReserved;
    private final long late;
    private final Pace.Time time;
    private final Journal journal;
    private final ReentrantLock reserving = new ReentrantLock();
    /** Reserved, the earliest first. */
    private final Queue<Long> moments = new PriorityQueue<>((one, other) -> Long.signum(one - other));
    /** Waited for, of calls that are being claimed; the earliest first. */
    private final Deque<Long> due = new ArrayDeque<>();

    private int handful = 1;
    private boolean missed;
    /** How often in a row all of a handful was used in time, and how often it must be before the next one is larger. */
    private int used;

    private int usedBeforeMore = 1;
    private int owed;

    /** Where the moments of all servers are given away. */
    @FunctionalInterface
    public interface Journal {
        /** Asks for so many moments, one distance apart. */
        Answer reserve(int calls);
    }

    /**
     * What the journal said.
     *
     * @param given whether the moments are ours; if not, the cursor is too far ahead
     * @param in how long until the first of them, or until to ask again; by the database's clock, from when it was asked
     */
    public record Answer(boolean given, Duration in) {
        /** Not now: the cursor could not be read. */
        public static final Answer LATER = new Answer(false, Duration.ofNanos(LOOK_UP_NANOS));
    }

    /**
     * A pace for all servers.
     *
     * @param callsPerSecond of all servers together
     * @param time to spread them over
     * @param journal asked without a lock of ours that a call could wait for
     */
    public FleetPace(double callsPerSecond, Pace.Time time, Journal journal) {
        this.distance = distance(callsPerSecond);
        // A fiftieth of a second's worth may leave together.
        this.mostAtOnce = (int) Math.max(1, Math.min(MOST_AT_ONCE, callsPerSecond / 50));
        this.mostReserved = mostReserved(callsPerSecond);
        this.late = Math.max(LATE, distance / 10);
        this.time = time;
        this.journal = journal;
    }

    /**
     * The cursor is never further ahead than what one reservation moves it, beyond what is given away; and a second, for a server whose
     * statement waited for the row. So moments that were given away lie before that, even if the database's clock has been set back.
     */
    public static Duration furthestAhead(double callsPerSecond) {
        return AHEAD.multipliedBy(2)
                .plus(Duration.ofNanos(2L * mostReserved(callsPerSecond) * distance(callsPerSecond)));
    }

    private static long distance(double callsPerSecond) {
        return (long) (TimeUnit.SECONDS.toNanos(1) / callsPerSecond);
    }

    /** A tenth of a second's worth. */
    private static int mostReserved(double callsPerSecond) {
        return (int) Math.max(1, Math.min(MOST_AT_ONCE, callsPerSecond / 10));
    }

    /** How many calls may leave together. */
    int mostAtOnce() {
        return mostAtOnce;
    }

    /**
     * Waits until calls may be claimed, to leave soon.
     *
     * @return for how many it waited: at least one of those wanted, or none if the run stopped
     */
    int take(int wanted, BooleanSupplier stopped) throws InterruptedException {
        Moments mine = await(wanted, stopped, this::givenBack);
        synchronized (this) {
            mine.into(due);
        }
        return mine.count();
    }

    /**
     * A call is about to leave: at once, unless its claim took so long that its moment is missed. Then it waits for another.
     *
     * @return false if it stopped before
     */
    boolean leave(BooleanSupplier stopped) throws InterruptedException {
        return pollDue().count() > 0 || await(1, stopped, this::leftOver).count() > 0;
    }

    private synchronized Moments pollDue() {
        forgetMissed(due);
        Long first = due.poll();
        return first == null ? NONE : new Moments(1, first);
    }

    /** Also of a call that is claimed later: this one comes first. */
    private synchronized Moments leftOver() {
        Moments mine = pollDue();
        return mine.count() > 0 ? mine : givenBack();
    }

    /** So many were not made after all; others may leave in their place, if they leave soon. */
    synchronized void giveBack(int unused) {
        for (int i = 0; i < unused && !due.isEmpty(); i++) {
            moments.add(due.removeLast());
        }
    }

    /** One more is made than was waited for: the next moment is used up by it. */
    synchronized void owe() {
        forgetMissed(moments);
        if (moments.poll() == null) {
            owed++;
        }
    }

    private Moments await(int wanted, BooleanSupplier stopped, Supplier<Moments> earlier) throws InterruptedException {
        while (!stopped.getAsBoolean()) {
            Moments mine = next(wanted, stopped);
            if (mine.count() == 0) {
                return NONE;
            }
            Moments given = awaitOneOf(mine, stopped, earlier);
            // The machine may have slept for longer than it was told to.
            if (given.count() > 0 && time.nanos() - given.last() <= late) {
                return given;
            }
            if (given.count() > 0) {
                miss();
            }
        }
        return NONE;
    }

    /** So many moments, one after the other, and the last of them. */
    private record Moments(int count, long last) {
        private void into(Queue<Long> queue) {
            for (int i = 0; i < count; i++) {
                queue.add(last);
            }
        }
    }

    private static final Moments NONE = new Moments(0, 0);

    /** These, or one that was given back meanwhile; nothing is left behind if the run stops. */
    private Moments awaitOneOf(Moments mine, BooleanSupplier stopped, Supplier<Moments> earlier)
            throws InterruptedException {
        boolean due = false;
        try {
            Moments given = NONE;
            while (given.count() == 0 && !stopped.getAsBoolean()) {
                long left = mine.last() - time.nanos();
                due = left <= 0;
                given = due ? mine : earlier.get();
                if (given.count() == 0) {
                    time.sleep(Math.min(left, LOOK_BACK_NANOS));
                }
            }
            return given;
        } finally {
            if (!due) {
                putBack(mine);
            }
        }
    }

    private synchronized Moments givenBack() {
        Long first = moments.peek();
        return first != null && first - time.nanos() <= 0 ? poll(1) : NONE;
    }

    private Moments next(int wanted, BooleanSupplier stopped) throws InterruptedException {
        int most = Math.min(wanted, mostAtOnce);
        while (!stopped.getAsBoolean()) {
            // One thread asks the journal, and the others find what it has got.
            if (reserving.tryLock(LOOK_UP_NANOS, TimeUnit.NANOSECONDS)) {
                try {
                    Moments mine = poll(most);
                    if (mine.count() == 0) {
                        await(reserve(most), stopped);
                    } else {
                        reserveMore(mine, most);
                        return mine;
                    }
                } finally {
                    reserving.unlock();
                }
            }
        }
        return NONE;
    }

    private void reserveMore(Moments mine, int most) {
        try {
            if (runsOut()) {
                reserve(most);
            }
        } catch (Throwable e) {
            putBack(mine);
            throw e;
        }
    }

    /** What leaves together is due together: between two handfuls may lie the calls of others. */
    private synchronized Moments poll(int most) {
        forgetMissed(moments);
        int count = 0;
        long last = 0;
        while (count < most && !moments.isEmpty() && (count == 0 || moments.element() - last <= late)) {
            last = moments.remove();
            count++;
        }
        return new Moments(count, last);
    }

    private void forgetMissed(Queue<Long> some) {
        long now = time.nanos();
        while (!some.isEmpty() && now - some.element() > late) {
            some.remove();
            missed = true;
        }
    }

    /** Who uses handfuls reserves the next one while there is something left of the last: what lies between two is lost to all. */
    private synchronized boolean runsOut() {
        return handful > 1 && moments.size() <= handful / 2;
    }

    /**
     * Asks for what this server has lately used in time, and what it owes: as much of that as moves the cursor no further than is right.
     *
     * @return when to ask again if it was not given, and else a moment that is over
     */
    private long reserve(int wanted) {
        int debts;
        int calls;
        synchronized (this) {
            debts = Math.min(owed, mostReserved);
            calls = debts;
            if (debts == owed) {
                adapt();
                calls += Math.max(handful, wanted);
            }
        }
        Answer answer = journal.reserve(calls);
        if (!answer.given()) {
            // The cursor may be put back meanwhile.
            return time.nanos() + Math.max(LOOK_UP_NANOS, Math.min(answer.in().toNanos(), AHEAD.toNanos()));
        }
        // Counted from when the answer is there: never early, and late by a round trip at most.
        long first = time.nanos() + answer.in().toNanos();
        synchronized (this) {
            owed -= debts;
            for (int i = debts; i < calls; i++) {
                moments.add(first + i * distance);
            }
        }
        return time.nanos();
    }

    /** As many as this server has lately used in time: what is missed is lost to all. The more often it missed, the more slowly it grows. */
    private void adapt() {
        if (missed) {
            handful = Math.max(1, handful / 2);
            usedBeforeMore = Math.min(MOST_PATIENT, usedBeforeMore * 2);
            used = 0;
        } else if (handful == mostReserved) {
            usedBeforeMore = 1;
        } else if (++used >= usedBeforeMore) {
            handful = Math.min(mostReserved, handful * 2);
            used = 0;
        }
        missed = false;
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

    private synchronized void miss() {
        missed = true;
    }

    private synchronized void putBack(Moments mine) {
        mine.into(moments);
    }
}
