package io.github.invoicelock.internal.invoices;

/** What became of an invoice's row when it was marked as billed. */
public enum Mark {
    /** It is marked and no longer pending. */
    MARKED,
    /** It is marked and still pending by the host's own condition: an anomaly. */
    STILL_PENDING,
    /** The update changed no row, for it is deleted, or hidden, or a trigger kept it: an anomaly. */
    UNCHANGED
}
