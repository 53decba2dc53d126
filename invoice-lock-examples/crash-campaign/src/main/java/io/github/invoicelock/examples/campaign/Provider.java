package io.github.invoicelock.examples.campaign;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A payment provider in a process of its own, with the habits of real ones on a bad day: it loses answers, executes late, takes too long,
 * fails and saves the failure under its key, refuses, limits rates, forgets keys, and takes no other request under a key than the first. What it does to a request follows from the seed, the
 * key and how often that came, so that a campaign can be repeated. Its ledger is the judge.
 */
final class Provider {
    /** How long keys are remembered. */
    static final Duration MEMORY = Duration.ofSeconds(60);
    /** How long after it was given up a request is still executed, however busy the machine: less than half of the lease's margin. */
    static final Duration LATEST = Duration.ofMillis(700);

    private static final int BAD_REQUESTS_OF_A_KEY = 2;

    /** What became of a key. */
    private record Saved(int status, String body, long at) {}

    private final long seed;
    private final boolean remembers;
    private final boolean badDay;
    private final Map<String, Saved> keys = new ConcurrentHashMap<>();
    private final Map<String, String> charges = new ConcurrentHashMap<>();
    private final Queue<String> list = new ConcurrentLinkedQueue<>();
    private final Map<String, String> bodies = new ConcurrentHashMap<>();
    private final Set<String> otherRequests = ConcurrentHashMap.newKeySet();
    private final Map<String, AtomicInteger> requests = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> underWay = new ConcurrentHashMap<>();
    private final AtomicInteger overlaps = new AtomicInteger();
    private final AtomicInteger received = new AtomicInteger();
    private volatile long lastReceivedAt;
    private final AtomicInteger references = new AtomicInteger();
    private final ExecutorService later = Executors.newCachedThreadPool(Provider::daemon);

    private volatile CountDownLatch held = new CountDownLatch(0);

    private Provider(long seed, boolean remembers, boolean badDay) {
        this.seed = seed;
        this.remembers = remembers;
        this.badDay = badDay;
    }

