package io.github.invoicelock.examples.springboot3;

import io.github.invoicelock.LockingInvoiceBiller;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/** A host with a web server and a login that bills once, asks itself for the console, and ends. */
public final class WebHost {
    private WebHost() {}

    /**
     * Bills, and asks.
     *
     * @param arguments Spring's
     * @throws IOException if its own server does not answer
     * @throws InterruptedException if it is interrupted
     */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        try (ConfigurableApplicationContext context =
                SpringApplication.run(new Class<?>[] {SmallHost.class, GuardedHost.class}, arguments)) {
            System.out.println("billed "
                    + context.getBean(LockingInvoiceBiller.class).billPending().billed());
            for (String path : new String[] {"/invoice-lock/", "/invoice-lock/console.css"}) {
                System.out.println(path + " " + status(context, path));
            }
        }
    }

    private static int status(ConfigurableApplicationContext context, String path)
            throws IOException, InterruptedException {
        String eva =
                Base64.getEncoder().encodeToString(("eva:" + GuardedHost.PASSWORD).getBytes(StandardCharsets.UTF_8));
        URI there = URI.create("http://localhost:" + context.getEnvironment().getProperty("local.server.port") + path);
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(there)
                                .header("Authorization", "Basic " + eva)
                                .build(),
                        HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }
}
