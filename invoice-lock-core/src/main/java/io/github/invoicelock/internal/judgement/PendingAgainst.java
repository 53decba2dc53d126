package io.github.invoicelock.internal.judgement;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.internal.journal.AttemptRow;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the journal has against an invoice that is pending (R14, R18): it was charged by any of its attempts and marked as such, or taken back by
 * the newest.
 *
 * @param attempt the one that decides
 * @param cause for which it waits for a person
 */
public record PendingAgainst(BillingAttempt attempt, AttemptCause cause) {
    /**
     * Judges.
     *
     * @param attempts all of the invoice, oldest first; at least one
     * @return empty if it may be pending
     */
    public static Optional<PendingAgainst> of(List<AttemptRow> attempts) {
        Optional<AttemptRow> billed =
                attempts.stream().filter(row -> row.is(AttemptState.BILLED)).findFirst();
        AttemptRow newest = attempts.get(attempts.size() - 1);
        Optional<AttemptRow> decisive =
                billed.isPresent() || !newest.is(AttemptState.WITHDRAWN) ? billed : Optional.of(newest);
        return decisive.map(AttemptRow::attempt)
                .filter(attempt -> attempt.dueAt() == null)
                .map(attempt -> new PendingAgainst(
                        attempt,
                        attempt.state() == AttemptState.BILLED
                                ? AttemptCause.PENDING_THOUGH_BILLED
                                : AttemptCause.TAKEN_BACK_AND_PENDING));
    }

    /** Whether a cause is one of these: it is over as soon as the invoice is not pending. */
    public static boolean isCause(@Nullable AttemptCause cause) {
        return cause == AttemptCause.PENDING_THOUGH_BILLED || cause == AttemptCause.TAKEN_BACK_AND_PENDING;
    }

    /** For a person. */
    public String sentence() {
        return attempt.state() == AttemptState.BILLED
                ? "The invoice is pending although it was charged as " + attempt.reference()
                        + "; it is not charged again. See attempts()."
                : "The invoice is pending although it was taken back; it is not billed until retry() releases it.";
    }
}
