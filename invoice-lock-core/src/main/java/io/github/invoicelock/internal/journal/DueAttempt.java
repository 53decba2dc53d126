package io.github.invoicelock.internal.journal;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

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
        long id, String invoiceId, int number, int fence, AttemptState state, OffsetDateTime dueAt, boolean unmarked) {

    /**
     * An attempt that was read whole.
     *
     * @param attempt as it is
     * @param dueAt when it is due
     * @param unmarked of a DECLINED one, whether it is due for its invoice to be marked
     * @return the same, as of a page of due ones
     */
    public static DueAttempt of(BillingAttempt attempt, Instant dueAt, boolean unmarked) {
        return new DueAttempt(
                attempt.id(),
                attempt.invoiceId(),
                attempt.number(),
                attempt.fence(),
                attempt.state(),
                dueAt.atOffset(ZoneOffset.UTC),
                unmarked);
    }

    /**
     * Whether only the invoice's mark is left to do: the provider is neither called nor asked.
     *
     * @return true for what is charged, or refused and unmarked
     */
    public boolean onlyToBeMarked() {
        return state == AttemptState.BILLED || unmarked;
    }
}
