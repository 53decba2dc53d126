package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingAttempt;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the journal says after an outcome was written, or could not be. Told and counted after the commit, in one place.
 *
 * @param attempt as it is now; null where it is another's (contended)
 * @param neverSeen whether the provider surely never saw the key, so that it can be sent at once
 * @param anomalies what is as it should never be, each a sentence for a person
 * @param ownFault what keeps this one invoice from being claimed or marked: others go on
 * @param failure what ends the run, though the journal knows the outcome
 */
record Written(
        @Nullable BillingAttempt attempt,
        boolean neverSeen,
        List<String> anomalies,
        @Nullable RuntimeException ownFault,
        @Nullable RuntimeException failure) {
    /** Another server owns it now. */
    static final Written CONTENDED = new Written(null, false, List.of(), null, null);

    static Written as(BillingAttempt attempt) {
        return new Written(attempt, false, List.of(), null, null);
    }

    static Written as(BillingAttempt attempt, List<String> anomalies) {
        return new Written(attempt, false, List.copyOf(anomalies), null, null);
    }

    static Written setAside(BillingAttempt attempt, RuntimeException ownFault) {
        return new Written(attempt, false, List.of(), ownFault, null);
    }

    Written failing(RuntimeException failure) {
        return new Written(attempt, neverSeen, anomalies, ownFault, failure);
    }
}
