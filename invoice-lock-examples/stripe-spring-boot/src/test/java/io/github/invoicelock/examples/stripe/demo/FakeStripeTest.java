package io.github.invoicelock.examples.stripe.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.examples.stripe.demo.FakeStripe.Fault;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The rules of idempotent requests, as Stripe documents them. */
class FakeStripeTest {
    private final HandMovedClock clock = new HandMovedClock();
    private final FakeStripe stripe = start(clock);
    private final HttpClient client = HttpClient.newHttpClient();

    @AfterEach
    void close() {
        stripe.close();
    }

    @ParameterizedTest
    @CsvSource({"pm_card_visa, 200, 1", "pm_card_visa_chargeDeclined, 402, 0", "no_such_method, 400, 0"})
    void what_was_executed_is_replayed(String method, int status, int charges) throws Exception {
        HttpResponse<String> first = charge("k", "5", method);
        HttpResponse<String> again = charge("k", "5", method);

        assertThat(first.statusCode()).isEqualTo(status);
        assertThat(replayed(first)).isFalse();
        assertThat(again.statusCode()).isEqualTo(status);
        assertThat(again.body()).isEqualTo(first.body());
        assertThat(replayed(again)).isTrue();
        assertThat(stripe.ledger().getOrDefault("1", 0)).isEqualTo(charges);
    }

    @Test
    void a_500_is_saved_whether_it_charged_or_not() throws Exception {
        stripe.goWrong("1", Fault.ERROR_BEFORE_CHARGE);
        assertThat(charge("k", "5", "pm_card_visa").statusCode()).isEqualTo(500);
        assertThat(charge("k", "5", "pm_card_visa").statusCode()).isEqualTo(500);
        assertThat(stripe.ledger()).isEmpty();
        stripe.goWrong("1", Fault.ERROR_AFTER_CHARGE);
        assertThat(charge("k2", "5", "pm_card_visa").statusCode()).isEqualTo(500);
        assertThat(charge("k2", "5", "pm_card_visa").statusCode()).isEqualTo(500);
        assertThat(stripe.ledger()).containsEntry("1", 1);
    }

    @Test
    void other_parameters_under_a_key_are_an_error_and_harm_nothing() throws Exception {
        charge("k", "5", "pm_card_visa");
        HttpResponse<String> other = charge("k", "6", "pm_card_visa");
        assertThat(other.statusCode()).isEqualTo(400);
        assertThat(other.body()).contains("idempotency_error");
        assertThat(charge("k", "5", "pm_card_visa").statusCode()).isEqualTo(200);
    }

    @Test
    void what_was_not_executed_is_not_saved() throws Exception {
        assertThat(charge("k", "-5", "pm_card_visa").statusCode()).isEqualTo(400);
        stripe.goWrong("1", Fault.RATE_LIMITED);
        HttpResponse<String> limited = charge("k", "5", "pm_card_visa");
        assertThat(limited.statusCode()).isEqualTo(429);
        assertThat(limited.headers().firstValue("Retry-After")).contains("1");
        stripe.goWrong("1", Fault.FORBIDDEN);
        assertThat(charge("k", "5", "pm_card_visa").statusCode()).isEqualTo(403);
        assertThat(post("k", "5", "pm_card_visa", "wrong").statusCode()).isEqualTo(401);

        HttpResponse<String> atLast = charge("k", "5", "pm_card_visa");
        assertThat(atLast.statusCode()).isEqualTo(200);
        assertThat(replayed(atLast)).isFalse();
    }

    @Test
    void a_rate_limit_comes_before_the_key_is_looked_at() throws Exception {
        charge("k", "5", "pm_card_visa");
        stripe.goWrong("1", Fault.RATE_LIMITED);
        assertThat(charge("k", "5", "pm_card_visa").statusCode()).isEqualTo(429);
        assertThat(charge("k", "5", "pm_card_visa").statusCode()).isEqualTo(200);
    }

    @Test
    void a_key_is_forgotten_after_a_day_and_then_charges_anew() throws Exception {
        charge("k", "5", "pm_card_visa");
        clock.pass(Duration.ofHours(24).minusSeconds(1));
        charge("k", "5", "pm_card_visa");
        assertThat(stripe.ledger()).containsEntry("1", 1);
        clock.pass(Duration.ofSeconds(1));
        charge("k", "5", "pm_card_visa");
        assertThat(stripe.ledger()).containsEntry("1", 2);
    }

    private HttpResponse<String> charge(String key, String amount, String method)
            throws IOException, InterruptedException {
        return post(key, amount, method, "sk_test_1");
    }

    private HttpResponse<String> post(String key, String amount, String method, String apiKey)
            throws IOException, InterruptedException {
        return client.send(
                HttpRequest.newBuilder(URI.create(stripe.apiBase() + "/v1/payment_intents"))
                        .header("Authorization", "Bearer " + apiKey)
                        .header("Idempotency-Key", key)
                        .POST(HttpRequest.BodyPublishers.ofString("amount=" + amount
                                + "&currency=eur&customer=cus_1&payment_method=" + method
                                + "&metadata%5Binvoice_id%5D=1"))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private static boolean replayed(HttpResponse<String> response) {
        return response.headers().firstValue("Idempotent-Replayed").isPresent();
    }

    private static FakeStripe start(Clock clock) {
        try {
            return FakeStripe.start(clock, "whsec_test");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
