package io.github.invoicelock;

import org.jspecify.annotations.Nullable;

/** Says in one sentence what is wrong, with the value, and in one what to do. The base of all exceptions of this library. */
public class InvoiceLockException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * With a message for a person.
     *
     * @param message what is wrong and what to do
     */
    public InvoiceLockException(String message) {
        super(message);
    }

    /**
     * With a message for a person and the cause.
     *
     * @param message what is wrong and what to do
     * @param cause null if there is none
     */
    public InvoiceLockException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
