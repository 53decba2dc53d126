package io.github.invoicelock.examples.stripe;

import static org.jooq.impl.DSL.field;

import com.stripe.StripeClient;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.RetryPolicy;
import java.time.Duration;
import java.util.Optional;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.annotation.EnableScheduling;

/** The host: what it tells invoice-lock of its table, its provider and its patience. The biller itself is auto-configured. */
@SpringBootApplication
@EnableScheduling
@EnableConfigurationProperties(StripeProperties.class)
public class StripeHost {
    private static final int MOST_CARDS = 3;

    /**
     * Starts one server.
     *
     * @param arguments Spring's
     */
    public static void main(String[] arguments) {
        // Before its first request: the JDK's HTTP client would send a POST again by itself.
        System.setProperty("sun.net.http.retryPost", "false");
        SpringApplication.run(StripeHost.class, arguments);
    }

    @Bean
    InvoiceTable invoices() {
        return InvoiceTable.named("invoices")
                .orderedBy("created_at")
                .storeReferenceIn("payment_intent")
                .storeBilledAtIn("billed_at")
                .including(
                        field(
                                        "(select c.stripe_customer from customers c where c.id = invoices.customer_id)",
                                        String.class)
                                .as("stripe_customer"),
                        field(
                                        "(select c.payment_method from customers c where c.id = invoices.customer_id)",
                                        String.class)
                                .as("payment_method"));
    }

    @Bean
    StripeClient stripe(StripeProperties properties) {
        return StripeClient.builder()
                .setApiKey(properties.apiKey())
                .setApiBase(properties.apiBase())
                .setMaxNetworkRetries(0) // the library's retries are journaled, the client's are not
                .build();
    }

    @Bean
    StripeGateway gateway(StripeClient stripe) {
        return new StripeGateway(stripe);
    }

    /** An empty account may be full in some days: a new key then, with the payment method that the customer has by then. */
    @Bean
    RetryPolicy retryPolicy(
            @Value("${billing.empty-account:PT72H}") Duration emptyAccount,
            @Value("${billing.try-again:PT0S}") Duration tryAgain) {
        RetryPolicy others = tryAgain.isZero() ? RetryPolicy.standard() : RetryPolicy.every(tryAgain, 5);
        return attempt -> attempt.state() == AttemptState.DECLINED
                ? Optional.of(emptyAccount)
                        .filter(delay -> "insufficient_funds".equals(attempt.code()) && attempt.number() < MOST_CARDS)
                : others.nextTry(attempt);
    }
}
