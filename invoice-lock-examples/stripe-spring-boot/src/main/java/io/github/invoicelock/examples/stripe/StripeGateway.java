package io.github.invoicelock.examples.stripe;

import com.stripe.StripeClient;
import com.stripe.exception.StripeException;
import com.stripe.model.PaymentIntent;
import com.stripe.net.RequestOptions;
import com.stripe.param.PaymentIntentCreateParams;
import com.stripe.param.PaymentIntentCreateParams.AutomaticPaymentMethods;
import com.stripe.param.PaymentIntentListParams;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import java.time.Duration;
import java.time.OffsetDateTime;
import org.jooq.Record;
import org.jspecify.annotations.Nullable;

/**
 * Charges an invoice with Stripe: a payment intent, created and confirmed in one request, without the customer being there. Everything
 * that is sent comes from the snapshot, so that the same key always means the same request. Thread-safe.
 */
final class StripeGateway implements BillingGateway {
    /** Under which a payment intent carries the attempt's key: Stripe itself does not tell which key made it. */
    static final String KEY = "idempotency_key";

    static final String INVOICE = "invoice_id";

    /** How far clocks may be apart: a payment intent is never older than its invoice. */
    private static final Duration CLOCKS_APART = Duration.ofHours(1);

    private static final long MOST_ON_A_PAGE = 100;

    private final StripeClient stripe;

    StripeGateway(StripeClient stripe) {
        if (!"false".equals(System.getProperty("sun.net.http.retryPost"))) {
            throw new IllegalStateException(
                    "The system property sun.net.http.retryPost must be \"false\" before the first "
                            + "request: Stripe's client uses java.net.HttpURLConnection, which sends a POST again by itself where the "
                            + "connection breaks, and no journal would know.");
        }
        this.stripe = stripe;
    }

    @Override
    public BillingOutcome bill(BillingRequest request) {
        try {
            return StripeOutcome.of(
                    stripe.paymentIntents().create(charge(request), options(request, request.idempotencyKey())));
        } catch (StripeException e) {
            return StripeOutcome.of(e);
        }
    }

    private static PaymentIntentCreateParams charge(BillingRequest request) {
        Record invoice = request.invoice();
        return PaymentIntentCreateParams.builder()
                .setAmount(invoice.get("amount_cents", Long.class))
                .setCurrency(invoice.get("currency", String.class))
                .setCustomer(invoice.get("stripe_customer", String.class))
                .setPaymentMethod(invoice.get("payment_method", String.class))
                .setConfirm(true)
                .setOffSession(true)
                // Nobody is there to be redirected.
                .setAutomaticPaymentMethods(AutomaticPaymentMethods.builder()
                        .setEnabled(true)
                        .setAllowRedirects(AutomaticPaymentMethods.AllowRedirects.NEVER)
                        .build())
                .setDescription("Invoice " + request.invoiceId())
                .putMetadata(INVOICE, request.invoiceId())
                .putMetadata(KEY, request.idempotencyKey())
                .build();
    }

    @Override
    public boolean canBeAsked() {
        return true;
    }

    /**
     * By the list of the customer's payment intents, which is up to date; never by Search, which lags.
     *
     * @throws StripeException where Stripe cannot be asked just now; it is asked again later
     */
    @Override
    public BillingOutcome find(BillingRequest request) throws StripeException {
        Record invoice = request.invoice();
        PaymentIntentListParams since = PaymentIntentListParams.builder()
                .setCustomer(invoice.get("stripe_customer", String.class))
                .setCreated(PaymentIntentListParams.Created.builder()
                        .setGte(invoice.get("created_at", OffsetDateTime.class)
                                .minus(CLOCKS_APART)
                                .toEpochSecond())
                        .build())
                .setLimit(MOST_ON_A_PAGE)
                .build();
        for (PaymentIntent intent :
                stripe.paymentIntents().list(since, options(request, null)).autoPagingIterable()) {
            if (request.idempotencyKey().equals(intent.getMetadata().get(KEY))) {
                return StripeOutcome.of(intent);
            }
        }
        return BillingOutcome.notBilled("Stripe has no payment intent with this key.");
    }

    /** Stripe may prune keys after 24 hours. */
    @Override
    public Duration idempotencyWindow() {
        return Duration.ofHours(23);
    }

    /** The client cannot be interrupted, so its own time-outs must end a call that takes too long. */
    private static RequestOptions options(BillingRequest request, @Nullable String idempotencyKey) {
        int millis = Math.toIntExact(request.timeout().toMillis());
        RequestOptions.RequestOptionsBuilder options = RequestOptions.builder()
                .setConnectTimeout(Math.max(1, millis / 4))
                .setReadTimeout(Math.max(1, millis - millis / 4));
        return idempotencyKey == null
                ? options.build()
                : options.setIdempotencyKey(idempotencyKey).build();
    }
}
