package io.github.invoicelock.internal.journal;

import io.github.invoicelock.AttemptState;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An outcome as it is to be written, all but BILLED.
 *
 * @param state the attempt's next state
 * @param due when to look at it next, counted from now; null: never by itself
 * @param notBefore whether that is at the earliest when earlier requests are over (R7)
 * @param called whether the provider was called or asked
 * @param reference the provider's id; null leaves what is there
 * @param code null if there is none
 * @param message null if there is none
 * @param unmarked of DECLINED, whether it is due for its invoice to be marked as refused (R12), not for a new key (R2)
 */
public record Settlement(
        AttemptState state,
        @Nullable Duration due,
        boolean notBefore,
        boolean called,
        @Nullable String reference,
        @Nullable String code,
        @Nullable String message,
        boolean unmarked) {

    /**
     * An outcome after which no invoice is left to be marked.
     *
     * @param state the attempt's next state
     * @param due when to look at it next, counted from now; null: never by itself
     * @param notBefore whether that is at the earliest when earlier requests are over (R7)
     * @param called whether the provider was called or asked
     * @param reference the provider's id; null leaves what is there
     * @param code null if there is none
     * @param message null if there is none
     */
    public Settlement(
            AttemptState state,
            @Nullable Duration due,
            boolean notBefore,
            boolean called,
            @Nullable String reference,
            @Nullable String code,
            @Nullable String message) {
        this(state, due, notBefore, called, reference, code, message, false);
    }

    /**
     * Whether nothing is tried again after it by itself: the refusal that the host is told by a column of its own.
     *
     * @return false for every other outcome
     */
    public boolean refusedForGood() {
        return state == AttemptState.DECLINED && (due == null || unmarked);
    }

    /**
     * The same, with the invoice still to be marked.
     *
     * @param after when to try that
     * @return for a refusal whose invoice cannot be marked now
     */
    public Settlement markedLater(Duration after) {
        return new Settlement(state, after, notBefore, called, reference, code, message, true);
    }
}
