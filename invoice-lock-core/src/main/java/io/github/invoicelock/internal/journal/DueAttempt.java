package io.github.invoicelock.internal.journal;

import io.github.invoicelock.AttemptState;
import java.time.Instant;

/**
 * An attempt whose time has come, as it was when its page was read without locks; whoever takes it over checks that it still is so.
 *
 * @param id the journal's number of it
 * @param invoiceId whose
 * @param number of the attempt
 * @param fence of its last owner
 * @param state where it stood
 * @param dueAt when it was due, or a lease's end that lies ahead
 * @param unmarked of a DECLINED one, whether it is due for its invoice to be marked as refused, not for a new key
 */
public record DueAttempt(
        long id, String invoiceId, int number, int fence, AttemptState state, Instant dueAt, boolean unmarked) {

    /** Whether only the invoice's mark is left to do: the provider is neither called nor asked. */
    public boolean onlyToBeMarked() {
        return state == AttemptState.BILLED || unmarked;
    }

    /** Whether the journal's row still is what was read. */
    public boolean isStill(AttemptRow row) {
        return row.attempt().fence() == fence
                && row.is(state)
                && row.attempt().dueAt() != null
                && row.unmarked() == unmarked;
    }
}
