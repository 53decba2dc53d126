package io.github.invoicelock.examples.stripe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.StopReason;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.examples.stripe.demo.FakeStripe;
import io.github.invoicelock.examples.stripe.demo.FakeStripe.Fault;
import io.github.invoicelock.examples.stripe.demo.FakeStripe.Request;
import io.github.invoicelock.examples.stripe.demo.FakeStripe.SignedEvent;
import io.github.invoicelock.examples.stripe.demo.HandMovedClock;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** The whole host as it is, with a real PostgreSQL and Stripe's own client; its schedule sleeps. */
@Tag("thorough")
class StripeHostTest {
    private final PostgresDatabase database = PostgresServer.shared().createDatabase();
    private final HandMovedClock clock = new HandMovedClock();
    private final FakeStripe stripe = start(clock);
    private final ConfigurableApplicationContext host = host("sk_test_1");
    private final LockingInvoiceBiller biller = host.getBean(LockingInvoiceBiller.class);

    @AfterEach
    void close() {
        host.close();
        stripe.close();
        database.close();
    }

    @Test
    void every_journaled_call_is_sent_once_under_the_attempts_key() throws SQLException {
        invoices(6, "pm_card_visa");
        stripe.goWrong("2", Fault.RATE_LIMITED);
        stripe.goWrong("3", Fault.ERROR_BEFORE_CHARGE);
        stripe.goWrong("4", Fault.ERROR_AFTER_CHARGE);
        stripe.goWrong("5", Fault.CONNECTION_LOST);

        BillingRun run = biller.billPending();

        assertThat(run.billed()).isEqualTo(2);
        assertThat(run.notBilled()).isEqualTo(1);
        assertThat(run.inDoubt()).isEqualTo(3);
        Map<String, Long> sent = stripe.requests().stream()
                .filter(request -> request.method().equals("POST"))
                .map(Request::idempotencyKey)
                .collect(Collectors.groupingBy(String::valueOf, Collectors.counting()));
        Map<String, Long> journaled = java.util.stream.IntStream.rangeClosed(1, 6)
                .mapToObj(id -> biller.attempts(id).get(0))
                .collect(Collectors.toMap(BillingAttempt::idempotencyKey, attempt -> (long) attempt.calls()));
        assertThat(sent).isEqualTo(journaled);
        assertThat(journaled.values()).containsOnly(1L);
    }

    @Test
    void what_was_charged_without_an_answer_is_found_and_not_charged_again() throws SQLException {
        invoices(2, "pm_card_visa");
        stripe.goWrong("1", Fault.ERROR_AFTER_CHARGE);
        stripe.goWrong("2", Fault.CONNECTION_LOST);
        biller.billPending();
        makeEverythingDue();

        assertThat(biller.recover().billed()).isEqualTo(2);
        assertThat(stripe.ledger()).isEqualTo(Map.of("1", 1, "2", 1));
    }

