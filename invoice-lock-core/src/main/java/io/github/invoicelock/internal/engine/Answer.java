package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingOutcome;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a conversation with the provider came to.
 *
 * @param outcome what is known now
 * @param source who said so
 * @param callTime how long it took
 * @param error an {@link Error} of the gateway, which ends the run after the outcome is journaled
 */
record Answer(
        BillingOutcome outcome,
        Source source,
        Duration callTime,
        @Nullable Error error) {

    enum Source {
        /** Nothing was sent or asked. */
        NOBODY,
        /** {@code find} answered. */
        FIND,
        /** {@code find} could not be asked just now. */
        FAILED_FIND,
        /** {@code bill} answered, failed or timed out. */
        BILL
    }

    static Answer notCalled(String reason) {
        return new Answer(BillingOutcome.notBilled(reason), Source.NOBODY, Duration.ZERO, null);
    }

    boolean called() {
        return source != Source.NOBODY;
    }

    /** R11: whether the provider failed to do its work. */
    boolean failed() {
        return called()
                && (outcome instanceof BillingOutcome.Unknown
                        || (outcome instanceof BillingOutcome.NotBilled && source == Source.BILL));
    }
}
