package io.github.invoicelock;

/** What {@link LockingInvoiceBiller#withdraw} found. */
public enum Withdrawal {
    /** It will not be charged, once the host's transaction commits. */
    WITHDRAWN,
    /** Too late to be sure: it is being called, was accepted, or is in doubt. Nothing was changed; try again when it has settled. */
    IN_FLIGHT,
    /** It has been charged. Nothing was changed; a refund is the host's to make. */
    BILLED
}
