package io.github.invoicelock.examples.browser;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A proxy before an application: it shows the application under a path of its own, and tells it so by {@code X-Forwarded-Host}, {@code -Proto}
 * and {@code -Prefix}. Thread-safe.
 */
public final class PrefixProxy implements AutoCloseable {
    /** Each connection's own. */
    private static final Set<String> NOT_HANDED_ON =
            Set.of("connection", "content-length", "expect", "host", "keep-alive", "transfer-encoding", "upgrade");

    private final String application;
    private final String prefix;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private PrefixProxy(String application, String prefix, HttpServer server) {
        this.application = application;
        this.prefix = prefix;
        this.server = server;
    }

    /**
     * Starts one on a free port of loopback.
     *
     * @param application what is behind it, with its context path and without a slash at the end
     * @param prefix the path under which it is seen, {@code /tools} for example
     * @return a proxy that runs until it is closed
     * @throws IOException if there is no port
     */
    public static PrefixProxy before(String application, String prefix) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        PrefixProxy proxy = new PrefixProxy(application, prefix, server);
        server.createContext(prefix + "/", proxy::handOn);
        server.setExecutor(proxy.threads);
        server.start();
        return proxy;
    }

    /**
     * An address of the application's, as a browser sees it.
     *
     * @param path below the prefix
     * @return with the prefix
     */
    public URI at(String path) {
        return URI.create("http://" + authority() + prefix + path);
    }

    private String authority() {
        return "localhost:" + server.getAddress().getPort();
    }

    private void handOn(HttpExchange exchange) throws IOException {
        try (exchange) {
            HttpResponse<byte[]> answer = client.send(request(exchange), HttpResponse.BodyHandlers.ofByteArray());
            answer.headers().map().forEach((name, values) -> {
                if (isHandedOn(name)) {
                    exchange.getResponseHeaders().put(name, values);
                }
            });
            byte[] body = answer.body();
            exchange.sendResponseHeaders(answer.statusCode(), body.length == 0 ? -1 : body.length);
            if (body.length > 0) {
                exchange.getResponseBody().write(body);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("The proxy is being closed.");
        }
    }

    private HttpRequest request(HttpExchange exchange) throws IOException {
        URI there = URI.create(application + exchange.getRequestURI().toString().substring(prefix.length()));
        HttpRequest.Builder request = HttpRequest.newBuilder(there)
                .method(
                        exchange.getRequestMethod(),
                        HttpRequest.BodyPublishers.ofByteArray(
                                exchange.getRequestBody().readAllBytes()));
        exchange.getRequestHeaders().forEach((name, values) -> {
            if (isHandedOn(name)) {
                values.forEach(value -> request.header(name, value));
            }
        });
        return request.header("X-Forwarded-Host", authority())
                .header("X-Forwarded-Proto", "http")
                .header("X-Forwarded-Prefix", prefix)
                .build();
    }

    private static boolean isHandedOn(String header) {
        return !header.startsWith(":") && !NOT_HANDED_ON.contains(header.toLowerCase(Locale.ROOT));
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
