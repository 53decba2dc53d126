package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.internal.journal.Claimed;
import java.time.Duration;

/**
 * An invoice that this server has in hand: an attempt that it owns, and what it is going to do about it.
 *
 * @param claimed from the journal
 * @param approach what to do with the provider
 * @param before the attempt's state if this server does nothing: NOT_BILLED for a fresh one, IN_DOUBT for one left behind
 * @param takenOver whether an earlier run or another server had it before
 * @param pending whether the invoice was still pending when it was claimed
 * @param leaseEnd by {@link System#nanoTime()}; nothing is sent after it
 */
record Claim(
        Claimed claimed, Approach approach, AttemptState before, boolean takenOver, boolean pending, long leaseEnd) {

    static Claim fresh(Claimed claimed, Duration lease, long claimStart) {
        return new Claim(claimed, Approach.BILL, AttemptState.NOT_BILLED, false, true, claimStart + lease.toNanos());
    }

    static Claim takenOver(
            Claimed claimed, Approach approach, AttemptState before, boolean pending, Duration lease, long claimStart) {
        return new Claim(claimed, approach, before, true, pending, claimStart + lease.toNanos());
    }

    /** The host took the invoice back: nothing may be sent any more. */
    Claim askOnly() {
        return new Claim(claimed, Approach.ASK, before, takenOver, false, leaseEnd);
    }

    BillingAttempt attempt() {
        return claimed.attempt();
    }

    String invoiceId() {
        return attempt().invoiceId();
    }

    /** Until when a call may leave that takes so long at most: it ends within the lease, or another may have taken over meanwhile. */
    long lastStart(Duration callTimeout) {
        return leaseEnd - callTimeout.toNanos();
    }

    BillingRequest request(Duration timeout) {
        return new BillingRequest(
                invoiceId(), attempt().idempotencyKey(), attempt().number(), claimed.invoice(), timeout);
    }
}
