package io.github.invoicelock;

/**
 * How an invoice's row is locked when it is claimed, and what happens to one that somebody else holds. See
 * <a href="https://www.postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE">PostgreSQL, "The Locking Clause"</a>.
 */
public enum LockStrategy {
    /**
     * {@code FOR UPDATE NOWAIT}. A held row (SQLSTATE 55P03) counts as contended, and the run goes on with the next. Each invoice is claimed in
     * a transaction of its own.
     */
    NOWAIT,
    /** {@code FOR UPDATE SKIP LOCKED}. Held rows are not seen. One statement claims as many as there are free slots, 500 at most. */
    SKIP_LOCKED,
    /**
     * {@code FOR UPDATE} with a {@code lock_timeout} ({@link LockingInvoiceBiller.Builder#waitTimeout}). It waits for the row, then checks
     * again. An invoice that was billed meanwhile, or not released in time, counts as contended.
     */
    WAIT
}
