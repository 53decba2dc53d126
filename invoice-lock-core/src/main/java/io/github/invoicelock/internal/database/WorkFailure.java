package io.github.invoicelock.internal.database;

import org.jspecify.annotations.Nullable;

/** Thrown by what runs in a transaction; says whether another thread may still use the connection, which is then cut. */
public class WorkFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean connectionInUse;

    public WorkFailure(String message, @Nullable Throwable cause, boolean connectionInUse) {
        super(message, cause);
        this.connectionInUse = connectionInUse;
    }

    public boolean connectionInUse() {
        return connectionInUse;
    }
}
