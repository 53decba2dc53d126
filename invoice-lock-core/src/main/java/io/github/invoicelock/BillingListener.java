package io.github.invoicelock;

import java.time.Duration;

/**
 * Is told what happens, after the commit: for metrics and logs. For work that must happen, use {@link BilledHook}.
 *
 * <p>Called from several threads at once, on threads of the library. It should be quick: if it does not return within the biller's
 * {@link LockingInvoiceBiller.Builder#callTimeout call time-out}, it is told nothing more until it does. What it throws (also an {@link Error})
 * is logged, and has no other effect.
 *
 * <p>For Micrometer there is a ready one: {@code io.github.invoicelock.micrometer.BillingMetrics}.
 */
public interface BillingListener {
    /**
     * An invoice was claimed.
     *
     * @param attempt the new attempt
     */
    default void claimed(BillingAttempt attempt) {}

    /**
     * An outcome was written.
     *
     * @param attempt as the journal has it now
     * @param outcome what the provider answered
     * @param callTime how long the provider took; zero if it was not called
     */
    default void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {}

    /**
     * Another server, or the host, held the invoice.
     *
     * @param invoiceId whose
     */
    default void contended(String invoiceId) {}

    /**
     * An attempt whose owner is gone, or that was due again, was taken over.
     *
     * @param attempt with its new owner
     */
    default void takenOver(BillingAttempt attempt) {}

    /**
     * An attempt was given up before anything was charged, because its invoice was no longer pending. What the host takes back by
     * {@link LockingInvoiceBiller#withdraw} is not told here: that is committed, or not, by the host.
     *
     * @param attempt as the journal has it now
     */
    default void withdrawn(BillingAttempt attempt) {}

    /**
     * An attempt was left to a person; see {@link LockingInvoiceBiller#needsAttention()}. Told again each time that an invoice which is set
     * aside was tried in vain.
     *
     * @param attempt as the journal has it now, with its {@link BillingAttempt#cause() cause}
     */
    default void parked(BillingAttempt attempt) {}

    /**
     * Something is as it should never be, and the library kept it from doing harm: a charged invoice that is pending again, a charge under a
     * key that had been refused, a second charge.
     *
     * @param invoiceId whose
     * @param what one sentence for a person
     */
    default void anomaly(String invoiceId, String what) {}

    /**
     * A transaction that claims fresh invoices has ended. How long the provider took is told by {@link #settled}.
     *
     * @param invoices how many it claimed; zero if another held, or had claimed, all that it looked at
     * @param time how long it took, with the wait for a connection
     */
    default void claimTook(int invoices, Duration time) {}

    /**
     * An outcome of a call was settled. In {@link LockScope#THROUGH_CALL} the time counts from the provider's answer. In
     * {@link LockScope#CLAIM_ONLY} several outcomes may share a transaction; each is told by itself, with the time of all.
     *
     * @param invoices how many outcomes: 1
     * @param time how long the transaction took, with the wait for a connection
     */
    default void settleTook(int invoices, Duration time) {}

    /**
     * A run of this server has ended, also one that ends with an exception, which is thrown afterwards.
     *
     * @param run its counts, and why it ended
     */
    default void runEnded(BillingRun run) {}
}
