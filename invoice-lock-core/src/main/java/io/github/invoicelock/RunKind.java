package io.github.invoicelock;

/** What a run was asked for. */
public enum RunKind {
    /** {@link LockingInvoiceBiller#billPending()}. */
    BILL_PENDING,
    /** {@link LockingInvoiceBiller#recover()}. */
    RECOVER,
    /** {@link LockingInvoiceBiller#bill(Object)}. */
    BILL
}
