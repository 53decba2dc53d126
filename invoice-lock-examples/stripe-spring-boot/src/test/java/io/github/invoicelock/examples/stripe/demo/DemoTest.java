package io.github.invoicelock.examples.stripe.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.examples.browser.Browser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.By;
import org.openqa.selenium.WebElement;

/** The README's commands, with the local Stripe. */
@Tag("thorough")
class DemoTest {
    private static Process demo(String... arguments) throws IOException {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Demo.class.getName()));
        line.addAll(List.of(arguments));
        ProcessBuilder command = new ProcessBuilder(line).redirectErrorStream(true);
        command.environment().remove("STRIPE_API_KEY");
        return command.start();
    }

    @Test
    void two_servers_one_of_them_killed_bill_every_invoice_once() throws IOException, InterruptedException {
        Process demo = demo("ledger");
        String said = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(demo.waitFor()).as(said).isZero();
        assertThat(said)
                .containsPattern("Server [AB] was killed: invoice \\d+ is charged, and nobody has heard")
                .contains("Every invoice was charged once.");
    }

    @Test
    void with_the_console_people_decide_in_a_browser_what_is_left_to_them() throws IOException, InterruptedException {
        Process demo = demo("console");
        try (BufferedReader said =
                        new BufferedReader(new InputStreamReader(demo.getInputStream(), StandardCharsets.UTF_8));
                Browser browser = Browser.open()) {
            StringBuilder all = new StringBuilder();
            URI console = URI.create(lineWith("/invoice-lock/", said, all).strip());
            lineWith("Enter ends", said, all);
            assertThat(all.toString())
                    .containsPattern("Server [AB] was killed")
                    .contains("3 invoices wait for a person");

            browser.signIn(console, "ann", DemoPeople.PASSWORD);
            browser.click(By.linkText("Waiting"));
            assertThat(browser.text()).contains("Refused by the provider", "Tries used up", "authentication_required");
            assertThat(browser.all(By.cssSelector("td a"))).hasSize(3);

            browser.click(By.xpath("//tr[contains(., 'authentication_required')]//a"));
            release(browser);
            assertThat(browser.text()).contains("Released.", "by ann");
            URI invoice = browser.address();
            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
                browser.visit(invoice);
                assertThat(browser.text())
                        .as("billed by the server that is left")
                        .contains("Charged.");
            });

            demo.getOutputStream().write('\n');
            demo.getOutputStream().flush();
            lineWith("No invoice was charged twice.", said, all);
            assertThat(demo.waitFor()).as(all.toString()).isZero();
        } finally {
            // Its servers end with their standard input.
            demo.destroy();
        }
    }

    private static void release(Browser browser) {
        browser.click(By.xpath("//summary[contains(., 'Release it')]"));
        WebElement form = browser.find(By.xpath("//summary[contains(., 'Release it')]/following-sibling::form"));
        form.findElement(By.name("note")).sendKeys("the customer gave another card");
        browser.press(form.findElement(By.tagName("button")));
    }

    private static String lineWith(String text, BufferedReader said, StringBuilder all) throws IOException {
        String line = said.readLine();
        while (line != null && !line.contains(text)) {
            all.append(line).append('\n');
            line = said.readLine();
        }
        assertThat(line).as("a line with \"%s\" after:%n%s", text, all).isNotNull();
        return String.valueOf(line);
    }
}
