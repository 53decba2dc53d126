package io.github.invoicelock.examples.stripe.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The README's command, with the local Stripe. */
class DemoTest {
    @Test
    void two_servers_one_of_them_killed_bill_every_invoice_once() throws IOException, InterruptedException {
        ProcessBuilder command = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Demo.class.getName())
                .redirectErrorStream(true);
        command.environment().remove("STRIPE_API_KEY");
        Process demo = command.start();
        String said = new String(demo.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(demo.waitFor()).as(said).isZero();
        assertThat(said)
                .containsPattern("Server [AB] was killed: invoice \\d+ is charged, and nobody has heard")
                .contains("Every invoice was charged once.");
    }
}
