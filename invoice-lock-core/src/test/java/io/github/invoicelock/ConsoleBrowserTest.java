package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleServlet;
import io.github.invoicelock.console.ConsoleSettings;
import io.github.invoicelock.console.ConsoleVisitors;
import io.github.invoicelock.console.pages.Words;
import io.github.invoicelock.examples.browser.Browser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

/**
 * The console in a browser: Chromium where there is one, else HtmlUnit. With -Dinvoicelock.screenshots=FOLDER the pictures of the
 * documentation are made.
 */
@Tag(Thorough.TAG)
class ConsoleBrowserTest {
    private static Browser browser;

    private final TestHost host = TestHost.withInvoices(6);
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final LockingInvoiceBiller biller =
            host.running(host.server(provider).stopAfterFailures(1_000));
    private ServletContainer container;

    @BeforeAll
    static void open() {
        browser = Browser.open();
    }

    @AfterAll
    static void quit() {
        browser.close();
    }

    @BeforeEach
    void start() throws Exception {
        Map<String, LockingInvoiceBiller> billers = new LinkedHashMap<>();
        billers.put("invoices", biller);
        container = ServletContainer.with(
                "/shop",
                new ConsoleServlet(
                        new Console(ConsoleSettings.of(() -> billers)
                                .providerLink("https://dashboard.test/search?query={key}")),
                        ConsoleVisitors.byRoles("support", "billing", "head")));
    }

    @AfterEach
    void close() throws Exception {
        container.close();
        host.close();
    }

    private void visit(String user, String path) {
        browser.visit(container.at("/shop/invoice-lock" + path), user);
    }

    /** As a bad morning leaves them. */
    private void aBadMorning() {
        provider.answering((p, request) -> switch (Integer.parseInt(request.invoiceId())) {
            case 1 -> BillingOutcome.declined("card_declined", "Your card has insufficient funds.");
            case 2, 3 -> BillingOutcome.unknown("status 500: <script>alert('late')</script>");
            case 4 -> BillingOutcome.notBilled("status 401: Invalid API key");
            default -> p.charge(request);
        });
        biller.billPending();
        host.sql(
                "update invoice_lock.billing_attempt set cause = 'MEMORY_OVER', due_at = null, lease_until = now() - interval '1 hour', "
                        + "started_at = now() - interval '2 days' where state = 'IN_DOUBT'");
        host.sql(
                "update invoice_lock.billing_attempt set cause = 'TRIES_USED_UP', due_at = null, lease_until = now() - interval '1 hour', "
                        + "started_at = now() - interval '3 hours' where state = 'NOT_BILLED'");
    }

    @Test
    void a_person_finds_what_waits_decides_it_and_the_row_is_marked() {
        aBadMorning();
        visit("ann:billing", "/");
        browser.click(By.linkText("4"));
        assertThat(browser.text()).contains("Waiting for a person", "card_declined", "status 401");

        browser.click(By.linkText("2"));
        assertThat(browser.text()).contains("alert('late')", "may have forgotten this one", "What is safe now");
        browser.click(By.xpath("//button[.='Ask']"));
        assertThat(browser.text()).contains("The provider was asked", "not charged: never seen");

        sayItWasCharged();

        assertThat(browser.text()).contains("Decided. It is in the journal", "Charged.", "ch_ledger", "by ann");
        assertThat(host.pending(2)).isFalse();
    }

    /** Invoice 2 waits for that; nothing of it can be on its way any more. */
    private void waitsFor(AttemptCause cause) {
        AttemptState state =
                switch (cause) {
                    case REFUSED -> AttemptState.DECLINED;
                    case CANNOT_BE_ASKED -> AttemptState.ACCEPTED;
                    case TAKEN_BACK_AND_PENDING -> AttemptState.WITHDRAWN;
                    case PENDING_THOUGH_BILLED, SECOND_CHARGE -> AttemptState.BILLED;
                    case TRIES_USED_UP, MAY_NOT_BE_REPEATED, MEMORY_OVER, SNAPSHOT_DOES_NOT_FIT, OWN_DATA_FAILS ->
                        AttemptState.IN_DOUBT;
                };
        boolean billed = state == AttemptState.BILLED;
        host.sql("update invoice_lock.billing_attempt set cause = '" + cause + "', state = '" + state
                + "', due_at = null"
                + (billed ? ", reference = 'ch_ledger', message = 'Charged twice: as ch_ledger by attempt 1.'" : "")
                + " where invoice_id = '2'");
        host.sql("update invoices set pending = " + (cause != AttemptCause.SECOND_CHARGE) + " where id = 2");
    }

