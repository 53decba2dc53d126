package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.database.AdvisoryLocks;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Request;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jooq.DSLContext;

/**
 * Turns of a biller's servers where one statement claims hundreds: servers that do so at once step over each other's rows, and lock some
 * that another has claimed a moment ago, which then cannot be marked. So one server claims, and goes on for as long as it has slots; with
 * its slots full, or nothing left to claim, it pauses, and another has its turn. Two claims of one server overlap.
 *
 * <p>No rule rests on it but speed (R10 holds without): a server that has waited for long claims all the same. Thread-safe.
 */
final class ServerTurns {
    /** Of a server's two claims that overlap, each holds one of the locks: another server begins when both are free. */
    private static final int CLAIMS_AT_ONCE = 2;

    /** Little beside a claim of hundreds, which takes tens of milliseconds. */
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(2);
    /** While the turns may be short ones: of servers whose calls take time, and whose slots are soon full. */
    private static final Duration LONG_PAUSE = Duration.ofMillis(32);
    /** Of the time waited: each question costs the database; and who asks seldom learns late that nothing is left. */
    private static final int SHARE_OF_WAIT = 64;
    /** A server that was stopped in the middle of a claim must not keep all others from claiming. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Database database;
    private final Pace.Time time;
    private final long[] locks;
    private final boolean[] held = new boolean[CLAIMS_AT_ONCE];

    /**
     * The turns of a biller.
     *
     * @param database where the claims are made
     * @param time by which a server waits
     * @param locks two numbers that are this biller's on all servers
     */
    ServerTurns(Database database, Pace.Time time, long[] locks) {
        this.database = database;
        this.time = time;
        this.locks = locks.clone();
    }

    /**
     * Claims when it is this server's turn. While it waits it holds no connection.
     *
     * @param <T> what the claim took
     * @param stopped whether to wait no longer
     * @param claim all of a transaction; run again if the host altered its table
     * @return what it returned; empty if the wait was stopped
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    <T> Optional<T> claim(BooleanSupplier stopped, Function<DSLContext, T> claim) throws InterruptedException {
        long since = time.nanos();
        while (!stopped.getAsBoolean()) {
            Optional<T> claimed = claimNow(isPatient(since), claim);
            if (claimed.isPresent()) {
                return claimed;
            }
            awaitTurn(since, stopped);
        }
        return Optional.empty();
    }

    private <T> Optional<T> claimNow(boolean patient, Function<DSLContext, T> claim) throws InterruptedException {
        return withLock(lock -> Database.withPlansAnew(() -> database.inTransaction(
                turn(lock), (tx, ours) -> ours || !patient ? Optional.of(claim.apply(tx)) : Optional.empty())));
    }

    /** By the question alone, in one round trip. What it takes is given back at once: the claim asks again. */
    private void awaitTurn(long since, BooleanSupplier stopped) throws InterruptedException {
        do {
            time.sleep(pauseNanos(time.nanos() - since));
        } while (!stopped.getAsBoolean() && isPatient(since) && !withLock(lock -> database.atOnce(turn(lock))));
    }

    private boolean isPatient(long since) {
        return time.nanos() - since < PATIENCE.toNanos();
    }

    private static long pauseNanos(long waitedNanos) {
        long atFirst = Math.min(Math.max(waitedNanos, SHORTEST_PAUSE.toNanos()), LONG_PAUSE.toNanos());
        return Math.max(atFirst, waitedNanos / SHARE_OF_WAIT);
    }

    private <T> T withLock(IntFunction<T> work) throws InterruptedException {
        int lock = begin();
        try {
            return work.apply(lock);
        } finally {
            end(lock);
        }
    }

    private synchronized Request<Boolean> turn(int lock) {
        int other = CLAIMS_AT_ONCE - 1 - lock;
        return held[other] ? AdvisoryLocks.take(locks[lock]) : AdvisoryLocks.takeWhileFree(locks[lock], locks[other]);
    }

    private synchronized int begin() throws InterruptedException {
        while (held[0] && held[1]) {
            wait();
        }
        int lock = held[0] ? 1 : 0;
        held[lock] = true;
        return lock;
    }

    private synchronized void end(int lock) {
        held[lock] = false;
        notifyAll();
    }
}
