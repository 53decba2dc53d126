package io.github.invoicelock;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A provider for many server processes, which has a clock of its own, takes its time, and sees when two calls for a customer meet. */
final class FleetProvider implements AutoCloseable {
    private final HttpServer server;
    private final ScheduledExecutorService answering = Executors.newScheduledThreadPool(2);
    private final Duration latency;
    private final Queue<Long> arrivals = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicInteger> underWay = new ConcurrentHashMap<>();
    private final Queue<String> meetings = new ConcurrentLinkedQueue<>();
    private final Map<String, String> keys = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> charges = new ConcurrentHashMap<>();

    FleetProvider(Duration latency) {
        this.latency = latency;
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 500);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/charge/", this::hear);
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "fleet-provider");
            thread.setDaemon(true);
            return thread;
        }));
        server.start();
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    private void hear(HttpExchange exchange) throws IOException {
        arrivals.add(System.nanoTime());
        exchange.getRequestBody().readAllBytes();
        String[] parts = exchange.getRequestURI().getPath().split("/", -1);
        AtomicInteger calls = underWay.computeIfAbsent(parts[3], customer -> new AtomicInteger());
        if (calls.incrementAndGet() > 1) {
            meetings.add("customer " + parts[3] + " at invoice " + parts[2]);
        }
        if (keys.putIfAbsent(parts[4], "ch_" + parts[4]) == null) {
            charges.computeIfAbsent(parts[2], invoice -> new AtomicInteger()).incrementAndGet();
        }
        var unused = answering.schedule(
                () -> {
                    calls.decrementAndGet();
                    answer(exchange, "ch_" + parts[4]);
                },
                latency.toNanos(),
                TimeUnit.NANOSECONDS);
    }

    private static void answer(HttpExchange exchange, String body) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        try (exchange) {
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
        } catch (IOException e) {
            // Its caller was killed.
            exchange.close();
        }
    }

    int calls() {
        return arrivals.size();
    }

    int charged() {
        return charges.size();
    }

    List<String> chargedTwice() {
        return charges.entrySet().stream()
                .filter(invoice -> invoice.getValue().get() > 1)
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Where a call for a customer came while another was under way. */
    List<String> meetings() {
        return List.copyOf(meetings);
    }

    /** The most calls in any second. */
    int mostInASecond() {
        long[] times = times();
        int most = 0;
        int first = 0;
        for (int last = 0; last < times.length; last++) {
            while (times[last] - times[first] >= TimeUnit.SECONDS.toNanos(1)) {
                first++;
            }
            most = Math.max(most, last - first + 1);
        }
        return most;
    }

    /** Calls in a second on average, from the first to the last of them. */
    double onAverage() {
        return onAverage(0, calls() - 1);
    }

    /** The same between two of them. */
    double onAverage(int first, int last) {
        long[] times = times();
        return (last - first) * 1e9 / (times[last] - times[first]);
    }

    Duration lasted() {
        long[] times = times();
        return Duration.ofNanos(times[times.length - 1] - times[0]);
    }

    private long[] times() {
        List<Long> all = new ArrayList<>(arrivals);
        long[] times = all.stream().mapToLong(Long::longValue).toArray();
        Arrays.sort(times);
        return times;
    }

    @Override
    public void close() {
        server.stop(0);
        answering.shutdownNow();
    }

    /** The gateway of a server that has such a provider. */
    static BillingGateway gateway(URI provider) {
        HttpClient client =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        return new BillingGateway() {
            @Override
            public BillingOutcome bill(BillingRequest request) throws Exception {
                String customer = request.invoice().get("customer_id", String.class);
                HttpRequest charge = HttpRequest.newBuilder(provider.resolve(
                                "/charge/" + request.invoiceId() + "/" + customer + "/" + request.idempotencyKey()))
                        .timeout(request.timeout())
                        .POST(HttpRequest.BodyPublishers.noBody())
                        .build();
                return BillingOutcome.billed(client.send(charge, HttpResponse.BodyHandlers.ofString())
                        .body());
            }

            @Override
            public Duration idempotencyWindow() {
                return Duration.ofDays(1);
            }
        };
    }
}
