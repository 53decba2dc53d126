package io.github.invoicelock.internal.invoices;

/** What a row lock does where another holds the row. */
public enum RowWait {
    /** Fails at once with 55P03. */
    NOWAIT,
    /** Takes no row. */
    SKIP_LOCKED,
    /** Waits up to the transaction's {@code lock_timeout}, then fails with 55P03. */
    WAIT
}
