package io.github.invoicelock.examples.stripe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import com.stripe.exception.ApiConnectionException;
import com.stripe.exception.StripeException;
import com.stripe.model.PaymentIntent;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingOutcome.Accepted;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.BillingOutcome.Declined;
import io.github.invoicelock.BillingOutcome.NotBilled;
import io.github.invoicelock.BillingOutcome.Unknown;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.examples.stripe.demo.FakeStripe;
import io.github.invoicelock.examples.stripe.demo.FakeStripe.Fault;
import io.github.invoicelock.examples.stripe.demo.FakeStripe.Request;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

/** What each of Stripe's answers means for an invoice, through Stripe's own client. */
class StripeGatewayTest {
    private static final String KEY = "0f0f0f0f-0f0f-8f0f-8f0f-0f0f0f0f0f0f";

    private final FakeStripe stripe = start();
    private final StripeGateway gateway = gateway("sk_test_1", stripe.apiBase());

    @AfterEach
    void close() {
        stripe.close();
    }

    @Test
    void a_charge_is_billed_with_the_attempts_key_and_everything_from_the_snapshot() {
        assertThat(gateway.bill(request("7", "pm_card_visa"))).isEqualTo(BillingOutcome.billed("pi_1"));

        assertThat(stripe.requests()).hasSize(1);
        Request sent = stripe.requests().get(0);
        assertThat(sent.idempotencyKey()).isEqualTo(KEY);
        assertThat(sent.parameters())
                .containsEntry("amount", "1234")
                .containsEntry("currency", "eur")
                .containsEntry("customer", "cus_1")
                .containsEntry("payment_method", "pm_card_visa")
                .containsEntry("confirm", "true")
                .containsEntry("off_session", "true")
                .containsEntry("metadata[invoice_id]", "7")
                .containsEntry("metadata[idempotency_key]", KEY);
    }

    @Test
    void the_same_key_again_charges_nothing_more() {
        gateway.bill(request("7", "pm_card_visa"));
        assertThat(gateway.bill(request("7", "pm_card_visa"))).isEqualTo(BillingOutcome.billed("pi_1"));
        assertThat(stripe.ledger()).containsEntry("7", 1);
    }

    @ParameterizedTest
    @CsvSource({
        "pm_card_visa_chargeDeclined, generic_decline",
        "pm_card_visa_chargeDeclinedInsufficientFunds, insufficient_funds",
        "pm_card_chargeDeclinedExpiredCard, expired_card",
        "pm_card_authenticationRequired, authentication_required"
    })
    void a_card_error_is_declined_with_its_code_and_so_it_stays(String card, String code) throws StripeException {
        assertThat(declined(gateway.bill(request("7", card))).code()).isEqualTo(code);
        assertThat(declined(gateway.bill(request("7", card))).code())
                .as("replayed")
                .isEqualTo(code);
        assertThat(declined(gateway.find(request("7", card))).code())
                .as("found")
                .isEqualTo(code);
        assertThat(stripe.ledger()).isEmpty();
    }

    @Test
    void a_bank_debit_is_accepted() throws StripeException {
        BillingRequest debit = request("7", "pm_usBankAccount_success");
        assertThat(gateway.bill(debit)).isEqualTo(new Accepted("pi_1", Duration.ofHours(6)));
        assertThat(gateway.find(debit)).isInstanceOf(Accepted.class);
        stripe.settleDebit("7", true);
        assertThat(gateway.find(debit)).isEqualTo(BillingOutcome.billed("pi_1"));
    }

    @Test
    void a_bank_debit_that_the_bank_refuses_is_declined() throws StripeException {
        BillingRequest debit = request("7", "pm_usBankAccount_success");
        gateway.bill(debit);
        stripe.settleDebit("7", false);
        assertThat(declined(gateway.find(debit)).code()).isEqualTo("debit_not_authorized");
    }

    @Test
    void rate_limited_is_not_billed_and_says_when_to_come_back() {
        stripe.goWrong("7", Fault.RATE_LIMITED);
        assertThat(gateway.bill(request("7", "pm_card_visa")))
                .isInstanceOfSatisfying(
                        NotBilled.class,
                        outcome -> assertThat(outcome.retryAfter()).isEqualTo(Duration.ofSeconds(1)));
        assertThat(gateway.bill(request("7", "pm_card_visa"))).as("not saved").isEqualTo(BillingOutcome.billed("pi_1"));
    }

    @Test
    void a_lock_that_another_request_holds_is_unknown() {
        stripe.goWrong("7", Fault.LOCK_TIMEOUT);
        assertThat(gateway.bill(request("7", "pm_card_visa"))).isInstanceOf(Unknown.class);
    }

