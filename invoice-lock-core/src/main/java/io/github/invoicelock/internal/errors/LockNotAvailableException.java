package io.github.invoicelock.internal.errors;

/**
 * Another session holds a row that was to be locked: a NOWAIT lock met it, {@code lock_timeout} was over while it was waited for, or it
 * was moved to another partition meanwhile. Contention, which the engine goes on from; it never leaves the library.
 */
public final class LockNotAvailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public LockNotAvailableException(Throwable cause) {
        super("Another session holds the row, or has moved it (SQLSTATE 55P03, 40001).", cause, false, false);
    }
}