    @Test
    void an_api_key_that_was_revoked_stops_the_run_and_leaves_no_invoice_in_doubt() throws SQLException {
        invoices(60, "pm_card_visa");
        try (ConfigurableApplicationContext revoked = host("revoked")) {
            BillingRun run = revoked.getBean(LockingInvoiceBiller.class).billPending();

            assertThat(run.stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
            assertThat(run.notBilled())
                    .as("nothing of what was taken up is in doubt or lost")
                    .isEqualTo(run.seen());
            assertThat(stripe.requests())
                    .as("five failures, and what was in flight beside them")
                    .hasSizeLessThanOrEqualTo(5 + 8 - 1);
        }
        makeEverythingDue();
        assertThat(biller.billPending().billed()).isEqualTo(60);
        assertThat(stripe.ledger().values()).hasSize(60).containsOnly(1);
    }

    @Test
    void what_was_charged_without_an_answer_is_found_although_stripe_has_forgotten_its_key() throws SQLException {
        invoices(1, "pm_card_visa");
        stripe.goWrong("1", Fault.CONNECTION_LOST);
        biller.billPending();
        clock.pass(Duration.ofHours(25));
        execute("update invoice_lock.billing_attempt set started_at = started_at - interval '25 hours'");
        makeEverythingDue();

        assertThat(biller.recover().billed()).isEqualTo(1);
        assertThat(stripe.requests().stream().filter(request -> request.method().equals("POST")))
                .as("the key would charge anew")
                .hasSize(1);
        assertThat(stripe.ledger()).isEqualTo(Map.of("1", 1));
    }

    @Test
    void a_key_that_saved_an_error_is_replayed_until_a_person_decides_and_then_another_charges() throws SQLException {
        invoices(1, "pm_card_visa");
        stripe.goWrong("1", Fault.ERROR_BEFORE_CHARGE);
        biller.billPending();
        makeEverythingDue();
        assertThat(biller.recover().inDoubt()).as("replayed").isEqualTo(1);

        biller.resolve(
                1, BillingOutcome.declined("saved_error", "500 under this key, and nothing charged"), "dashboard");
        assertThatThrownBy(() -> biller.retry(1)).hasMessageContaining("may be on its way to the provider until");
        execute("update invoice_lock.billing_attempt set lease_until = now() - interval '1 second'");
        biller.retry(1);

        assertThat(biller.recover().billed()).isEqualTo(1);
        assertThat(biller.attempts(1))
                .extracting(BillingAttempt::state)
                .containsExactly(AttemptState.DECLINED, AttemptState.BILLED);
        assertThat(stripe.ledger()).isEqualTo(Map.of("1", 1));
    }

    @Test
    void an_empty_account_gets_a_new_key_with_the_card_of_then() throws SQLException {
        invoices(1, "pm_card_visa_chargeDeclinedInsufficientFunds");
        assertThat(biller.billPending().declined()).isEqualTo(1);
        assertThat(biller.status().parked()).as("it is tried again by itself").isZero();
        execute("update customers set payment_method = 'pm_card_visa'");
        makeEverythingDue();

        assertThat(biller.recover().billed()).isEqualTo(1);
        assertThat(biller.attempts(1))
                .extracting(BillingAttempt::state)
                .containsExactly(AttemptState.DECLINED, AttemptState.BILLED);
    }

    @Test
    void another_refusal_waits_for_a_person() throws SQLException {
        invoices(1, "pm_card_authenticationRequired");
        biller.billPending();
        assertThat(biller.needsAttention()).extracting(BillingAttempt::code).containsExactly("authentication_required");
    }

    @Test
    void a_bank_debit_is_settled_by_the_webhook_told_once_or_twice() throws Exception {
        invoices(1, "pm_usBankAccount_success");
        assertThat(biller.billPending().accepted()).isEqualTo(1);
        SignedEvent event = stripe.settleDebit("1", true);

        assertThat(tell(event.body(), event.signature())).isEqualTo(200);
        assertThat(tell(event.body(), event.signature())).isEqualTo(200);

        assertThat(biller.attempts(1).get(0).state()).isEqualTo(AttemptState.BILLED);
        assertThat(biller.attempts(1).get(0).reference()).isEqualTo("pi_1");
    }

    @Test
    void a_bank_debit_that_the_bank_refuses_waits_for_a_person() throws Exception {
        invoices(1, "pm_usBankAccount_success");
        biller.billPending();
        SignedEvent event = stripe.settleDebit("1", false);

        assertThat(tell(event.body(), event.signature())).isEqualTo(200);

        assertThat(biller.needsAttention()).extracting(BillingAttempt::code).containsExactly("debit_not_authorized");
    }

    @Test
    void what_is_not_signed_by_stripe_is_refused_and_what_is_not_ours_is_ignored() throws Exception {
        invoices(1, "pm_usBankAccount_success");
        biller.billPending();
        SignedEvent event = stripe.settleDebit("1", true);

        assertThat(tell(event.body().replace("succeeded", "canceled"), event.signature()))
                .isEqualTo(400);
        assertThat(biller.attempts(1).get(0).state()).isEqualTo(AttemptState.ACCEPTED);

        execute("update invoice_lock.billing_attempt set idempotency_key = 'of another application'");
        assertThat(tell(event.body(), event.signature())).isEqualTo(200);
        assertThat(biller.attempts(1).get(0).state()).isEqualTo(AttemptState.ACCEPTED);
    }

    @Test
    void an_event_of_ten_minutes_ago_is_refused_for_it_may_be_a_replay() throws Exception {
        invoices(1, "pm_usBankAccount_success");
        biller.billPending();
        clock.pass(Duration.ofMinutes(-10));
        SignedEvent old = stripe.settleDebit("1", true);

        assertThat(tell(old.body(), old.signature())).isEqualTo(400);

        assertThat(biller.attempts(1).get(0).state()).isEqualTo(AttemptState.ACCEPTED);
    }

    @Test
    void an_event_that_cannot_be_written_is_told_again() throws Exception {
        invoices(1, "pm_usBankAccount_success");
        biller.billPending();
        SignedEvent event = stripe.settleDebit("1", true);

        execute("alter table invoice_lock.billing_attempt rename to gone");
        assertThat(tell(event.body(), event.signature())).isEqualTo(500);
        execute("alter table invoice_lock.gone rename to billing_attempt");
        assertThat(tell(event.body(), event.signature())).isEqualTo(200);
        assertThat(biller.attempts(1).get(0).state()).isEqualTo(AttemptState.BILLED);
    }

    @Test
    void the_metrics_page_shows_the_run_while_it_goes_on() throws Exception {
        invoices(6, "pm_card_visa");
        stripe.goWrong("3", Fault.SLOW);
        CompletableFuture<BillingRun> run = CompletableFuture.supplyAsync(biller::billPending);
        stripe.awaitReached();
        // Not by the page itself: it shows the journal as it was up to ten seconds ago.
        await().atMost(Duration.ofMinutes(1))
                .untilAsserted(() -> assertThat(get("/actuator/metrics/invoice.lock.outcomes?tag=outcome:billed"))
                        .contains("\"value\":5.0"));

        assertThat(run).isNotDone();
        assertThat(get("/actuator/prometheus"))
                .contains("invoice_lock_outcomes_total{biller=\"invoices\",outcome=\"billed\"} 5.0")
                .contains("invoice_lock_journal_in_flight{biller=\"invoices\"} 1.0")
                .contains(
                        "invoice_lock_run_seconds_count{biller=\"invoices\",run=\"bill_pending\",stopped=\"none_left\"} 0");

        stripe.release();
        assertThat(run.orTimeout(60, TimeUnit.SECONDS).join().billed()).isEqualTo(6);
        assertThat(get("/actuator/prometheus"))
                .contains(
                        "invoice_lock_run_seconds_count{biller=\"invoices\",run=\"bill_pending\",stopped=\"none_left\"} 1");
    }

    @Test
    void health_and_metrics_are_there_without_a_line_of_code() throws Exception {
        invoices(1, "pm_card_visa");
        biller.billPending();
        assertThat(get("/actuator/health")).contains("\"invoiceLock\"").contains("\"parked\":0");
        assertThat(get("/actuator/metrics/invoice.lock.outcomes?tag=outcome:billed"))
                .contains("\"value\":1.0");
    }

    @Test
    void the_endpoint_tells_how_things_stand_and_is_closed_for_decisions() throws Exception {
        invoices(2, "pm_card_authenticationRequired");
        biller.billPending();

        assertThat(get("/actuator/invoicelock")).contains("\"invoices\":{").contains("\"parked\":2");
        assertThat(get("/actuator/invoicelock/invoices")).contains("\"parked\":2");
        String first = get("/actuator/invoicelock/invoices/waiting?size=1");
        assertThat(first).contains("\"cause\":\"REFUSED\"").doesNotContain("cus_1");
        String next = first.replaceAll("(?s).*\"next\":\"([^\"]*)\".*", "$1");
        String second = get("/actuator/invoicelock/invoices/waiting?size=1&after="
                + URLEncoder.encode(next, StandardCharsets.UTF_8));
        assertThat(Stream.of(first, second).map(page -> page.replaceAll("(?s).*\"invoice\":\"(\\d+)\".*", "$1")))
                .as("one on each page")
                .containsExactlyInAnyOrder("1", "2");
        assertThat(get("/actuator/invoicelock/invoices/invoices/1"))
                .contains("\"state\":\"DECLINED\"")
                .contains("\"decision\":\"RETRY\"");
        assertThat(status("/actuator/invoicelock/others")).isEqualTo(404);
        assertThat(status("/actuator/invoicelock/invoices/invoices/77")).isEqualTo(404);
        assertThat(post("/actuator/invoicelock/invoices/retry/1", "{\"who\":\"ann\",\"note\":\"a new card\"}")
                        .statusCode())
                .isEqualTo(405);
    }

    @Test
    void decisions_are_taken_once_the_access_says_so_and_name_who_took_them() throws Exception {
        invoices(1, "pm_card_authenticationRequired");
        biller.billPending();
        try (ConfigurableApplicationContext open =
                host("sk_test_1", "--management.endpoint.invoicelock.access=unrestricted")) {
            URI there = URI.create("http://127.0.0.1:" + open.getEnvironment().getProperty("local.server.port"));

            assertThat(post(there.resolve("/actuator/invoicelock/invoices/retry/1"), "{\"who\":\"ann\"}")
                            .statusCode())
                    .as("without a note")
                    .isEqualTo(400);
            assertThat(post(
                                    there.resolve("/actuator/invoicelock/invoices/retry/1"),
                                    "{\"who\":\"ann\",\"note\":\"a new card\"}")
                            .body())
                    .contains("\"who\":\"ann\"")
                    .contains("\"note\":\"a new card\"");
            assertThat(post(
                                    there.resolve("/actuator/invoicelock/invoices/pause"),
                                    "{\"who\":\"ann\",\"why\":\"wrong\"}")
                            .body())
                    .contains("\"paused\":\"by ann since");
        }
        assertThat(biller.status().pause()).isNotNull();
    }

    @Test
    void a_line_about_an_attempt_has_keys_and_values_in_a_log_that_keeps_them() throws SQLException {
        invoices(1, "pm_card_authenticationRequired");
        Logger logger = (Logger) LoggerFactory.getLogger("io.github.invoicelock");
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        lines.start();
        logger.setLevel(Level.DEBUG);
        logger.setAdditive(false);
        logger.addAppender(lines);
        try {
            biller.billPending();
        } finally {
            logger.detachAppender(lines);
            logger.setAdditive(true);
            logger.setLevel(null);
        }

        String key = biller.attempts(1).get(0).idempotencyKey();
        assertThat(lines.list)
                .filteredOn(line -> line.getMessage().contains("invoice={}"))
                .extracting(line -> line.getFormattedMessage().replaceFirst("biller=invoices invoice=1 ", ""))
                .satisfiesExactly(
                        line -> assertThat(line).startsWith("claimed"),
                        line -> assertThat(line).startsWith("settled"),
                        line -> assertThat(line).startsWith("parked"));
        assertThat(lines.list)
                .filteredOn(line -> line.getMessage().contains("invoice={}"))
                .allSatisfy(line -> assertThat(line.getKeyValuePairs())
                        .extracting(pair -> pair.key + "=" + pair.value)
                        .containsExactly("biller=invoices", "invoice=1", "attempt=1", "key=" + key));
    }

    private HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
        return post(
                URI.create("http://127.0.0.1:" + host.getEnvironment().getProperty("local.server.port") + path), body);
    }

