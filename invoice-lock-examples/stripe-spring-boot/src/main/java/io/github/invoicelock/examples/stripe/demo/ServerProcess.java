package io.github.invoicelock.examples.stripe.demo;

import io.github.invoicelock.examples.stripe.StripeHost;
import java.io.IOException;
import java.util.Objects;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** One server, a process of its own: the host as it is, with people who can sign in, which says its port when it is up and ends with the demonstration. */
final class ServerProcess {
    static final String READY = "READY ";

    private ServerProcess() {}

    /**
     * Runs one server.
     *
     * @param arguments Spring's
     * @throws IOException if standard input breaks
     */
    public static void main(String[] arguments) throws IOException {
        System.setProperty("sun.net.http.retryPost", "false");
        try (ConfigurableApplicationContext server =
                SpringApplication.run(new Class<?>[] {StripeHost.class, DemoPeople.class}, arguments)) {
            System.out.println(
                    READY + Objects.requireNonNull(server.getEnvironment().getProperty("local.server.port")));
            while (System.in.read() >= 0) {
                // nothing is said
            }
        }
    }
}
