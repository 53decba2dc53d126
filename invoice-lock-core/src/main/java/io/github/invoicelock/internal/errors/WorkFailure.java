package io.github.invoicelock.internal.errors;

import org.jspecify.annotations.Nullable;

/**
 * Thrown by what runs in a transaction, where it calls somebody else's code: says whether another thread may still use the connection. What
 * that code met, a lost connection of its own for example, says nothing of ours.
 */
public class WorkFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean connectionInUse;

    /**
     * Made where the work is called.
     *
     * @param message what happened
     * @param cause what it threw
     * @param connectionInUse whether another thread may still use the transaction's connection, which is cut then
     */
    public WorkFailure(String message, @Nullable Throwable cause, boolean connectionInUse) {
        super(message, cause);
        this.connectionInUse = connectionInUse;
    }

    /** Whether another thread may still use the transaction's connection. */
    public boolean connectionInUse() {
        return connectionInUse;
    }
}
