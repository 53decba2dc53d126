package io.github.invoicelock.examples.stripe.demo;

import io.github.invoicelock.examples.process.JavaProcess;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A {@link ServerProcess} and where it listens. */
final class Server implements AutoCloseable {
    private final String name;
    private final String apiKey;
    private final JavaProcess process;
    private @Nullable URI address;

    private Server(String name, String apiKey, JavaProcess process) {
        this.name = name;
        this.apiKey = apiKey;
        this.process = process;
    }

    static Server start(String name, String apiKey, List<String> arguments) throws IOException {
        return new Server(
                name,
                apiKey,
                JavaProcess.start(
                        Map.of("STRIPE_API_KEY", apiKey),
                        List.of(),
                        ServerProcess.class,
                        arguments.toArray(String[]::new)));
    }

    String name() {
        return name;
    }

    String apiKey() {
        return apiKey;
    }

    /** Waits until it is up. */
    URI address() {
        if (address == null) {
            String port = process.awaitLine(ServerProcess.READY);
            if (port.isEmpty()) {
                throw new IllegalStateException("Server " + name + " did not start. What it said is above.");
            }
            address = URI.create("http://127.0.0.1:" + port);
        }
        return address;
    }

    /** As a machine dies: nothing is closed, nothing is said. */
    void kill() {
        process.kill();
    }

    @Override
    public void close() throws IOException {
        process.close();
    }
}
