package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingAttempt;
import org.jspecify.annotations.Nullable;

/**
 * What the journal says after an outcome was written, or could not be.
 *
 * @param attempt as it is now; null where it is another's (contended)
 * @param neverSeen whether the provider surely never saw the key, so that it can be sent at once
 * @param failure what kept a charged invoice from being marked; the journal says BILLED, the run ends
 */
record Settled(
        @Nullable BillingAttempt attempt,
        boolean neverSeen,
        @Nullable RuntimeException failure) {
    /** Another server owns it now. */
    static final Settled CONTENDED = new Settled(null, false, null);

    static Settled as(BillingAttempt attempt) {
        return new Settled(attempt, false, null);
    }

    boolean parked() {
        return attempt != null && attempt.parked();
    }
}
