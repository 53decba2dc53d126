package io.github.invoicelock.internal.invoices;

/** What became of an invoice's row when it was marked as billed. */
public enum Mark {
    /** It is marked and no longer pending. */
    MARKED,
    /** It is marked and still pending by the host's own condition: an anomaly. */
    STILL_PENDING,
    /** There is no such row any more: an anomaly. */
    MISSING
}
