package io.github.invoicelock.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Stands between the gateway and the provider: writes down every request, lets it through, and injects faults. Thread-safe. */
final class Wire implements AutoCloseable {
    /** Belong to one connection, or are the client's own to set. */
    private static final Set<String> NOT_FORWARDED = Set.of(
            "connection",
            "content-length",
            "expect",
            "host",
            "http2-settings",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade");

    /** One for all, so that a remote provider's handshake is not paid for in each check. */
    private static final HttpClient CLIENT = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(10))
            .build();

    private final URI provider;
    private final HttpServer server;
    private final ExecutorService threads;
    private final CountDownLatch over = new CountDownLatch(1);
    private final List<SentRequest> sent = new ArrayList<>();
    private Predicate<SentRequest> affected = request -> false;
    private Fault fault = Fault.NONE;
    private @Nullable String problem;

    Wire(URI provider) {
        this.provider = provider;
        this.threads = Executors.newCachedThreadPool(work -> {
            Thread thread = new Thread(work, "invoice-lock-wire");
            thread.setDaemon(true);
            return thread;
        });
        try {
            this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException("No port on loopback could be opened", e);
        }
        server.setExecutor(threads);
        server.createContext("/", this::pass);
        server.start();
    }

    /** Where the gateway is to send its requests, in the provider's place: the same path below another host. */
    URI address() {
        return at(server.getAddress().getPort());
    }

    /** The same, at a port of loopback. */
    URI at(int port) {
        String path = provider.getRawPath();
        return URI.create("http://" + InetAddress.getLoopbackAddress().getHostAddress() + ":" + port
                + (path == null ? "" : path));
    }

    /** Does that to such requests from now on. */
    synchronized void befalls(Predicate<SentRequest> requests, Fault next) {
        this.affected = requests;
        this.fault = next;
    }

    /** Lets everything through from now on. */
    void works() {
        befalls(request -> false, Fault.NONE);
    }

    /** Every request so far, in order. */
    synchronized List<SentRequest> sent() {
        return List.copyOf(sent);
    }

    /** Waits until such a request has been sent; false if none was in time. */
    synchronized boolean awaits(Predicate<SentRequest> request, Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        while (sent.stream().noneMatch(request)) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                return false;
            }
            try {
                wait(left);
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
        }
        return true;
    }

    /** Somebody wants the check to end. */
    static IllegalStateException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new IllegalStateException("The check was interrupted while it waited for the gateway", e);
    }

    /** Why the provider could not be reached, if so: a defect of the set-up, not of the gateway. */
    synchronized Optional<String> problem() {
        return Optional.ofNullable(problem);
    }

    @Override
    public void close() {
        over.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    private void pass(HttpExchange exchange) throws IOException {
        SentRequest request = new SentRequest(
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                exchange.getRequestHeaders(),
                exchange.getRequestBody().readAllBytes());
        try (exchange) {
            written(request).befall(new OnTheWire(exchange, request));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized Fault written(SentRequest request) {
        sent.add(request);
        notifyAll();
        return affected.test(request) ? fault : Fault.NONE;
    }

    private synchronized void failed(SentRequest request, IOException e) {
        if (over.getCount() > 0) {
            problem = request + " could not be forwarded to " + provider + ": " + e;
        }
    }

    private final class OnTheWire implements Fault.Passage {
        private final HttpExchange exchange;
        private final SentRequest request;

        private OnTheWire(HttpExchange exchange, SentRequest request) {
            this.exchange = exchange;
            this.request = request;
        }

        @Override
        public Reply forward() throws InterruptedException {
            HttpRequest.Builder copy = HttpRequest.newBuilder(
                            URI.create(provider.getScheme() + "://" + provider.getRawAuthority() + request.target()))
                    .timeout(Duration.ofSeconds(60))
                    .method(
                            request.method(),
                            request.body().length == 0
                                    ? HttpRequest.BodyPublishers.noBody()
                                    : HttpRequest.BodyPublishers.ofByteArray(request.body()));
            exchange.getRequestHeaders().forEach((name, values) -> {
                if (forwarded(name)) {
                    values.forEach(value -> copy.header(name, value));
                }
            });
            try {
                HttpResponse<byte[]> answer = CLIENT.send(copy.build(), HttpResponse.BodyHandlers.ofByteArray());
                Map<String, List<String>> headers = new TreeMap<>();
                answer.headers().map().forEach((name, values) -> {
                    if (forwarded(name)) {
                        headers.put(name, values);
                    }
                });
                return new Reply(answer.statusCode(), headers, answer.body());
            } catch (IOException e) {
                failed(request, e);
                return Reply.failure(502);
            }
        }

        @Override
        public void answer(Reply reply) throws IOException {
            byte[] body = reply.body();
            begin(reply);
            if (body.length > 0 && !request.method().equals("HEAD")) {
                try (OutputStream out = exchange.getResponseBody()) {
                    out.write(body);
                }
            }
        }

        @Override
        public void answerHalf(Reply reply) throws IOException {
            byte[] body = reply.body();
            if (body.length < 2 || request.method().equals("HEAD")) {
                breakOff();
                return;
            }
            begin(reply);
            OutputStream out = exchange.getResponseBody();
            out.write(Arrays.copyOf(body, body.length / 2));
            out.flush();
            breakOff();
        }

        private void begin(Reply reply) throws IOException {
            exchange.getResponseHeaders().putAll(reply.headers());
            boolean empty = reply.body().length == 0 || request.method().equals("HEAD");
            exchange.sendResponseHeaders(reply.status(), empty ? -1 : reply.body().length);
        }

        @Override
        public void breakOff() {
            exchange.close(); // what was announced and not written makes the server close the connection
        }

        @Override
        public void hang() throws InterruptedException {
            over.await();
        }

        private static boolean forwarded(String header) {
            return !NOT_FORWARDED.contains(header.toLowerCase(Locale.ROOT)) && !header.startsWith(":");
        }
    }
}
