package io.github.invoicelock.examples.stripe;

import com.stripe.exception.ApiConnectionException;
import com.stripe.exception.AuthenticationException;
import com.stripe.exception.CardException;
import com.stripe.exception.IdempotencyException;
import com.stripe.exception.InvalidRequestException;
import com.stripe.exception.RateLimitException;
import com.stripe.exception.StripeException;
import com.stripe.model.PaymentIntent;
import com.stripe.model.StripeError;
import com.stripe.net.StripeResponse;
import io.github.invoicelock.BillingOutcome;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

/** What Stripe's answers say about a charge: the whole table of it. */
final class StripeOutcome {
    /** Bank debits take days; the webhook is faster. */
    private static final Duration ASK_AGAIN = Duration.ofHours(6);

    private StripeOutcome() {}

    /** From an answer, a list or a webhook's event. */
    static BillingOutcome of(PaymentIntent intent) {
        if (intent.getId() == null || intent.getStatus() == null) {
            return BillingOutcome.unknown("what came back is no payment intent: a proxy's, perhaps");
        }
        return switch (intent.getStatus()) {
            case "succeeded" -> BillingOutcome.billed(intent.getId());
            case "processing" -> BillingOutcome.accepted(intent.getId(), ASK_AGAIN);
            // Without an error it may be seen between being created and being confirmed, by one request.
            case "requires_payment_method" ->
                intent.getLastPaymentError() == null
                        ? BillingOutcome.unknown(intent.getId() + " was not tried yet")
                        : refused(intent.getLastPaymentError());
            case "canceled" ->
                BillingOutcome.declined(
                        "canceled", intent.getId() + " was canceled: " + intent.getCancellationReason());
            // It may still charge when the customer, or somebody in the dashboard, goes on with it.
            default -> BillingOutcome.unknown(intent.getId() + " is " + intent.getStatus());
        };
    }

    /** From an exception of the client, after {@code create}. */
    static BillingOutcome of(StripeException e) {
        if (e instanceof CardException) {
            // 402: the endpoint was executed and its answer is saved under the key, which therefore never charges.
            return refused(e.getStripeError());
        }
        if (e instanceof IdempotencyException) {
            // The key was used with other parameters, so it says nothing of what those came to.
            return BillingOutcome.unknown(described(e));
        }
        if (e instanceof RateLimitException) {
            return rateLimited(e);
        }
        if (e instanceof InvalidRequestException) {
            // Parameters that fail validation are not saved: this request surely did nothing, and a deployment may cure
            // it for all. An
            // answer that comes from under the key is saved for as long as the key is: it never charges.
            return replayed(e)
                    ? BillingOutcome.declined(code(e).orElse("invalid_request"), described(e))
                    : BillingOutcome.notBilled(described(e));
        }
        if (e instanceof AuthenticationException) {
            // 401 and 403 come before the key is looked at, so nothing was done. Every invoice will meet it: R11 ends
            // the
            // run after invoice-lock.stop-after-failures of them, and gives back what is claimed.
            return BillingOutcome.notBilled(described(e));
        }
        if (e instanceof ApiConnectionException) {
            // Even a refused connection: what was sent before it broke, if anything, only the socket knows.
            return BillingOutcome.unknown(described(e));
        }
        // ApiException: 409, another request under the same key is being executed; 5xx, saved or not, the money may
        // have moved.
        return BillingOutcome.unknown(described(e));
    }

    private static BillingOutcome rateLimited(StripeException e) {
        if ("lock_timeout".equals(e.getCode())) {
            // Another request held an object of this one's; how far it had come by then is not documented.
            return BillingOutcome.unknown(described(e));
        }
        return header(e, "Retry-After")
                .filter(value -> value.matches("\\d{1,5}"))
                .map(seconds -> BillingOutcome.notBilled(described(e), Duration.ofSeconds(Long.parseLong(seconds))))
                .orElseGet(() -> BillingOutcome.notBilled(described(e)));
    }

    private static BillingOutcome refused(StripeError error) {
        String code = Stream.of(error.getDeclineCode(), error.getCode())
                .filter(each -> each != null)
                .findFirst()
                .orElse("card_declined");
        // The bank's own code is "authentication_required" as well; Stripe's is the one that tells what to do.
        return BillingOutcome.declined(
                "authentication_required".equals(error.getCode()) ? error.getCode() : code,
                error.getMessage() == null ? code : error.getMessage());
    }

    private static boolean replayed(StripeException e) {
        return header(e, "Idempotent-Replayed").filter("true"::equals).isPresent();
    }

    private static Optional<String> header(StripeException e, String name) {
        return Optional.ofNullable(e.getStripeError())
                .map(StripeError::getLastResponse)
                .map(StripeResponse::headers)
                .flatMap(headers -> headers.firstValue(name));
    }

    private static Optional<String> code(StripeException e) {
        return Optional.ofNullable(e.getCode());
    }

    /** Names the request, so that a person finds it in Stripe's dashboard. */
    private static String described(StripeException e) {
        return e.getClass().getSimpleName() + " " + (e.getStatusCode() == null ? "" : e.getStatusCode()) + ": "
                + e.getMessage();
    }
}
