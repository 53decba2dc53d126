package io.github.invoicelock;

/**
 * Which row lock is taken on an invoice. See
 * <a href="https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS">PostgreSQL, "Row-Level Locks"</a>.
 */
public enum RowLock {
    /** The default. Blocks every other lock of the row, also the one that an insert of a child row takes. */
    FOR_UPDATE,
    /**
     * Lets the host insert rows that refer to the invoice by a foreign key meanwhile. It is enough for the library, which never changes the
     * invoice's key.
     */
    FOR_NO_KEY_UPDATE
}