    @Test
    void a_key_that_stripe_does_not_know_or_that_may_not_charge_is_not_billed() {
        assertThat(gateway("sk_live_oh_no", stripe.apiBase()).bill(request("7", "pm_card_visa")))
                .isInstanceOfSatisfying(
                        NotBilled.class,
                        outcome -> assertThat(outcome.reason()).startsWith("AuthenticationException 401"));
        stripe.goWrong("7", Fault.FORBIDDEN);
        assertThat(gateway.bill(request("7", "pm_card_visa")))
                .isInstanceOfSatisfying(
                        NotBilled.class, outcome -> assertThat(outcome.reason()).startsWith("PermissionException 403"));
    }

    @Test
    void a_request_that_fails_validation_is_not_billed_because_its_key_is_still_free() {
        BillingRequest invalid = request("7", "pm_card_visa", -5);
        assertThat(gateway.bill(invalid)).isInstanceOf(NotBilled.class);
        assertThat(gateway.bill(invalid)).as("not saved").isInstanceOf(NotBilled.class);
        assertThat(gateway.bill(request("7", "pm_card_visa"))).isInstanceOf(Billed.class);
    }

    @Test
    void an_invalid_request_that_was_executed_is_declined_once_its_key_replays_it() {
        assertThat(gateway.bill(request("7", "nonsense"))).isInstanceOf(NotBilled.class);
        assertThat(declined(gateway.bill(request("7", "nonsense"))).code()).isEqualTo("resource_missing");
    }

    @Test
    void other_parameters_under_the_same_key_are_unknown() {
        gateway.bill(request("7", "pm_card_visa"));
        assertThat(gateway.bill(request("7", "pm_card_visa", 99)))
                .isInstanceOfSatisfying(
                        Unknown.class, outcome -> assertThat(outcome.reason()).startsWith("IdempotencyException 400"));
    }

    @Test
    void another_request_under_the_same_key_is_unknown() throws InterruptedException {
        stripe.goWrong("7", Fault.SLOW);
        CompletableFuture<BillingOutcome> first =
                CompletableFuture.supplyAsync(() -> gateway.bill(request("7", "pm_card_visa")));
        stripe.awaitReached();
        assertThat(gateway.bill(request("7", "pm_card_visa")))
                .isInstanceOfSatisfying(
                        Unknown.class, outcome -> assertThat(outcome.reason()).contains("409"));
        stripe.release();
        assertThat(first.orTimeout(60, TimeUnit.SECONDS).join()).isEqualTo(BillingOutcome.billed("pi_1"));
    }

    @ParameterizedTest
    @EnumSource(names = {"ERROR_AFTER_CHARGE", "CONNECTION_LOST"})
    void an_answer_that_was_lost_is_unknown_and_found(Fault fault) throws StripeException {
        stripe.goWrong("7", fault);
        assertThat(gateway.bill(request("7", "pm_card_visa"))).isInstanceOf(Unknown.class);
        assertThat(gateway.find(request("7", "pm_card_visa"))).isEqualTo(BillingOutcome.billed("pi_1"));
        assertThat(stripe.requests().stream().filter(sent -> sent.method().equals("POST")))
                .as("neither Stripe's client nor the JDK's sends again by itself")
                .hasSize(1);
    }

    @Test
    void a_saved_error_stays_unknown_however_often_it_is_replayed() throws StripeException {
        stripe.goWrong("7", Fault.ERROR_BEFORE_CHARGE);
        assertThat(gateway.bill(request("7", "pm_card_visa"))).isInstanceOf(Unknown.class);
        assertThat(gateway.bill(request("7", "pm_card_visa"))).isInstanceOf(Unknown.class);
        assertThat(gateway.find(request("7", "pm_card_visa"))).isInstanceOf(NotBilled.class);
    }

    @Test
    void a_time_out_is_unknown_and_within_the_requests_bound() {
        stripe.goWrong("7", Fault.NO_ANSWER);
        BillingRequest hasty =
                new BillingRequest("7", KEY, 1, request("7", "pm_card_visa").invoice(), Duration.ofMillis(400));
        assertThat(gateway.bill(hasty))
                .isInstanceOfSatisfying(
                        Unknown.class, outcome -> assertThat(outcome.reason()).startsWith("ApiConnectionException"));
    }

    @Test
    void a_refused_connection_is_unknown_and_cannot_be_asked() {
        StripeGateway nobody = gateway("sk_test_1", "http://127.0.0.1:1");
        assertThat(nobody.bill(request("7", "pm_card_visa"))).isInstanceOf(Unknown.class);
        assertThatThrownBy(() -> nobody.find(request("7", "pm_card_visa"))).isInstanceOf(ApiConnectionException.class);
    }

