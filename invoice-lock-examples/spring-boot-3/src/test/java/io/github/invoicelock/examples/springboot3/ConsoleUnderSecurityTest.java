package io.github.invoicelock.examples.springboot3;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.examples.browser.Browser;
import io.github.invoicelock.examples.browser.ConsoleVisit;
import io.github.invoicelock.examples.browser.PrefixProxy;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.By;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.web.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;

/** The console of a whole application on Spring Boot 3.5, switched on by its properties alone: Spring Security, tokens, a context path, a proxy. */
@Tag("thorough")
class ConsoleUnderSecurityTest {
    private static final PostgresDatabase DATABASE = PostgresServer.shared().createDatabase();
    private static final ConfigurableApplicationContext APPLICATION = new SpringApplicationBuilder(
                    SmallHost.class, GuardedHost.class)
            .run(
                    "--server.port=0",
                    "--server.servlet.context-path=/shop",
                    "--server.forward-headers-strategy=framework",
                    "--server.servlet.session.cookie.path=/",
                    "--spring.main.banner-mode=off",
                    "--logging.level.root=off",
                    "--spring.datasource.url=" + DATABASE.jdbcUrl(),
                    "--invoice-lock.gateway=refusing",
                    "--invoice-lock.console.enabled=true",
                    "--invoice-lock.console.look=SUPPORT",
                    "--invoice-lock.console.decide=BILLING",
                    "--invoice-lock.console.decide-not-billed=HEAD_OF_BILLING");
    private static final String THERE = "http://localhost:"
            + ((WebServerApplicationContext) APPLICATION).getWebServer().getPort() + "/shop";
    private static final Browser BROWSER = Browser.open();
    private static final ConsoleVisit CONSOLE = new ConsoleVisit(BROWSER, THERE);
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @BeforeAll
    static void everyInvoiceIsRefused() {
        APPLICATION.getBean(LockingInvoiceBiller.class).billPending();
    }

    @AfterAll
    static void close() {
        BROWSER.close();
        APPLICATION.close();
        DATABASE.close();
    }

    private static void signIn(String user, URI page) {
        BROWSER.signIn(page, user, GuardedHost.PASSWORD);
    }

    private static boolean pending(int invoice) {
        return Boolean.TRUE.equals(APPLICATION
                .getBean(JdbcTemplate.class)
                .queryForObject("select pending from invoices where id = ?", Boolean.class, invoice));
    }

    @Test
    void who_may_decide_signs_in_sees_what_waits_decides_it_and_the_row_is_marked() {
        signIn("ann", CONSOLE.at("/invoice-lock/"));
        BROWSER.click(By.linkText("Waiting"));
        assertThat(BROWSER.text()).contains("Refused by the provider", "card_declined", "ann", "may decide");
        assertThat(pending(1)).isTrue();

        BROWSER.click(By.cssSelector("td a[href$='id=1']"));
        CONSOLE.sayItWasCharged("ch_ledger");

        assertThat(BROWSER.text()).contains("Decided. It is in the journal", "Charged.", "ch_ledger", "by ann");
        assertThat(pending(1)).isFalse();
        assertThat(BROWSER.address().getPath()).isEqualTo("/shop/invoice-lock/invoice");
        assertThat(BROWSER.all(By.cssSelector("nav a")))
                .isNotEmpty()
                .allSatisfy(link -> assertThat(link.getAttribute("href")).startsWith(THERE + "/invoice-lock/"));
    }

    @Test
    void who_may_only_look_has_no_button_and_a_form_of_theirs_is_refused() throws Exception {
        signIn("sam", CONSOLE.at("/invoice-lock/invoice?id=2"));
        assertThat(BROWSER.text()).contains("Invoice 2", "Refused by the provider", "looks only");
        assertThat(BROWSER.all(By.xpath("//form[@method='post']"))).isEmpty();

        // The page of Spring Security's own that ends a session has a token for this one.
        BROWSER.visit(CONSOLE.at("/logout"));
        HttpResponse<String> refused = CONSOLE.post("/invoice-lock/pause", "why=no&" + CONSOLE.token());

        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(refused.body()).contains("DECIDE");
        assertThat(APPLICATION.getBean(LockingInvoiceBiller.class).status().pause())
                .isNull();
    }

    @Test
    void a_form_without_the_token_is_refused_and_with_it_answered_below_the_context_path() throws Exception {
        signIn("eva", CONSOLE.at("/invoice-lock/invoice?id=3"));
        String form = "id=3&biller=invoices&decision=RESOLVE_DECLINED&note=closed&seen="
                + BROWSER.find(By.name("seen")).getAttribute("value");

        assertThat(CONSOLE.post("/invoice-lock/decide", form).statusCode())
                .as("without a token")
                .isEqualTo(403);
        assertThat(APPLICATION.getBean(LockingInvoiceBiller.class).history(3))
                .noneMatch(event -> "eva".equals(event.who()));

        HttpResponse<String> done = CONSOLE.post("/invoice-lock/decide", form + "&" + CONSOLE.token());
        assertThat(done.statusCode()).isEqualTo(303);
        assertThat(done.headers().firstValue("Location").orElseThrow()).startsWith("/shop/invoice-lock/invoice?");
        assertThat(APPLICATION.getBean(LockingInvoiceBiller.class).history(3))
                .anyMatch(event -> "eva".equals(event.who()));
    }

    @Test
    void who_is_not_signed_in_is_led_to_the_login_and_who_has_no_role_is_told_the_property() throws Exception {
        HttpResponse<String> nobody = HTTP.send(
                HttpRequest.newBuilder(CONSOLE.at("/invoice-lock/")).build(), HttpResponse.BodyHandlers.ofString());
        assertThat(nobody.body()).doesNotContain("Wait for a person");
        assertThat(nobody.statusCode()).isIn(302, 401);

        String tom =
                Base64.getEncoder().encodeToString(("tom:" + GuardedHost.PASSWORD).getBytes(StandardCharsets.UTF_8));
        HttpResponse<String> salesman = HTTP.send(
                HttpRequest.newBuilder(CONSOLE.at("/invoice-lock/"))
                        .header("Authorization", "Basic " + tom)
                        .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(salesman.statusCode()).isEqualTo(403);
        assertThat(salesman.body()).contains("invoice-lock.console.look").doesNotContain("Wait for a person");
    }

    @Test
    void behind_a_proxy_every_link_and_every_answer_keeps_its_prefix() throws Exception {
        try (PrefixProxy proxy = PrefixProxy.before(THERE, "/tools")) {
            signIn("ann", proxy.at("/invoice-lock/"));
            assertThat(BROWSER.text()).contains("Wait for a person");
            BROWSER.click(By.linkText("Waiting"));
            BROWSER.click(By.cssSelector("td a[href$='id=4']"));
            assertThat(BROWSER.all(By.cssSelector("nav a")))
                    .isNotEmpty()
                    .allSatisfy(link -> assertThat(link.getAttribute("href"))
                            .startsWith(proxy.at("/invoice-lock/").toString()));
            CONSOLE.sayItWasCharged("ch_proxied");

            assertThat(BROWSER.text()).contains("Decided. It is in the journal", "by ann");
            assertThat(BROWSER.address().toString())
                    .startsWith(proxy.at("/invoice-lock/invoice").toString());
        }
        assertThat(pending(4)).isFalse();
    }
}
