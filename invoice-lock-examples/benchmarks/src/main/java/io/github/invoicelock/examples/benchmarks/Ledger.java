package io.github.invoicelock.examples.benchmarks;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A provider in a process of its own, whose ledger is the judge. It remembers keys for a while, can be asked what became of a key, and
 * keeps back its answers to one host on request: so that the host can be killed when it has charged and does not know it.
 */
final class Ledger {
    private static final long CALL_MILLIS = 200;
    private static final String NOBODY = "";

    private record Charge(String reference, long at) {}

    private final long memoryMillis;
    private final Map<String, Charge> keys = new ConcurrentHashMap<>();
    private final Map<String, Integer> charges = new ConcurrentHashMap<>();
    private final Set<String> held = ConcurrentHashMap.newKeySet();
    private final AtomicInteger references = new AtomicInteger();
    private volatile String heldHost = NOBODY;
    private volatile CountDownLatch released = new CountDownLatch(0);

    private Ledger(long memoryMillis) {
        this.memoryMillis = memoryMillis;
    }

    /**
     * Starts on a free port of loopback and prints the port; ends with its standard input.
     *
     * @param arguments for how many milliseconds it remembers keys
     * @throws IOException if there is no port
     */
    public static void main(String[] arguments) throws IOException {
        Ledger ledger = new Ledger(Long.parseLong(arguments[0]));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1_000);
        server.createContext("/charges/", ledger::charges);
        server.createContext("/ledger", ledger::ledger);
        server.createContext("/hold/", ledger::hold);
        server.createContext("/held", ledger::held);
        server.createContext("/release", ledger::release);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "provider");
            thread.setDaemon(true);
            return thread;
        }));
        server.start();
        System.out.println("READY " + server.getAddress().getPort());
        while (System.in.read() >= 0) {
            // nothing is said
        }
        Runtime.getRuntime().halt(0);
    }

    private void charges(HttpExchange exchange) throws IOException {
        String last = lastPart(exchange);
        if (exchange.getRequestMethod().equals("GET")) {
            Charge charge = keys.get(last);
            answer(exchange, charge == null ? 404 : 200, charge == null ? "never seen" : charge.reference());
            return;
        }
        exchange.getRequestBody().readAllBytes();
        String key = Objects.requireNonNull(exchange.getRequestHeaders().getFirst("Idempotency-Key"));
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(CALL_MILLIS));
        String reference = charge(last, key);
        if (heldHost.equals(exchange.getRequestHeaders().getFirst("Host-Name"))) {
            held.add(last);
            try {
                released.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        answer(exchange, 200, reference);
    }

    /** Once for a key that is remembered. */
    private synchronized String charge(String invoice, String key) {
        Charge before = keys.get(key);
        long now = System.currentTimeMillis();
        if (before != null && now - before.at() < memoryMillis) {
            return before.reference();
        }
        Charge charge = new Charge("ch_" + references.incrementAndGet(), now);
        keys.put(key, charge);
        charges.merge(invoice, 1, Integer::sum);
        return charge.reference();
    }

    private void ledger(HttpExchange exchange) throws IOException {
        answer(
                exchange,
                200,
                charges.entrySet().stream()
                        .map(charge -> charge.getKey() + " " + charge.getValue())
                        .collect(Collectors.joining("\n")));
    }

    /** From now on this host's charges are made, and their answers kept back. */
    private void hold(HttpExchange exchange) throws IOException {
        held.clear();
        released = new CountDownLatch(1);
        heldHost = lastPart(exchange);
        answer(exchange, 200, "");
    }

    private void held(HttpExchange exchange) throws IOException {
        answer(exchange, 200, String.join("\n", held));
    }

    private void release(HttpExchange exchange) throws IOException {
        heldHost = NOBODY;
        released.countDown();
        answer(exchange, 200, "");
    }

    private static String lastPart(HttpExchange exchange) {
        String path = exchange.getRequestURI().getPath();
        return path.substring(path.lastIndexOf('/') + 1);
    }

    private static void answer(HttpExchange exchange, int status, @Nullable String body) throws IOException {
        byte[] bytes = Objects.requireNonNullElse(body, "").getBytes(StandardCharsets.UTF_8);
        try {
            exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
            exchange.getResponseBody().write(bytes);
        } catch (IOException e) {
            // Whoever asked was killed: what was charged is charged.
        } finally {
            exchange.close();
        }
    }
}
