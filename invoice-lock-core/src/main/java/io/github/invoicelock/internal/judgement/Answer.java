package io.github.invoicelock.internal.judgement;

import io.github.invoicelock.BillingOutcome;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What a conversation with the provider came to.
 *
 * @param outcome what is known now
 * @param source who said so
 * @param callTime how long it took
 * @param thrown what the gateway threw; an {@link Error} ends the run after the outcome is journaled
 */
public record Answer(
        BillingOutcome outcome,
        Source source,
        Duration callTime,
        @Nullable Throwable thrown) {

    /** Who says what became of a key. */
    public enum Source {
        /** Nothing was sent or asked. */
        NOBODY,
        /** {@code find} answered. */
        FIND,
        /** {@code find} could not be asked just now. */
        FAILED_FIND,
        /** {@code bill} answered, failed or timed out. */
        BILL,
        /** A call that had been cut off answered after all. */
        LATE,
        /** The provider's own message to the host. */
        WEBHOOK
    }

    public static Answer notCalled(String reason) {
        return new Answer(BillingOutcome.notBilled(reason), Source.NOBODY, Duration.ZERO, null);
    }

    public static Answer reported(BillingOutcome outcome) {
        return new Answer(outcome, Source.WEBHOOK, Duration.ZERO, null);
    }

    public boolean called() {
        return switch (source) {
            case FIND, FAILED_FIND, BILL, LATE -> true;
            case NOBODY, WEBHOOK -> false;
        };
    }

    /** Whether the key was sent: {@code find} may well answer where {@code bill} does not. */
    public boolean sent() {
        return source == Source.BILL || source == Source.LATE;
    }

    /** R11: whether the provider failed to do its work. */
    public boolean failed() {
        return switch (outcome.kind()) {
            case UNKNOWN -> called();
            case NOT_BILLED -> source == Source.BILL;
            case BILLED, ACCEPTED, DECLINED -> false;
        };
    }
}
