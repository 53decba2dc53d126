package io.github.invoicelock.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * A provider over HTTP, like the real ones: it remembers keys with their parameters and answers, refuses amount 402, answers a look-up by
 * key at once ({@code /charges/}) and a search from an index that nobody ever updates ({@code /search}).
 */
public final class FakeProvider implements AutoCloseable {
    private final HttpServer server;
    private final Map<String, Saved> saved = new LinkedHashMap<>();
    private final Map<String, Integer> charges = new LinkedHashMap<>();
    private int ids;

    private record Saved(String parameters, int status, String answer) {}

    public FakeProvider() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        server.setExecutor(Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(work, "fake-provider");
            thread.setDaemon(true);
            return thread;
        }));
        server.createContext("/v1/charges", this::charges);
        server.createContext("/v1/search", exchange -> answer(exchange, 200, "{\"data\":[]}"));
        server.createContext("/v1/customers", exchange -> answer(exchange, 200, "{\"id\":\"cus_1\"}"));
        server.start();
    }

    public URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/v1");
    }

    synchronized int chargesOf(String invoiceId) {
        return charges.getOrDefault(invoiceId, 0);
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void charges(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        Saved answer = exchange.getRequestMethod().equals("POST")
                ? charged(exchange.getRequestHeaders().getFirst("Idempotency-Key"), body)
                : found(exchange.getRequestURI().getPath().substring("/v1/charges/".length()));
        answer(exchange, answer.status(), answer.answer());
    }

    private synchronized Saved charged(@Nullable String key, String body) {
        Saved before = key == null ? null : saved.get(key);
        if (before != null) {
            return before.parameters().equals(body)
                    ? before
                    : new Saved(body, 400, "{\"error\":{\"type\":\"idempotency_error\"}}");
        }
        String id = "ch_" + ++ids;
        boolean refused = body.contains("amount=402");
        if (!refused) {
            charges.merge(body.replaceAll(".*invoice=([^&]*).*", "$1"), 1, Integer::sum);
        }
        Saved answer = refused
                ? new Saved(body, 402, "{\"id\":\"" + id + "\",\"status\":\"failed\",\"code\":\"card_declined\"}")
                : new Saved(body, 200, "{\"id\":\"" + id + "\",\"status\":\"succeeded\"}");
        if (key != null) {
            saved.put(key, answer);
        }
        return answer;
    }

    private synchronized Saved found(String key) {
        Saved charge = saved.get(key);
        return charge == null
                ? new Saved("", 404, "{\"error\":{\"type\":\"resource_missing\"}}")
                : new Saved("", 200, charge.answer());
    }

    private static void answer(HttpExchange exchange, int status, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.getResponseHeaders().set("Connection", "close"); // or Nagle's algorithm costs 40 ms an answer
        try (exchange) {
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }
}