    @ParameterizedTest
    @EnumSource(AttemptCause.class)
    void each_cause_is_seen_and_decided_and_the_row_is_marked(AttemptCause cause) {
        aBadMorning();
        waitsFor(cause);
        visit("ann:billing", "/waiting?cause=" + cause);
        assertThat(browser.text()).contains(Words.cause(cause));
        browser.click(By.cssSelector("td a[href$='id=2']"));
        assertThat(browser.text()).contains(Words.explained(cause), "What is safe now");

        if (cause == AttemptCause.PENDING_THOUGH_BILLED) {
            assertThat(browser.text()).contains("Mend the invoice").doesNotContain("It was charged when");
            host.sql("update invoices set pending = false where id = 2");
            biller.billPending();
        } else {
            sayItWasCharged();
            assertThat(browser.text()).contains("Decided. It is in the journal", "by ann");
        }

        assertThat(host.pending(2)).isFalse();
        assertThat(host.one(
                        "select state || coalesce(cause, '') from invoice_lock.billing_attempt where invoice_id = '2'"))
                .isEqualTo("BILLED");
    }

    /** With the reference in the provider's ledger; where the journal knows it, the form does, too. */
    private void sayItWasCharged() {
        browser.click(By.xpath("//summary[contains(., 'It was charged')]"));
        WebElement form = browser.find(By.xpath("//summary[contains(., 'It was charged')]/following-sibling::form"));
        WebElement reference = form.findElement(By.name("reference"));
        if (String.valueOf(reference.getAttribute("value")).isEmpty()) {
            reference.sendKeys("ch_ledger");
        }
        form.findElement(By.name("note")).sendKeys("seen in the dashboard");
        browser.press(form.findElement(By.tagName("button")));
    }

    @Test
    void of_two_tabs_the_second_decision_is_refused_with_the_first_ones_name() {
        aBadMorning();
        visit("ben:billing", "/invoice?id=4");
        biller.resolve(4, BillingOutcome.declined("closed", "closed"), "told by phone", "ann");

        browser.click(By.xpath("//summary[contains(., 'Release it')]"));
        WebElement form = browser.find(By.xpath("//summary[contains(., 'Release it')]/following-sibling::form"));
        form.findElement(By.name("note")).sendKeys("the key is right again");
        browser.press(form.findElement(By.tagName("button")));

        assertThat(browser.text()).contains("Nothing was done", "has changed since", "by ann", "told by phone");
        browser.click(By.linkText("Look at the invoice as it is now"));
        assertThat(browser.text()).contains("Refused, and closed.");
    }

    @Test
    void who_may_only_look_sees_no_button() {
        aBadMorning();
        for (String path : List.of("/", "/waiting", "/invoice?id=2", "/anomalies", "/charged")) {
            visit("sam:support", path);
            assertThat(browser.all(By.xpath("//form[@method='post']"))).as(path).isEmpty();
            assertThat(browser.text()).contains("looks only");
        }
    }

    @Test
    void everything_works_without_a_script() throws Exception {
        aBadMorning();
        try (Browser plain = Browser.openWithoutScript()) {
            plain.visit(container.at("/shop/invoice-lock/not-billed?id=4"), "eva:head");
            plain.find(By.name("typed")).sendKeys("4");
            plain.find(By.name("note")).sendKeys("nothing in the ledger");
            plain.press(plain.find(By.cssSelector("button.danger")));

            assertThat(plain.text()).contains("Decided. It is in the journal");
            assertThat(plain.find(By.tagName("time")).getText()).endsWith("UTC");
        }
        assertThat(host.one("select note from invoice_lock.billing_attempt where invoice_id = '4'"))
                .contains("eva: nothing in the ledger");
    }

    @Test
    void a_keyboard_alone_is_enough() {
        assumeTrue(browser.isChromium(), "HtmlUnit moves no focus to a summary");
        aBadMorning();
        visit("ann:billing", "/invoice?id=4");
        for (int i = 0; i < 40 && !browser.focused().contains("Release it"); i++) {
            browser.type(Keys.TAB);
        }
        browser.type(Keys.ENTER);
        browser.type(Keys.TAB);
        browser.type("mended");
        browser.type(Keys.TAB);
        browser.enter();

        assertThat(browser.text()).contains("Released. The next run of any server continues it.");
    }

