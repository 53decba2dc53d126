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
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A provider that other processes charge over HTTP, and its ledger: which survives them, and judges. One account for each cell. */
final class HttpLedger implements AutoCloseable {
    private final HttpServer server;
    private final Map<String, List<String>> charges = new ConcurrentHashMap<>();
    private final Map<String, String> keys = new ConcurrentHashMap<>();
    private final AtomicInteger count = new AtomicInteger();

    HttpLedger() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 500);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/remembering/", exchange -> answer(exchange, true));
        server.createContext("/forgetful/", exchange -> answer(exchange, false));
        server.setExecutor(Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "ledger");
            thread.setDaemon(true);
            return thread;
        }));
        server.start();
    }

    URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    /** The references of all charges of an invoice. */
    List<String> chargesOf(String account, String invoiceId) {
        return charges.getOrDefault(account + "/" + invoiceId, List.of());
    }

    /** A charge of which nobody was told. */
    void charge(String account, String invoiceId, String key) {
        execute(account + "/" + invoiceId, key);
    }

    private String execute(String invoice, String key) {
        String reference = "ch_" + count.incrementAndGet();
        charges.computeIfAbsent(invoice, i -> new CopyOnWriteArrayList<>()).add(reference);
        keys.put(key, reference);
        return reference;
    }

    private void answer(HttpExchange exchange, boolean remembers) throws IOException {
        exchange.getRequestBody().readAllBytes();
        String path = exchange.getRequestURI().getPath();
        String[] parts = path.split("/", -1);
        String known = keys.get(parts[parts.length - 1]);
        String body;
        if (exchange.getRequestMethod().equals("GET")) {
            body = known == null ? "" : known;
        } else {
            synchronized (this) {
                known = keys.get(parts[4]);
                body = remembers && known != null ? known : execute(parts[2] + "/" + parts[3], parts[4]);
            }
        }
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(bytes.length == 0 ? 404 : 200, bytes.length == 0 ? -1 : bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }

    /** The gateway of a host with such a provider. */
    static BillingGateway gateway(HttpClient client, URI ledger, ProviderKind kind, String account) {
        Gateway gateway = new Gateway(client, ledger, kind, account);
        return kind.canBeAsked ? new AskingGateway(gateway) : gateway;
    }

    private record Gateway(HttpClient client, URI ledger, ProviderKind kind, String account) implements BillingGateway {
        @Override
        public BillingOutcome bill(BillingRequest request) throws IOException, InterruptedException {
            HttpRequest charge = HttpRequest.newBuilder(
                            path("/" + account + "/" + request.invoiceId() + "/" + request.idempotencyKey()))
                    .timeout(request.timeout())
                    .POST(HttpRequest.BodyPublishers.noBody())
                    .build();
            return BillingOutcome.billed(
                    client.send(charge, HttpResponse.BodyHandlers.ofString()).body());
        }

        BillingOutcome ask(BillingRequest request) throws IOException, InterruptedException {
            HttpRequest question = HttpRequest.newBuilder(path("/" + request.idempotencyKey()))
                    .timeout(request.timeout())
                    .build();
            String known =
                    client.send(question, HttpResponse.BodyHandlers.ofString()).body();
            return known.isEmpty() ? BillingOutcome.notBilled("never seen") : BillingOutcome.billed(known);
        }

        private URI path(String rest) {
            return ledger.resolve((kind.remembers ? "/remembering" : "/forgetful") + rest);
        }

        @Override
        public Duration idempotencyWindow() {
            return kind.remembers ? Duration.ofDays(1) : Duration.ZERO;
        }
    }

    private record AskingGateway(Gateway gateway) implements BillingGateway {
        @Override
        public BillingOutcome bill(BillingRequest request) throws IOException, InterruptedException {
            return gateway.bill(request);
        }

        @Override
        public boolean canBeAsked() {
            return true;
        }

        @Override
        public BillingOutcome find(BillingRequest request) throws IOException, InterruptedException {
            return gateway.ask(request);
        }

        @Override
        public Duration idempotencyWindow() {
            return gateway.idempotencyWindow();
        }
    }
}
