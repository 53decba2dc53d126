package io.github.invoicelock.internal.errors;

import io.github.invoicelock.DatabaseException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What is done again because something has changed beneath it. */
public final class Anew {
    /** More than a pool has: each may have a plan of before. */
    private static final int MOST_STALE = 100;
    /** A row is seldom moved at all: who meets it more often meets a host that moves rows all the time, and another run finds them. */
    private static final int MOST_MOVED = 3;

    private Anew() {}

    /**
     * Runs a transaction again that failed for a change. The host altered its table: a statement over all columns, which a connection had
     * prepared before, answers with other columns now; each failure has dropped what one connection of the pool had prepared. Or another
     * moved a row of a page to another partition: it is found where it is now.
     */
    public static <T extends @Nullable Object> T afterChanges(Supplier<T> transaction) {
        for (int tries = 1; ; tries++) {
            try {
                return transaction.get();
            } catch (DatabaseException e) {
                int most = SqlStates.stalePlan(e) ? MOST_STALE : SqlStates.movedAway(e) ? MOST_MOVED : 1;
                if (tries >= most) {
                    throw e;
                }
            }
        }
    }
}