    /**
     * Starts the provider on a free port of loopback and prints the port; ends with its standard input.
     *
     * @param arguments the seed, whether it remembers keys, whether the day is bad
     * @throws IOException if there is no port
     */
    public static void main(String[] arguments) throws IOException {
        Provider provider = new Provider(
                Long.parseLong(arguments[0]), Boolean.parseBoolean(arguments[1]), Boolean.parseBoolean(arguments[2]));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1_000);
        server.createContext("/charges/", provider::charges);
        server.createContext("/ledger", provider::ledger);
        server.createContext("/list", provider::list);
        server.createContext("/forget", provider::forget);
        server.createContext("/other-requests", provider::otherRequests);
        server.createContext("/overlaps", provider::overlaps);
        server.createContext("/received", provider::received);
        server.createContext("/hold", provider::hold);
        server.createContext("/release", provider::release);
        server.setExecutor(Executors.newCachedThreadPool(Provider::daemon));
        server.start();
        System.out.println("READY " + server.getAddress().getPort());
        while (System.in.read() >= 0) {
            // nothing is said
        }
        Runtime.getRuntime().halt(0);
    }

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task, "provider");
        thread.setDaemon(true);
        return thread;
    }

    private void charges(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String path = exchange.getRequestURI().getPath().substring("/charges/".length());
        if (exchange.getRequestMethod().equals("GET")) {
            Saved saved = keys.get(path);
            answer(exchange, saved == null ? new Saved(404, "never seen", 0) : saved, false);
            return;
        }
        String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
        if (!bodies.computeIfAbsent(key, k -> body).equals(body)) {
            otherRequests.add(path);
            answer(exchange, new Saved(409, "this key came with another request before", 0), false);
            return;
        }
        lastReceivedAt = System.currentTimeMillis();
        received.incrementAndGet();
        AtomicInteger now = underWay.computeIfAbsent(path, invoice -> new AtomicInteger());
        if (now.incrementAndGet() > 1) {
            overlaps.incrementAndGet();
        }
        try {
            charge(exchange, path, key);
        } finally {
            now.decrementAndGet();
        }
    }

    private void charge(HttpExchange exchange, String invoice, String key) throws IOException {
        long latest = Long.parseLong(exchange.getRequestHeaders().getFirst(Gateway.GIVEN_UP_AT)) + LATEST.toMillis();
        int count = requests.computeIfAbsent(key, k -> new AtomicInteger()).incrementAndGet();
        Random random = new Random(seed ^ (31L * key.hashCode() + count));
        int luck = badDay && count <= BAD_REQUESTS_OF_A_KEY ? random.nextInt(100) : 100;
        pause(Duration.ofMillis(2 + random.nextInt(20)));
        if (luck < 4) {
            answer(exchange, new Saved(429, "too many requests", 0), false);
        } else if (luck < 10) {
            execute(invoice, key, latest, 200); // and the answer is lost
            exchange.close();
        } else if (luck < 14) {
            long delay = random.nextInt((int) LATEST.toMillis());
            later.execute(() -> {
                pause(Duration.ofMillis(delay));
                execute(invoice, key, latest, 200);
            });
            exchange.close();
        } else if (luck < 17) {
            pause(Gateway.CALL_TIMEOUT.plusMillis(random.nextInt((int) LATEST.toMillis())));
            answer(exchange, execute(invoice, key, latest, 200), false);
        } else if (luck < 20) {
            answer(exchange, execute(invoice, key, latest, 500), false);
        } else if (luck < 23) {
            answer(exchange, execute(invoice, key, latest, 402), false);
        } else {
            boolean seen = keys.containsKey(key);
            Saved executed = execute(invoice, key, latest, 200);
            untilReleased();
            answer(exchange, executed, seen);
        }
    }

    /** Once for a key that is remembered; each time else. */
    private synchronized Saved execute(String invoice, String key, long latest, int status) {
        Saved saved = keys.get(key);
        boolean known = remembers && saved != null && System.nanoTime() - saved.at() < MEMORY.toNanos();
        // What was refused or charged stays so; one that remembers replays its failures, too.
        if (saved != null && (known || saved.status() == 402)) {
            return saved;
        }
        // On a machine that is too busy a thread comes late; that is no request that came late.
        if (System.currentTimeMillis() > latest) {
            return new Saved(503, "too late", 0);
        }
        String body =
                switch (status) {
                    case 200 -> "ch_" + references.incrementAndGet();
                    case 402 -> "card declined";
                    default -> "failed before the charge";
                };
        if (status == 200) {
            charges.merge(invoice, body, (before, more) -> before + "," + more);
            list.add(key + " " + body + " " + Instant.now());
        }
        Saved now = new Saved(status, body, System.nanoTime());
        if (status != 500 || remembers) {
            keys.put(key, now);
        }
        return now;
    }

    private void ledger(HttpExchange exchange) throws IOException {
        answer(
                exchange,
                new Saved(
                        200,
                        charges.entrySet().stream()
                                .map(charge -> charge.getKey() + " " + charge.getValue())
                                .collect(Collectors.joining("\n")),
                        0),
                false);
    }

    /** Its list of charges: key, reference and time of each. */
    private void list(HttpExchange exchange) throws IOException {
        answer(exchange, new Saved(200, String.join("\n", list), 0), false);
    }

    /** As when its memory of keys is over. */
    private synchronized void forget(HttpExchange exchange) throws IOException {
        keys.clear();
        bodies.clear();
        answer(exchange, new Saved(200, "", 0), false);
    }

    private void otherRequests(HttpExchange exchange) throws IOException {
        answer(exchange, new Saved(200, String.join("\n", otherRequests), 0), false);
    }

    private void overlaps(HttpExchange exchange) throws IOException {
        answer(exchange, new Saved(200, overlaps.toString(), 0), false);
    }

    /** How many requests to charge have come, and when the last one did, by this process's clock in milliseconds. */
    private void received(HttpExchange exchange) throws IOException {
        answer(exchange, new Saved(200, received + " " + lastReceivedAt, 0), false);
    }

    /** From now on charges are made, and their answers kept back. */
    private void hold(HttpExchange exchange) throws IOException {
        held = new CountDownLatch(1);
        answer(exchange, new Saved(200, "", 0), false);
    }

    private void release(HttpExchange exchange) throws IOException {
        held.countDown();
        answer(exchange, new Saved(200, "", 0), false);
    }

    private void untilReleased() {
        try {
            held.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void pause(Duration time) {
        LockSupport.parkNanos(time.toNanos());
    }

    private static void answer(HttpExchange exchange, @Nullable Saved saved, boolean replayed) throws IOException {
        Saved said = saved == null ? new Saved(404, "", 0) : saved;
        byte[] body = said.body().getBytes(StandardCharsets.UTF_8);
        if (replayed) {
            exchange.getResponseHeaders().add("Idempotent-Replayed", "true");
        }
        try {
            exchange.sendResponseHeaders(said.status(), body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
        } catch (IOException e) {
            // Whoever asked is gone, killed or tired of waiting: what was done is done.
        } finally {
            exchange.close();
        }
    }
}
