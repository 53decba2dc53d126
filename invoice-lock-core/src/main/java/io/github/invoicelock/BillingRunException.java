package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

/**
 * An error ended a run: every database error but an invoice's row that another holds, or a {@link BilledHook} that threw. Everything
 * that had been charged before is in the journal; what had been claimed and not settled is taken over by a later run.
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
