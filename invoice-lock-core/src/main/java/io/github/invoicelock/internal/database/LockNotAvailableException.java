package io.github.invoicelock.internal.database;

/** SQLSTATE 55P03, the only one that means "another has it": a NOWAIT lock met a held row, or {@code lock_timeout} was over. */
public final class LockNotAvailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LockNotAvailableException(Throwable cause) {
        super("55P03: another session holds the row", cause, false, false);
    }
}
