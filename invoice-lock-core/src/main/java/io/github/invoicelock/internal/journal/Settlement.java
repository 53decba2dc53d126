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
 */
public record Settlement(
        AttemptState state,
        @Nullable Duration due,
        boolean notBefore,
        boolean called,
        @Nullable String reference,
        @Nullable String code,
        @Nullable String message) {}
