package io.github.invoicelock.internal.settlement;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.internal.host.Notices;
import java.time.Duration;
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
public record Written(
        @Nullable BillingAttempt attempt,
        boolean neverSeen,
        List<String> anomalies,
        @Nullable RuntimeException ownFault,
        @Nullable RuntimeException failure) {
    /** Another server owns it now. */
    public static final Written CONTENDED = new Written(null, false, List.of(), null, null);

    public static Written as(BillingAttempt attempt) {
        return new Written(attempt, false, List.of(), null, null);
    }

    public static Written as(BillingAttempt attempt, List<String> anomalies) {
        return new Written(attempt, false, List.copyOf(anomalies), null, null);
    }

    public static Written setAside(BillingAttempt attempt, RuntimeException ownFault) {
        return new Written(attempt, false, List.of(), ownFault, null);
    }

    public Written failing(RuntimeException failure) {
        return new Written(attempt, neverSeen, anomalies, ownFault, failure);
    }

    /** Tells it, after the commit, from the row as written (R23). */
    public void tell(Notices notices, String invoiceId, BillingOutcome outcome) {
        Notices.Batch told = notices.batch();
        if (attempt != null) {
            told.settled(attempt, outcome, Duration.ZERO).leftOrGivenUp(attempt);
        }
        anomalies.forEach(what -> told.anomaly(invoiceId, what));
        told.tell();
    }
}