    @Test
    void every_field_has_a_label_and_every_page_one_heading_and_a_language() {
        aBadMorning();
        for (String path : List.of(
                "/",
                "/waiting",
                "/invoice?id=2",
                "/not-billed?id=4",
                "/many",
                "/search",
                "/charged",
                "/preview?invoices=5",
                "/reconcile",
                "/anomalies")) {
            visit("eva:head", path);
            assertThat(
                            browser.all(
                                    By.xpath(
                                            "//*[self::input[not(@type='hidden')] or self::select or self::textarea][not(ancestor::label)]")))
                    .as("fields without a label of %s", path)
                    .isEmpty();
            assertThat(browser.all(By.tagName("h1"))).as(path).hasSize(1);
            assertThat(browser.find(By.tagName("html")).getAttribute("lang")).isEqualTo("en");
            assertThat(browser.all(By.xpath("//*[@role='img'][not(@aria-label)] | //img[not(@alt)]")))
                    .isEmpty();
            assertThat(browser.wider())
                    .as("%s is wider than a narrow screen", path)
                    .isFalse();
        }
    }

    @Test
    void text_has_enough_contrast_in_light_and_dark() {
        aBadMorning();
        for (String path : List.of("/", "/waiting", "/invoice?id=2", "/not-billed?id=4", "/many")) {
            visit("eva:head", path);
            assertThat(browser.faintTexts()).as(path).isEmpty();
        }
    }

    @Test
    void pictures_for_the_documentation_are_made_on_demand() throws Exception {
        String folder = System.getProperty("invoicelock.screenshots");
        assumeTrue(folder != null && browser.isChromium());
        host.sql("insert into invoices (id, amount) select g, g * 1.10 from generate_series(7, 412) g");
        provider.answering((p, request) -> {
            int id = Integer.parseInt(request.invoiceId());
            return id % 13 == 0
                    ? BillingOutcome.notBilled("status 401: Invalid API key")
                    : id % 61 == 0
                            ? BillingOutcome.unknown("status 500: internal error")
                            : id % 97 == 0
                                    ? BillingOutcome.declined("card_declined", "Your card has insufficient funds.")
                                    : p.charge(request);
        });
        biller.billPending();
        host.sql(
                "update invoice_lock.billing_attempt set settled_at = settled_at - (id % 57) * (id % 3) * interval '20 seconds'");
        host.sql(
                "update invoice_lock.billing_attempt set cause = 'MEMORY_OVER', due_at = null, lease_until = now() - interval '1 hour', "
                        + "started_at = now() - interval '2 days' where state = 'IN_DOUBT'");
        host.sql(
                "update invoice_lock.billing_attempt set cause = 'TRIES_USED_UP', due_at = null, lease_until = now() - interval '1 hour', "
                        + "started_at = now() - interval '3 hours' where state = 'NOT_BILLED'");
        host.sql("update invoice_lock.attempt_event set at = at - interval '2 hours'");
        host.sql("insert into invoices (id) select g from generate_series(500, 530) g");
        Map<String, String> pages = new LinkedHashMap<>();
        pages.put("console-now", "/");
        pages.put("console-waiting", "/waiting");
        pages.put("console-invoice", "/invoice?id=61");
        pages.put("not-billed", "/not-billed?id=13");
        pages.put("many", "/many?cause=TRIES_USED_UP");
        pages.put("search", "/search");
        pages.put("charged", "/charged");
        pages.put("reconcile", "/reconcile");
        pages.put("preview", "/preview?invoices=100&sums=amount");
        pages.put("anomalies", "/anomalies");
        Path into = Files.createDirectories(Path.of(folder));
        List<Path> made = new ArrayList<>();
        for (Map.Entry<String, String> page : pages.entrySet()) {
            visit("eva:head", page.getValue());
            made.add(browser.picture(into.resolve(page.getKey() + ".png")));
        }
        try (Browser dark = Browser.openDarkAndNarrow()) {
            dark.visit(container.at("/shop/invoice-lock/"), "eva:head");
            made.add(dark.picture(into.resolve("dark-now.png")));
            dark.visit(container.at("/shop/invoice-lock/invoice?id=61"), "eva:head");
            made.add(dark.picture(into.resolve("dark-invoice.png")));
        }
        assertThat(made).allSatisfy(picture -> assertThat(picture).isNotEmptyFile());
    }
}
