package io.github.invoicelock.examples.stripe.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A {@link ServerProcess}, started with the class path of the demonstration and ended by its handle. */
final class Server implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 90;

    private final String name;
    private final String apiKey;
    private final Process process;
    private final CompletableFuture<String> port = new CompletableFuture<>();

    private Server(String name, String apiKey, Process process) {
        this.name = name;
        this.apiKey = apiKey;
        this.process = process;
    }

    static Server start(String name, String apiKey, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.jooq.no-logo=true",
                "-Dorg.jooq.no-tips=true",
                "-cp",
                System.getProperty("java.class.path"),
                ServerProcess.class.getName()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        // Not among the arguments, which every user of the machine can read.
        builder.environment().put("STRIPE_API_KEY", apiKey);
        Process process = builder.start();
        // Ctrl-C leaves nothing behind.
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly));
        Server server = new Server(name, apiKey, process);
        Thread listener = new Thread(server::listen, "server-" + name);
        listener.setDaemon(true);
        listener.start();
        return server;
    }

    private void listen() {
        try (BufferedReader said =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            String line;
            while ((line = said.readLine()) != null) {
                if (line.startsWith(ServerProcess.READY)) {
                    port.complete(line.substring(ServerProcess.READY.length()));
                } else {
                    System.out.println("  [" + name + "] " + line);
                }
            }
        } catch (IOException e) {
            // Killed: its end of the pipe is gone.
        }
        port.completeExceptionally(new IllegalStateException("Server " + name + " has ended."));
    }

    String name() {
        return name;
    }

    String apiKey() {
        return apiKey;
    }

    /** Waits until it is up. */
    URI address() throws InterruptedException {
        try {
            return URI.create("http://127.0.0.1:" + port.get(PATIENCE_SECONDS, TimeUnit.SECONDS));
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("Server " + name + " did not start. What it said is above.", e);
        }
    }

    /** As a machine dies: nothing is closed, nothing is said. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
