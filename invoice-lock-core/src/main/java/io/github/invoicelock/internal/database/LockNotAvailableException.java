package io.github.invoicelock.internal.database;

/**
 * Another session holds a row that was to be locked: a NOWAIT lock met it, or {@code lock_timeout} was over while it was waited for.
 * Contention, which the engine goes on from; it never leaves the library.
 */
public final class LockNotAvailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LockNotAvailableException(Throwable cause) {
        super("Another session holds the row (SQLSTATE 55P03).", cause, false, false);
    }
}