    @Test
    void what_stripe_never_saw_is_not_billed() throws StripeException {
        gateway.bill(request("8", "pm_card_visa"));
        assertThat(gateway.find(request("7", "pm_card_visa", 1, "1a1a1a1a-1a1a-8a1a-8a1a-1a1a1a1a1a1a")))
                .isInstanceOf(NotBilled.class);
    }

    @Tag("thorough")
    @Test
    void a_charge_is_found_on_any_page_of_the_customers_list() throws StripeException {
        gateway.bill(request("7", "pm_card_visa"));
        for (int other = 0; other < 205; other++) {
            gateway.bill(request("8", "pm_card_visa", 1, "key-" + other));
        }
        assertThat(gateway.find(request("7", "pm_card_visa"))).isEqualTo(BillingOutcome.billed("pi_1"));
        assertThat(stripe.requests().stream()
                        .filter(sent -> sent.method().equals("GET"))
                        .map(Request::path)
                        .distinct())
                .as("lists, never Search")
                .containsExactly("/v1/payment_intents");
    }

    @ParameterizedTest
    @ValueSource(strings = {"requires_action", "requires_confirmation", "requires_capture", "requires_payment_method"})
    void an_intent_that_may_still_charge_is_unknown(String status) {
        PaymentIntent intent = new PaymentIntent();
        intent.setId("pi_9");
        intent.setStatus(status);
        assertThat(StripeOutcome.of(intent)).isInstanceOf(Unknown.class);
    }

    @Test
    void a_canceled_intent_is_declined() {
        PaymentIntent intent = new PaymentIntent();
        intent.setId("pi_9");
        intent.setStatus("canceled");
        assertThat(declined(StripeOutcome.of(intent)).code()).isEqualTo("canceled");
    }

    @Test
    void less_is_promised_than_stripe_keeps() {
        assertThat(gateway.idempotencyWindow()).isLessThan(Duration.ofHours(24));
    }

    @Test
    void a_jdk_that_would_send_again_by_itself_is_refused() {
        String before = System.setProperty("sun.net.http.retryPost", "true");
        try {
            assertThatThrownBy(() -> gateway("sk_test_1", stripe.apiBase()))
                    .hasMessageContaining("sun.net.http.retryPost must be \"false\"");
        } finally {
            System.setProperty("sun.net.http.retryPost", String.valueOf(before));
        }
    }

    private static Declined declined(BillingOutcome outcome) {
        assertThat(outcome).isInstanceOf(Declined.class);
        return (Declined) outcome;
    }

    private static BillingRequest request(String invoice, String paymentMethod) {
        return request(invoice, paymentMethod, 1234);
    }

    private static BillingRequest request(String invoice, String paymentMethod, long amount) {
        return request(invoice, paymentMethod, amount, KEY);
    }

    private static BillingRequest request(String invoice, String paymentMethod, long amount, String key) {
        Record row = DSL.using(SQLDialect.POSTGRES)
                .newRecord(
                        field(name("amount_cents"), Long.class),
                        field(name("currency"), String.class),
                        field(name("stripe_customer"), String.class),
                        field(name("payment_method"), String.class),
                        field(name("created_at"), OffsetDateTime.class))
                .values(
                        amount,
                        "eur",
                        "cus_1",
                        paymentMethod,
                        OffsetDateTime.now(ZoneOffset.UTC).minusDays(1));
        return new BillingRequest(invoice, key, 1, row, Duration.ofSeconds(20));
    }

    private static StripeGateway gateway(String apiKey, String apiBase) {
        return new StripeGateway(new StripeHost().stripe(new StripeProperties(apiKey, apiBase, "whsec_test")));
    }

    private static FakeStripe start() {
        try {
            return FakeStripe.start(Clock.systemUTC(), "whsec_test");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void stripe_itself_is_called_unless_another_address_is_given() {
        MapConfigurationPropertySource given = new MapConfigurationPropertySource(
                Map.of("stripe.api-key", "sk_test_1", "stripe.webhook-secret", "whsec_test"));

        assertThat(new Binder(given)
                        .bind("stripe", StripeProperties.class)
                        .get()
                        .apiBase())
                .isEqualTo("https://api.stripe.com");
    }

    @Test
    void secrets_are_in_no_text() {
        assertThat(new StripeProperties("sk_test_1", "x", "whsec_test").toString())
                .doesNotContain("sk_test", "whsec");
    }
}
