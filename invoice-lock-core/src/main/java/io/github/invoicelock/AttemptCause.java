package io.github.invoicelock;

/** Why an attempt waits for a person, as the journal's column {@code cause} spells it. A closed list. */
public enum AttemptCause {
    /** The provider refused the charge, and the {@link RetryPolicy} does not try again. */
    REFUSED,
    /** The {@link RetryPolicy} gave up, failed, or named a delay of more than a month. */
    TRIES_USED_UP,
    /** The outcome is unknown, and the key may not be sent again: nothing tells that the provider would remember it. */
    MAY_NOT_BE_REPEATED,
    /** The outcome is unknown, and the key is, or would be at the next try, older than the provider's memory. */
    MEMORY_OVER,
    /** The provider accepted the order, has not told since, and the gateway cannot ask. */
    CANNOT_BE_ASKED,
    /** The snapshot does not fit the invoices' table as it is now. */
    SNAPSHOT_DOES_NOT_FIT,
    /**
     * The invoice cannot be claimed or marked, by its own data: an expression of {@link InvoiceTable} fails for it, a trigger, a constraint
     * or the {@link BilledHook}. The library tries again by itself, ever more rarely.
     */
    OWN_DATA_FAILS,
    /** The host set the invoice back to pending although it was charged. Not written by this version, which tells it as an anomaly. */
    PENDING_THOUGH_BILLED,
    /** The host took the invoice back, and it is pending again. It is not billed until {@link LockingInvoiceBiller#retry} releases it. */
    TAKEN_BACK_AND_PENDING,
    /** The provider tells of two charges for this invoice. One of them is to be refunded. */
    SECOND_CHARGE
}
