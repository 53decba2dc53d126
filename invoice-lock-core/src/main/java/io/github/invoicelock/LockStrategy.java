package io.github.invoicelock;

/**
 * How an invoice's row is locked when it is claimed, and what happens to one that somebody else holds. See
 * <a href="https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE">PostgreSQL, "The Locking Clause"</a>.
 */
public enum LockStrategy {
    /**
     * {@code FOR UPDATE NOWAIT}: a held row (SQLSTATE 55P03) counts as contended, on to the next. Each invoice is claimed by a transaction
     * of its own.
     */
    NOWAIT,
    /** {@code FOR UPDATE SKIP LOCKED}, as many as there are free slots in one statement, 500 at most: held rows are not seen at all. */
    SKIP_LOCKED,
    /**
     * {@code FOR UPDATE} with a {@code lock_timeout} ({@link LockingInvoiceBiller.Builder#waitTimeout}): waits for the row, then
     * checks again; billed meanwhile, or not released in time, counts as contended.
     */
    WAIT
}
