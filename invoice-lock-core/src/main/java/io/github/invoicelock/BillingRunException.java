package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

/**
 * An error ended a run: a database error that is not one invoice's own, or too many invoices in a row that were set aside, each by its own
 * data, a trigger or the {@link BilledHook}. An invoice's row that another holds ends no run, and neither does one invoice that is set aside.
 * Everything that had been charged before is in the journal; what had been claimed and not settled is taken over by a later run.
 */
public final class BillingRunException extends InvoiceLockException {
    private static final long serialVersionUID = 1L;

    private final transient BillingRun run;

    /**
     * With the counts so far.
     *
     * @param message what went wrong
     * @param run what had been done until then
     * @param cause the error
     */
    public BillingRunException(String message, BillingRun run, Throwable cause) {
        super(message, requireNonNull(cause, "cause"));
        this.run = requireNonNull(run, "run");
    }

    /**
     * What had been done until the error.
     *
     * @return the counts so far, with {@link StopReason#ERROR}
     */
    public BillingRun run() {
        return run;
    }
}
