package io.github.invoicelock.examples.stripe;

import com.stripe.Stripe;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How Stripe is reached.
 *
 * @param apiKey secret, or restricted to writing payment intents
 * @param apiBase Stripe's own, unless told otherwise
 * @param webhookSecret of this endpoint; signs what Stripe tells
 */
@ConfigurationProperties("stripe")
public record StripeProperties(
        String apiKey, @DefaultValue(Stripe.LIVE_API_BASE) String apiBase, String webhookSecret) {

    /** Without the secrets. */
    @Override
    public String toString() {
        return "StripeProperties[apiBase=" + apiBase + "]";
    }
}
