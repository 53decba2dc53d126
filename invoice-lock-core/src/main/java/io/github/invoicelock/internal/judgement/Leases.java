package io.github.invoicelock.internal.judgement;

import java.time.Duration;

/**
 * The one clock face (R19): from here alone comes until when a call may leave, may be under way, may be believed unseen, and when a lease or
 * a lock ends.
 *
 * <p>Half of {@code leaseMargin} is for a call that leaves late after its claim, the other half for a request that arrives late after its
 * sender gave up: each has a bound of its own, so that no call can use up the margin of both. What a claim waited for before it had the
 * row's lock is no part of it: a lease begins with the lock.
 *
 * @param callTimeout bounds one call
 * @param leaseMargin what a claim is believed longer than its calls may take
 */
public record Leases(Duration callTimeout, Duration leaseMargin) {
    /** How long a claim is believed: until no request of its owner can arrive any more. */
    public Duration of(Approach approach) {
        return callTimeout.multipliedBy(approach.calls()).plus(leaseMargin);
    }

    /** The longest there is: no transaction that calls may be ended before, and a dead server's ends soon after (R9). */
    public Duration longest() {
        return of(Approach.ASK_THEN_BILL);
    }

    /** The last moment for a call to leave, of a lease that ends then; both by {@link System#nanoTime()}. */
    public long lastStart(long leaseEnd) {
        return leaseEnd - callTimeout.plus(leaseMargin.dividedBy(2)).toNanos();
    }

    /** R6: whether a provider that remembers keys for so long knows one of that age when a request of a claim made now arrives at the latest. */
    public boolean remembered(Duration age, Duration idempotencyWindow) {
        return !idempotencyWindow.isZero() && age.plus(longest()).compareTo(idempotencyWindow) <= 0;
    }
}
