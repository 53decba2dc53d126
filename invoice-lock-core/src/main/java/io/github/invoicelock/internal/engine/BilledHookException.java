package io.github.invoicelock.internal.engine;

/** The host's hook threw. Apart from database errors, so that a 55P03 of the hook's own is not taken for contention. */
final class BilledHookException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BilledHookException(String invoiceId, Throwable cause) {
        super(
                "The BilledHook threw for invoice " + invoiceId + ": " + cause
                        + " The charge is in the journal; the invoice is marked, and the hook called again, by a later run.",
                cause);
    }
}
