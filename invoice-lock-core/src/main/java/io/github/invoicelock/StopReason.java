package io.github.invoicelock;

/** Why a run ended. */
public enum StopReason {
    /** It looked at everything that was due or fresh. */
    NONE_LEFT,
    /** {@link RunLimits#invoices(int)} was reached. */
    INVOICE_LIMIT,
    /** {@link RunLimits#time(java.time.Duration)} was over. */
    TIME_LIMIT,
    /**
     * Too many calls failed one after the other ({@link LockingInvoiceBiller.Builder#stopAfterFailures(int)}); or they did on another server,
     * and the one call that was tried since has failed, too ({@link BillingBrake}).
     */
    PROVIDER_FAILING,
    /** People have {@linkplain LockingInvoiceBiller#pause paused} the biller; what only asks or marks was done. */
    PAUSED,
    /** {@link LockingInvoiceBiller#close()} was called. */
    CLOSED,
    /** The thread that ran it was interrupted; its interrupt flag is set again. */
    INTERRUPTED,
    /** An error ended it; see {@link BillingRunException}. */
    ERROR
}
