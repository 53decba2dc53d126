package io.github.invoicelock.internal.journal;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A row of the journal, with what hosts need not see of it.
 *
 * @param attempt the row
 * @param leaseUntil until when a request under its key may be on its way (R7); null if none was ever to be sent
 * @param unmarked of a DECLINED one that is due, whether its invoice is to be marked (R12), not a new key to be tried (R2)
 */
public record AttemptRow(BillingAttempt attempt, @Nullable Instant leaseUntil, boolean unmarked) {
    public boolean is(AttemptState state) {
        return attempt.state() == state;
    }

    /** R6: since the key's first claim. */
    public Duration age(Instant clock) {
        return Duration.between(attempt.startedAt(), clock);
    }

    /** R7: when no request of an earlier owner can arrive any more, nor be missing from a look-up that lags. */
    public Instant requestsOver(Duration findLag) {
        return (leaseUntil == null ? attempt.startedAt() : leaseUntil).plus(findLag);
    }

    /** As a page of due attempts would have it; only for one that is due. */
    public DueAttempt due() {
        Instant dueAt = attempt.dueAt();
        if (dueAt == null) {
            throw new IllegalStateException("Not due: " + attempt);
        }
        return new DueAttempt(
                attempt.id(), attempt.invoiceId(), attempt.number(), attempt.fence(), attempt.state(), dueAt, unmarked);
    }
}
