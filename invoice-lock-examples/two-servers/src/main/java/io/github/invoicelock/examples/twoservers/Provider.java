package io.github.invoicelock.examples.twoservers;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The payment provider, an HTTP server in a process of its own. Takes its time, counts charges by invoice, and remembers idempotency keys
 * with what it answered, failures included. Told by the example which invoice's first key fails.
 */
final class Provider {
    private static final long CALL_MILLIS = 20;

    /** What a key came to. */
    record Saved(int status, String body) {}

    private final Map<Integer, AtomicInteger> charges = new ConcurrentSkipListMap<>();
    private final Map<String, Saved> saved = new ConcurrentHashMap<>();
    private final Set<Integer> failed = ConcurrentHashMap.newKeySet();
    private volatile int failing;

    /**
     * Starts the provider on a free port of loopback and prints the port.
     *
     * @param arguments none
     * @throws IOException if there is no port
     */
    public static void main(String[] arguments) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        Provider provider = new Provider();
        server.createContext("/charges", provider::charges);
        server.createContext("/ledger", provider::ledger);
        server.createContext("/new-day", provider::newDay);
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        System.out.println("READY " + server.getAddress().getPort());
        // Ends with the example: its end of standard input is ours.
        while (System.in.read() >= 0) {
            // nothing is said
        }
        server.stop(0);
        System.exit(0);
    }

    /** An empty ledger; one invoice's first key will fail. */
    private void newDay(HttpExchange exchange) throws IOException {
        charges.clear();
        saved.clear();
        failed.clear();
        fail(Integer.parseInt(exchange.getRequestURI().getQuery()));
        answer(exchange, new Saved(200, "a new day"));
    }

    void fail(int invoice) {
        failing = invoice;
    }

    private void charges(HttpExchange exchange) throws IOException {
        if (exchange.getRequestMethod().equals("POST")) {
            String query = exchange.getRequestURI().getQuery();
            answer(
                    exchange,
                    charge(
                            Integer.parseInt(query.substring(query.indexOf('=') + 1)),
                            exchange.getRequestHeaders().getFirst("Idempotency-Key")));
        } else {
            answer(exchange, find(exchange.getRequestURI().getPath().substring("/charges/".length())));
        }
    }

    Saved charge(int invoice, @Nullable String key) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(CALL_MILLIS));
        return key == null ? execute(invoice) : saved.computeIfAbsent(key, k -> execute(invoice));
    }

    /** A failure is saved under its key for ever: that key will never charge. */
    Saved find(String key) {
        Saved known = saved.get(key);
        if (known == null) {
            return new Saved(404, "never seen");
        }
        return known.status() == 500 ? new Saved(410, "this key failed and stays failed") : known;
    }

    private Saved execute(int invoice) {
        if (invoice == failing && failed.add(invoice)) {
            return new Saved(500, "something went wrong before the charge");
        }
        int count = charges.computeIfAbsent(invoice, i -> new AtomicInteger()).incrementAndGet();
        return new Saved(200, "ch_" + invoice + "_" + count);
    }

    private void ledger(HttpExchange exchange) throws IOException {
        String lines = new TreeMap<>(charges)
                .entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).collect(Collectors.joining("\n"));
        answer(exchange, new Saved(200, lines));
    }

    private static void answer(HttpExchange exchange, Saved saved) throws IOException {
        byte[] body = saved.body().getBytes(StandardCharsets.UTF_8);
        exchange.getRequestBody().readAllBytes();
        exchange.sendResponseHeaders(saved.status(), body.length == 0 ? -1 : body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }
}