    private static HttpResponse<String> post(URI address, String body) throws IOException, InterruptedException {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(address)
                                .header("Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofString(body))
                                .build(),
                        HttpResponse.BodyHandlers.ofString());
    }

    private int status(String path) throws IOException, InterruptedException {
        return send(request -> request, path).statusCode();
    }

    private void invoices(int count, String paymentMethod) throws SQLException {
        execute("insert into customers (stripe_customer, payment_method) values ('cus_1', '" + paymentMethod + "')");
        execute("insert into invoices (customer_id, amount_cents) select 1, 1000 + g from generate_series(1, " + count
                + ") g");
    }

    private void makeEverythingDue() throws SQLException {
        execute(
                "update invoice_lock.billing_attempt set due_at = now() - interval '1 second' where due_at is not null");
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private int tell(String body, String signature) throws IOException, InterruptedException {
        return send(
                        request -> request.header("Content-Type", "application/json")
                                .header("Stripe-Signature", signature)
                                .POST(HttpRequest.BodyPublishers.ofString(body)),
                        "/stripe/webhook")
                .statusCode();
    }

    private String get(String path) throws IOException, InterruptedException {
        return send(request -> request, path).body();
    }

    private HttpResponse<String> send(Function<HttpRequest.Builder, HttpRequest.Builder> how, String path)
            throws IOException, InterruptedException {
        URI address = URI.create("http://127.0.0.1:" + host.getEnvironment().getProperty("local.server.port") + path);
        return HttpClient.newHttpClient()
                .send(how.apply(HttpRequest.newBuilder(address)).build(), HttpResponse.BodyHandlers.ofString());
    }

    private ConfigurableApplicationContext host(String apiKey, String... more) {
        return new SpringApplicationBuilder(StripeHost.class)
                .run(Stream.concat(
                                Stream.of(more),
                                Stream.of(
                                        "--server.port=0",
                                        "--server.address=127.0.0.1",
                                        "--logging.level.root=off",
                                        "--spring.datasource.url=" + database.jdbcUrl(),
                                        "--stripe.api-key=" + apiKey,
                                        "--stripe.api-base=" + stripe.apiBase(),
                                        "--stripe.webhook-secret=whsec_test",
                                        "--billing.pending=-",
                                        "--billing.recover=P1D",
                                        "--billing.try-again=" + Duration.ofHours(1)))
                        .toArray(String[]::new));
    }

    private static FakeStripe start(Clock clock) {
        try {
            return FakeStripe.start(clock, "whsec_test");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
