package io.github.invoicelock;

import java.time.Duration;

/**
 * Talks to the payment provider: the host's code, Stripe's client for example.
 *
 * <p>Called from several threads at once, so it must be thread-safe. No transaction that it could take part in is open on the
 * calling thread. A call that outlasts {@link BillingRequest#timeout()} is interrupted and its outcome taken as unknown. If it answers
 * later that the invoice was charged, that is still written.
 *
 * <p>Whatever happens, tell what is <em>known</em>:
 *
 * <ul>
 *   <li>{@link BillingOutcome#declined} only if this key can never charge again;
 *   <li>{@link BillingOutcome#notBilled} only if this request surely did nothing (429, connection refused);
 *   <li>everything else, and every exception, is {@link BillingOutcome#unknown}: it is found out about later, under the same key.
 * </ul>
 *
 * <p>Exceptions are logged at WARN, once for a run and kind, so that a bug is not taken for a provider that is away. Where the text of one
 * quotes the invoice, its class and frames alone are.
 *
 * <p>Switch the provider client's own retries off: the library's are journaled, the client's are not.
 */
@FunctionalInterface
public interface BillingGateway {

    /**
     * Charges one invoice.
     *
     * @param request what to charge, and the idempotency key that must reach the provider unchanged
     * @return what is known about the charge; never null (null is taken for an unknown outcome)
     * @throws Exception taken for an unknown outcome. An {@link Error} is journaled as unknown too, then ends the run.
     */
    BillingOutcome bill(BillingRequest request) throws Exception;

    /**
     * Whether the provider can be asked what became of a key: whether {@link #find} does so. By default it is what the class shows: true
     * where it has a {@code find} of its own. A gateway around another hands on what that one says, for its own class shows nothing of it;
     * a proxy does so by itself. {@link LockingInvoiceBiller.Builder#build()} refuses a yes without a {@code find}.
     *
     * @return the same at each call. In a native image, which keeps no names of methods, the default is false: say it there
     */
    default boolean canBeAsked() {
        try {
            return getClass().getMethod("find", BillingRequest.class).getDeclaringClass() != BillingGateway.class;
        } catch (NoSuchMethodException e) {
            return false;
        }
    }

    /**
     * Asks the provider what became of a key, without charging anything. Where {@link #canBeAsked()} is true it is called before a
     * key whose outcome is unknown is sent again, and for attempts that the provider had accepted.
     *
     * <p>Use a read-after-write look-up, or declare {@link #findLag()}: Stripe's Search, for one, is
     * <a href="https://docs.stripe.com/search#data-freshness">up to a minute behind, and up to an hour in outages</a>.
     *
     * @param request the request as it was (or would have been) sent; its invoice is the snapshot of then
     * @return {@link BillingOutcome#notBilled} if the provider has never seen the key, {@link BillingOutcome#unknown} if it
     *     cannot tell (the default), else what became of it; never null
     * @throws Exception the provider could not be asked just now; it is asked again later
     */
    default BillingOutcome find(BillingRequest request) throws Exception {
        return BillingOutcome.unknown("this gateway cannot look up a charge");
    }

    /**
     * How long the provider remembers an idempotency key, counted from its first use: while it does, the same key again charges
     * nothing more. Zero (the default): it remembers nothing. State less than the provider promises, never more; Stripe
     * <a href="https://docs.stripe.com/api/idempotent_requests">may prune keys after 24 hours</a>.
     *
     * @return zero or positive; the same at each call
     */
    default Duration idempotencyWindow() {
        return Duration.ZERO;
    }

    /**
     * How far {@link #find} may lag behind the provider's charges: "never seen" is believed only when a request that may have been
     * sent is older than this. Zero (the default) for a consistent look-up.
     *
     * @return zero or positive; the same at each call
     */
    default Duration findLag() {
        return Duration.ZERO;
    }
}
