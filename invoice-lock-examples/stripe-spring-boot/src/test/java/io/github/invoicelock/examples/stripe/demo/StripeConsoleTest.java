package io.github.invoicelock.examples.stripe.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.examples.browser.Browser;
import io.github.invoicelock.examples.browser.ConsoleVisit;
import io.github.invoicelock.examples.browser.PrefixProxy;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.examples.stripe.StripeHost;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Clock;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.By;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;

/** The host's console, a whole application on Spring Boot 4: behind a login, with tokens, a context path and a proxy before it. */
@Tag("thorough")
class StripeConsoleTest {
    private static PostgresDatabase database;
    private static FakeStripe stripe;
    private static ConfigurableApplicationContext host;
    private static String there;
    private static Browser browser;
    private static ConsoleVisit console;

    @BeforeAll
    static void fourInvoicesAreRefused() throws Exception {
        database = PostgresServer.shared().createDatabase();
        stripe = FakeStripe.start(Clock.systemUTC(), "whsec_test");
        host = new SpringApplicationBuilder(StripeHost.class, DemoPeople.class)
                .run(
                        "--server.port=0",
                        "--server.servlet.context-path=/shop",
                        "--server.forward-headers-strategy=framework",
                        "--server.servlet.session.cookie.path=/",
                        "--logging.level.root=off",
                        "--spring.datasource.url=" + database.jdbcUrl(),
                        "--stripe.api-key=sk_test_1",
                        "--stripe.api-base=" + stripe.apiBase(),
                        "--stripe.webhook-secret=whsec_test",
                        "--billing.pending=-",
                        "--billing.recover=P1D");
        there = "http://localhost:" + host.getEnvironment().getProperty("local.server.port") + "/shop";
        JdbcTemplate sql = host.getBean(JdbcTemplate.class);
        sql.execute(
                "insert into customers (stripe_customer, payment_method) values ('cus_1', 'pm_card_authenticationRequired')");
        sql.execute("insert into invoices (customer_id, amount_cents) select 1, 990 from generate_series(1, 4)");
        host.getBean(LockingInvoiceBiller.class).billPending();
        browser = Browser.open();
        console = new ConsoleVisit(browser, there);
    }

    @AfterAll
    static void close() {
        browser.close();
        host.close();
        stripe.close();
        database.close();
    }

    private static void signIn(DemoPeople.Person person, URI page) {
        browser.signIn(page, person.user(), DemoPeople.PASSWORD);
    }

    private static String paymentIntent(int invoice) {
        return String.valueOf(host.getBean(JdbcTemplate.class)
                .queryForObject(
                        "select payment_intent from invoices where id = ? and not pending", String.class, invoice));
    }

    @Test
    void who_may_decide_signs_in_sees_what_waits_decides_it_and_the_row_is_marked() {
        signIn(DemoPeople.Person.ANN, console.at("/invoice-lock/"));
        browser.click(By.linkText("Waiting"));
        assertThat(browser.text()).contains("Refused by the provider", "authentication_required", "ann", "may decide");

        browser.click(By.cssSelector("td a[href$='id=1']"));
        assertThat(browser.find(By.linkText("Open its page at the provider")).getAttribute("href"))
                .startsWith("https://dashboard.stripe.com/");
        console.sayItWasCharged("pi_ledger");

        assertThat(browser.text()).contains("Decided. It is in the journal", "Charged.", "pi_ledger", "by ann");
        assertThat(paymentIntent(1)).isEqualTo("pi_ledger");
        assertThat(browser.address().getPath()).isEqualTo("/shop/invoice-lock/invoice");
        assertThat(browser.all(By.cssSelector("nav a")))
                .isNotEmpty()
                .allSatisfy(link -> assertThat(link.getAttribute("href")).startsWith(there + "/invoice-lock/"));
    }

    @Test
    void who_may_only_look_has_no_button_and_a_form_of_theirs_is_refused() throws Exception {
        signIn(DemoPeople.Person.SAM, console.at("/invoice-lock/invoice?id=2"));
        assertThat(browser.text()).contains("Invoice 2", "Refused by the provider", "looks only");
        assertThat(browser.all(By.xpath("//form[@method='post']"))).isEmpty();

        // The page of Spring Security's own that ends a session has a token for this one.
        browser.visit(console.at("/logout"));
        HttpResponse<String> refused = console.post("/invoice-lock/pause", "why=no&" + console.token());

        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(refused.body()).contains("DECIDE");
        assertThat(host.getBean(LockingInvoiceBiller.class).status().pause()).isNull();
    }

    @Test
    void a_form_without_the_token_is_refused_and_with_it_answered_below_the_context_path() throws Exception {
        signIn(DemoPeople.Person.EVA, console.at("/invoice-lock/"));

        assertThat(console.post("/invoice-lock/pause", "why=outage").statusCode())
                .as("without a token")
                .isEqualTo(403);
        assertThat(host.getBean(LockingInvoiceBiller.class).status().pause()).isNull();

        HttpResponse<String> done = console.post("/invoice-lock/pause", "why=outage&" + console.token());
        assertThat(done.statusCode()).isEqualTo(303);
        assertThat(done.headers().firstValue("Location").orElseThrow()).startsWith("/shop/invoice-lock/?");
        assertThat(String.valueOf(
                        host.getBean(LockingInvoiceBiller.class).status().pause()))
                .contains("eva", "outage");
        host.getBean(LockingInvoiceBiller.class).resume("eva");
    }

    @Test
    void behind_a_proxy_every_link_and_every_answer_keeps_its_prefix() throws Exception {
        try (PrefixProxy proxy = PrefixProxy.before(there, "/tools")) {
            signIn(DemoPeople.Person.ANN, proxy.at("/invoice-lock/invoice?id=4"));
            assertThat(browser.all(By.cssSelector("nav a")))
                    .isNotEmpty()
                    .allSatisfy(link -> assertThat(link.getAttribute("href"))
                            .startsWith(proxy.at("/invoice-lock/").toString()));
            console.sayItWasCharged("pi_proxied");

            assertThat(browser.text()).contains("Decided. It is in the journal", "by ann");
            assertThat(browser.address().toString())
                    .startsWith(proxy.at("/invoice-lock/invoice").toString());
        }
        assertThat(paymentIntent(4)).isEqualTo("pi_proxied");
    }

    @Test
    void the_webhook_and_the_actuator_have_no_login_before_them() throws Exception {
        HttpResponse<String> health = HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(console.at("/actuator/health")).build(),
                        HttpResponse.BodyHandlers.ofString());
        assertThat(health.statusCode()).isEqualTo(200);
        assertThat(HttpClient.newHttpClient()
                        .send(
                                HttpRequest.newBuilder(console.at("/stripe/webhook"))
                                        .header("Content-Type", "application/json")
                                        .header("Stripe-Signature", "none")
                                        .POST(HttpRequest.BodyPublishers.ofString("{}"))
                                        .build(),
                                HttpResponse.BodyHandlers.ofString())
                        .body())
                .isEqualTo("The signature is not Stripe's.");
    }
}
