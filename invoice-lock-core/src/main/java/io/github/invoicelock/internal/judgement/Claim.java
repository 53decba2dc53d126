package io.github.invoicelock.internal.judgement;

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
 * @param pending whether the invoice was still to be charged when it was claimed
 * @param trial whether it is the one call that is tried while the brake is on for all servers
 * @param lastStart the last moment for its call to leave (R19), by {@link System#nanoTime()}
 */
public record Claim(
        Claimed claimed,
        Approach approach,
        AttemptState before,
        boolean takenOver,
        boolean pending,
        boolean trial,
        long lastStart) {

    /** The host took the invoice back, or another attempt charged it: nothing may be sent any more. */
    public Claim askOnly() {
        return new Claim(claimed, Approach.ASK, before, takenOver, false, trial, lastStart);
    }

    public BillingAttempt attempt() {
        return claimed.attempt();
    }

    public String invoiceId() {
        return attempt().invoiceId();
    }

    /** Whether nothing can have happened to its invoice before: its first attempt, and its first owner. */
    public boolean straight() {
        return !takenOver && attempt().number() == 1;
    }

    public BillingRequest request(Duration timeout) {
        return new BillingRequest(
                invoiceId(), attempt().idempotencyKey(), attempt().number(), claimed.invoice(), timeout);
    }
}
