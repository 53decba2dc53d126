package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.invoices.Position;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * Where the claims of a run have come to. Claimers take turns: one begins behind what the one before it has locked, whose attempts and
 * commit it need not wait for. Thread-safe.
 */
final class Front {
    private final Semaphore free = new Semaphore(1);
    private @Nullable Position position = Position.START;

    /**
     * Waits for the turn. Nobody who has it waits for a slot, or for longer than {@link ServerTurns} lets a server wait; and a statement is
     * bounded by the database, so the wait ends.
     */
    Turn take() {
        free.acquireUninterruptibly();
        return new Turn();
    }

    /** The right to claim from the front on. Used by one thread. */
    final class Turn {
        private boolean over;

        private Turn() {}

        /** From where on; null where nothing is left. */
        @Nullable
        Position from() {
            return position;
        }

        /**
         * What lies before {@code next} is locked, or another's: the next claimer may begin there. Of a turn that has ended the front hears
         * no more: it has gone on since.
         */
        void end(@Nullable Position next) {
            if (!over) {
                position = next;
                giveUp();
            }
        }

        /** Ends the turn, if it has not ended, and leaves the front where it is. */
        void giveUp() {
            if (!over) {
                over = true;
                free.release();
            }
        }
    }
}
