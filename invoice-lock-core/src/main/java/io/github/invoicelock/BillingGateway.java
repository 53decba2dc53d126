package io.github.invoicelock;

import java.time.Duration;

/**
 * Talks to the payment provider. The host writes it, around the provider's client.
 *
 * <p>It is called from several threads at once, so it must be thread-safe. The calling thread has no open transaction that it could take
 * part in. A call that takes longer than {@link BillingRequest#timeout()} is interrupted, and its outcome is unknown. If it answers later
 * that the invoice was charged, that is still recorded.
 *
 * <p>Always tell what is <em>known</em>, and no more:
 *
 * <ul>
 *   <li>{@link BillingOutcome#billed} if the money moved;
 *   <li>{@link BillingOutcome#accepted} if the provider took the order and settles it later;
 *   <li>{@link BillingOutcome#declined} only if this key can never charge again;
 *   <li>{@link BillingOutcome#notBilled} only if this request surely did nothing (429, connection refused);
 *   <li>{@link BillingOutcome#unknown}, or an exception, in all other cases. The library finds the outcome later, under the same key.
 * </ul>
 *
 * <p>Exceptions are logged at WARN, once for a run and kind, so that you notice a defect of the gateway. If the text of an exception quotes
 * the invoice, only its class and frames are logged.
 *
 * <p>Switch off the retries of the provider's client. The library journals its own retries, and cannot see the client's.
 */
@FunctionalInterface
public interface BillingGateway {

    /**
     * Charges one invoice.
     *
     * @param request what to charge, and the idempotency key that must reach the provider unchanged
     * @return what is known about the charge; not null, which counts as unknown
     * @throws Exception counts as unknown. An {@link Error} counts as unknown, too, and then ends the run
     */
    BillingOutcome bill(BillingRequest request) throws Exception;

    /**
     * Whether the provider can be asked what became of a key, by {@link #find}. By default this is true if the class has a {@code find} of its
     * own. If your gateway wraps another, return the answer of that one; a proxy does so by itself.
     * {@link LockingInvoiceBiller.Builder#build()} refuses true without a {@code find}.
     *
     * @return the same at each call. In a native image, which keeps no names of methods, the default is false: override it there
     */
    default boolean canBeAsked() {
        try {
            return getClass().getMethod("find", BillingRequest.class).getDeclaringClass() != BillingGateway.class;
        } catch (NoSuchMethodException e) {
            return false;
        }
    }

    /**
     * Asks the provider what became of a key, without charging anything. If {@link #canBeAsked()} is true, the library calls this before it
     * sends a key of unknown outcome again, and for attempts that the provider has accepted.
     *
     * <p>Use a look-up that sees a charge at once, or declare {@link #findLag()}. Stripe's Search, for example, is
     * <a href="https://docs.stripe.com/search#data-freshness">up to a minute behind, and up to an hour in outages</a>.
     *
     * @param request the request as it was sent, or would have been; its invoice is the snapshot from the claim
     * @return {@link BillingOutcome#notBilled} if the provider has never seen the key, {@link BillingOutcome#unknown} if it cannot tell (the
     *     default), otherwise what became of it; not null
     * @throws Exception if the provider could not be asked just now; it is asked again later
     */
    default BillingOutcome find(BillingRequest request) throws Exception {
        return BillingOutcome.unknown("this gateway cannot look up a charge");
    }

    /**
     * How long the provider remembers an idempotency key, counted from its first use. During this time the same key charges nothing more. Zero
     * (the default): it remembers no keys. Declare less than the provider promises, never more. Stripe, for example,
     * <a href="https://docs.stripe.com/api/idempotent_requests">may prune keys after 24 hours</a>.
     *
     * @return zero or positive; the same at each call
     */
    default Duration idempotencyWindow() {
        return Duration.ZERO;
    }

    /**
     * How far {@link #find} may lag behind the provider's charges. "Never seen" is believed only if a request that may have been sent is older
     * than this. Zero (the default): {@code find} sees a charge at once.
     *
     * @return zero or positive; the same at each call
     */
    default Duration findLag() {
        return Duration.ZERO;
    }
}
