package io.github.invoicelock;

/** Why an attempt waits for a person, as the journal's column {@code cause} spells it. A closed list. */
public enum AttemptCause {
    /** The provider refused the charge, and the {@link RetryPolicy} does not try again. */
    REFUSED,
    /** The {@link RetryPolicy} gave up, failed, or named a delay of more than a month. */
    TRIES_USED_UP,
    /** The outcome is unknown, and the key may not be sent again: the provider remembers no keys, or the invoice is no longer pending. */
    MAY_NOT_BE_REPEATED,
    /** The outcome is unknown, and the key is, or would be at the next try, older than the provider's memory. */
    MEMORY_OVER,
    /** The provider accepted the order and has not told the result, and the gateway cannot ask. */
    CANNOT_BE_ASKED,
    /** The snapshot does not fit the invoices' table as it is now. */
    SNAPSHOT_DOES_NOT_FIT,
    /**
     * The invoice cannot be claimed or marked because of its own data: an expression of {@link InvoiceTable}, a trigger, a constraint or the
     * {@link BilledHook} fails for it. The library tries again by itself, at longer and longer intervals, at most an hour.
     */
    OWN_DATA_FAILS,
    /** The invoice is pending although it was charged. It is not charged again. A run that finds this writes the cause, and tells an anomaly. */
    PENDING_THOUGH_BILLED,
    /** The host took the invoice back, and it is pending again. It is not billed until {@link LockingInvoiceBiller#retry} releases it. */
    TAKEN_BACK_AND_PENDING,
    /** The provider tells of two charges for this invoice. Refund one of them. */
    SECOND_CHARGE
}
