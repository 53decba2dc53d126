package io.github.invoicelock;

import org.jspecify.annotations.Nullable;

/** The set-up is wrong: names the setting, its value and the remedy. Thrown before anything is written. */
public final class SetupException extends InvoiceLockException {
    private static final long serialVersionUID = 1L;

    /**
     * With a message for a person.
     *
     * @param message which setting is wrong, its value, and the remedy
     */
    public SetupException(String message) {
        super(message);
    }

    /**
     * With a message for a person and the cause.
     *
     * @param message which setting is wrong, its value, and the remedy
     * @param cause null if there is none
     */
    public SetupException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
