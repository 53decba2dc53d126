package io.github.invoicelock.testkit;

import io.github.invoicelock.BillingOutcome;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the gateway told of a call.
 *
 * @param ended whether the call came to an end in time
 * @param outcome null if it threw an exception, answered null or did not end
 * @param words for a person
 */
record Told(boolean ended, @Nullable BillingOutcome outcome, String words) {

    static Told answer(@Nullable BillingOutcome outcome) {
        return new Told(true, outcome, "answered " + outcome);
    }

    static Told exception(Throwable e) {
        return new Told(true, null, "threw " + e);
    }

    static Told nothingWithin(Duration patience) {
        return new Told(false, null, "was still at it after " + patience);
    }

    /** Unknown, or an exception, which is taken for it. */
    boolean nothingKnown() {
        return ended && (outcome == null || outcome instanceof BillingOutcome.Unknown);
    }

    boolean notBilled() {
        return outcome instanceof BillingOutcome.NotBilled;
    }

    boolean declined() {
        return outcome instanceof BillingOutcome.Declined;
    }

    /** Charged, or to be charged without being asked again. */
    boolean charged() {
        return reference().isPresent();
    }

    /** The provider's reference of the charge, if there is one. */
    Optional<String> reference() {
        if (outcome instanceof BillingOutcome.Billed billed) {
            return Optional.of(billed.reference());
        }
        if (outcome instanceof BillingOutcome.Accepted accepted) {
            return Optional.of(accepted.reference());
        }
        return Optional.empty();
    }
}
