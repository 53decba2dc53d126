package io.github.invoicelock;

import org.jspecify.annotations.Nullable;

/**
 * What was said is in the journal, but the invoice's row could not be marked: the {@link BilledHook}, a trigger or a constraint failed, or the
 * database did. The mark is tried again by itself; nothing has to be said again.
 */
public final class InvoiceNotMarkedException extends InvoiceLockException {
    private static final long serialVersionUID = 1L;

    /**
     * With what failed.
     *
     * @param message what the journal knows, what failed and what to do
     * @param cause the host's or the database's error; null if there is none
     */
    public InvoiceNotMarkedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
