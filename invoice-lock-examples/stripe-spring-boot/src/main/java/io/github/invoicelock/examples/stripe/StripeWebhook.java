package io.github.invoicelock.examples.stripe;

import com.stripe.exception.EventDataObjectDeserializationException;
import com.stripe.exception.SignatureVerificationException;
import com.stripe.model.Event;
import com.stripe.model.EventDataObjectDeserializer;
import com.stripe.model.PaymentIntent;
import com.stripe.model.StripeObject;
import com.stripe.net.Webhook;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockingInvoiceBiller;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;

/**
 * Takes what Stripe tells of payment intents: bank debits settle days after they were accepted, and a charge whose answer was lost is told
 * here, too. May come late, early, twice and out of order: the biller sorts that out.
 */
@RestController
class StripeWebhook {
    private static final Logger LOG = LoggerFactory.getLogger(StripeWebhook.class);

    private final LockingInvoiceBiller biller;
    private final StripeProperties properties;

    StripeWebhook(LockingInvoiceBiller biller, StripeProperties properties) {
        this.biller = biller;
        this.properties = properties;
    }

    /** The body as it came: the signature is of its bytes. What is thrown here is a 500, and Stripe comes again. */
    @PostMapping("/stripe/webhook")
    ResponseEntity<String> told(@RequestBody String body, @RequestHeader("Stripe-Signature") String signature)
            throws EventDataObjectDeserializationException {
        Event event;
        try {
            event = Webhook.constructEvent(body, signature, properties.webhookSecret());
        } catch (SignatureVerificationException e) {
            return ResponseEntity.status(HttpStatus.BAD_REQUEST).body("The signature is not Stripe's.");
        }
        if (event.getType().startsWith("payment_intent.") && object(event) instanceof PaymentIntent intent) {
            report(intent);
        }
        return ResponseEntity.ok("");
    }

    private void report(PaymentIntent intent) {
        String key = intent.getMetadata().get(StripeGateway.KEY);
        if (key == null) {
            return; // not made by this gateway
        }
        try {
            biller.report(key, StripeOutcome.of(intent));
        } catch (DatabaseException e) {
            throw e;
        } catch (InvoiceLockException e) {
            // Another application's: told to it by an endpoint of its own.
            LOG.warn("{} is nobody's here: {}", intent.getId(), e.getMessage());
        }
    }

    private static StripeObject object(Event event) throws EventDataObjectDeserializationException {
        EventDataObjectDeserializer data = event.getDataObjectDeserializer();
        // Empty where the account's API version is not the client's; what is read of a payment intent is the same in
        // all.
        return data.getObject().isPresent() ? data.getObject().get() : data.deserializeUnsafe();
    }
}
