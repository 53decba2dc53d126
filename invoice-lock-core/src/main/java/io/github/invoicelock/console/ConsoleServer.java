package io.github.invoicelock.console;

import static java.util.Objects.requireNonNull;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The console on loopback, for workers without a web stack: the JDK's own HTTP server, reached from this machine alone, or through a tunnel.
 * Who opens {@link #newAddress()} becomes the one visitor of the session; an address opens once. Thread-safe.
 */
public final class ConsoleServer implements AutoCloseable {
    /** A day's list of charges fits into it many times. */
    private static final int LARGEST_BODY = 16 * 1024 * 1024;
    /** A page needs a thread for moments; a browser asks for three files at once. */
    private static final int THREADS = 4;

    /** Cookies know no port: each console of a machine has a name of its own. */
    private static final String COOKIE = "invoice-lock-console-";

    private final Console console;
    private final ConsoleVisitor visitor;
    private final HttpServer server;
    private final ExecutorService threads;
    /** One address at a time waits to be opened, for ten minutes. */
    private final Tickets addresses = new Tickets(1, Duration.ofMinutes(10));

    private final Tickets sessions = new Tickets(16, Duration.ofHours(12));

    private ConsoleServer(Console console, ConsoleVisitor visitor, HttpServer server) {
        this.console = console;
        this.visitor = visitor;
        this.server = server;
        this.threads = Executors.newFixedThreadPool(THREADS, work -> {
            Thread thread = new Thread(work, "invoice-lock-console");
            thread.setDaemon(true);
            return thread;
        });
    }

    /**
     * Starts it.
     *
     * @param console what is behind it
     * @param port of 127.0.0.1; 0 for any that is free
     * @param visitor who opens an address: their name is kept with what they decide
     * @return a server that runs until it is closed
     * @throws IOException if the port is taken
     */
    public static ConsoleServer start(Console console, int port, ConsoleVisitor visitor) throws IOException {
        HttpServer server = HttpServer.create(
                new InetSocketAddress(InetAddress.getByAddress("localhost", new byte[] {127, 0, 0, 1}), port), 0);
        ConsoleServer started =
                new ConsoleServer(requireNonNull(console, "console"), requireNonNull(visitor, "visitor"), server);
        server.setExecutor(started.threads);
        server.createContext("/", started::handle);
        server.start();
        return started;
    }

    /**
     * An address that opens the console once: print it for the person who may. The one before it, if nobody opened it, is void.
     *
     * @return good for ten minutes
     */
    public URI newAddress() {
        return URI.create("http://127.0.0.1:" + port() + "/?token=" + addresses.issue(Instant.now()));
    }

    /**
     * Where it listens.
     *
     * @return the port of 127.0.0.1
     */
    public int port() {
        return server.getAddress().getPort();
    }

    private void handle(HttpExchange exchange) throws IOException {
        Map<String, String> headers = new HashMap<>();
        exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, values.get(0)));
        send(exchange, Console.safe(answer(exchange, headers)));
        exchange.close();
    }

    private ConsoleResponse answer(HttpExchange exchange, Map<String, String> headers) throws IOException {
        if (!isOurs(exchange)) {
            return ConsoleResponse.plain(421, "This server is 127.0.0.1:" + port() + " and nobody else.");
        }
        ConsoleVisitor sender = visitor(headers);
        Map<String, List<String>> parameters = new HashMap<>();
        try {
            collect(parameters, exchange.getRequestURI().getRawQuery());
            if (sender.isKnown()) {
                collect(parameters, new String(body(exchange), StandardCharsets.UTF_8));
            }
        } catch (BadInput e) {
            return ConsoleResponse.plain(413, String.valueOf(e.getMessage()));
        } catch (IllegalArgumentException e) {
            return ConsoleResponse.plain(400, "The form is not encoded as a browser does it: " + e.getMessage());
        }
        String token = parameters.getOrDefault("token", List.of("")).get(0);
        return token.isEmpty() ? console.answer(request(exchange, headers, parameters, sender)) : open(token);
    }

    private static ConsoleRequest request(
            HttpExchange exchange,
            Map<String, String> headers,
            Map<String, List<String>> parameters,
            ConsoleVisitor sender) {
        String path = exchange.getRequestURI().getPath();
        return new ConsoleRequest(
                exchange.getRequestMethod(), path.isEmpty() ? "/" : path, parameters, headers, "", sender);
    }

    /** A name of another host's that was made to point at this machine is none of ours: its pages must not reach us. */
    private boolean isOurs(HttpExchange exchange) {
        String host = exchange.getRequestHeaders().getFirst("Host");
        return ("127.0.0.1:" + port()).equals(host) || ("localhost:" + port()).equals(host);
    }

    private ConsoleResponse open(String token) {
        Instant now = Instant.now();
        if (!addresses.redeem(token, now)) {
            return ConsoleResponse.plain(
                    403, "This address was opened before, or is too old. Ask the program for a new one: newAddress().");
        }
        return new ConsoleResponse(
                303,
                Map.of(
                        "Location",
                        "/",
                        "Set-Cookie",
                        cookie() + "=" + sessions.issue(now) + "; HttpOnly; SameSite=Strict; Path=/",
                        "Referrer-Policy",
                        "no-referrer"),
                out -> {});
    }

    private String cookie() {
        return COOKIE + port();
    }

    private ConsoleVisitor visitor(Map<String, String> headers) {
        for (String cookie : headers.getOrDefault("Cookie", "").split(";", -1)) {
            String[] parts = cookie.strip().split("=", 2);
            if (parts.length == 2 && parts[0].equals(cookie()) && sessions.knows(parts[1], Instant.now())) {
                return visitor;
            }
        }
        return ConsoleVisitor.nobody();
    }

    /** Of somebody who has a session: nobody else's form is read. */
    private static byte[] body(HttpExchange exchange) throws IOException {
        try (InputStream in = exchange.getRequestBody()) {
            byte[] body = in.readNBytes(LARGEST_BODY + 1);
            if (body.length > LARGEST_BODY) {
                throw new BadInput("The form is larger than " + LARGEST_BODY + " bytes.");
            }
            return body;
        }
    }

    private static void collect(Map<String, List<String>> parameters, @Nullable String encoded) {
        if (encoded == null || encoded.isEmpty()) {
            return;
        }
        for (String pair : encoded.split("&", -1)) {
            String[] parts = pair.split("=", 2);
            parameters
                    .computeIfAbsent(URLDecoder.decode(parts[0], StandardCharsets.UTF_8), name -> new ArrayList<>())
                    .add(parts.length < 2 ? "" : URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
        }
    }

    private static void send(HttpExchange exchange, ConsoleResponse answer) throws IOException {
        answer.headers().forEach(exchange.getResponseHeaders()::set);
        boolean empty = exchange.getRequestMethod().equals("HEAD") || answer.status() == 303;
        exchange.sendResponseHeaders(answer.status(), empty ? -1 : 0);
        if (!empty) {
            // Not closed where this fails: the server then cuts the connection, and half a list does not look whole.
            OutputStream out = exchange.getResponseBody();
            answer.body().writeTo(out);
            // Before the exchange, which would wait for the rest of a form that is not read.
            out.close();
        }
    }

    /** Stops at once what it answers, and forgets all sessions. Idempotent. */
    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
        try {
            if (!threads.awaitTermination(5, TimeUnit.SECONDS)) {
                throw new IllegalStateException("A page of the console does not end.");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
