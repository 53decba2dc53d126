package io.github.invoicelock;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Attempts that wait for a person for the same reason; see {@link LockingInvoiceBiller#waiting()}.
 *
 * @param cause why they wait; null where another writer than the library left one that is never due
 * @param state where they stand
 * @param code of the refusal; null if there is none
 * @param message what was said of each, at most 200 characters, with an ellipsis in place of what looks like an id: a word with four digits in
 *     a row, or with an underscore and a digit; null if nothing was said
 * @param count how many there are among the 10,000 oldest that wait
 * @param oldest when the first of them was claimed first
 * @param newest when the last of them was claimed first
 */
public record WaitingGroup(
        @Nullable AttemptCause cause,
        AttemptState state,
        @Nullable String code,
        @Nullable String message,
        long count,
        Instant oldest,
        Instant newest) {}
