package io.github.invoicelock.testkit;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A request that the gateway sent, as it was seen on the wire. Immutable. */
public final class SentRequest {
    private final String method;
    private final String target;
    private final Map<String, List<String>> headers;
    private final byte[] body;

    SentRequest(String method, String target, Map<String, List<String>> headers, byte[] body) {
        this.method = method;
        this.target = target;
        TreeMap<String, List<String>> copy = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        headers.forEach((name, values) -> copy.put(name, List.copyOf(values)));
        this.headers = copy;
        this.body = body.clone();
    }

    /**
     * The method.
     *
     * @return in capitals, {@code POST} for example
     */
    public String method() {
        return method.toUpperCase(Locale.ROOT);
    }

    /**
     * What was asked for.
     *
     * @return path and query, as they were sent, {@code /v1/charges?expand=customer} for example
     */
    public String target() {
        return target;
    }

    /**
     * A header's first value.
     *
     * @param name in any case
     * @return empty if there is no such header
     */
    public Optional<String> header(String name) {
        List<String> values = headers.get(name);
        return values == null || values.isEmpty() ? Optional.empty() : Optional.of(values.get(0));
    }

    /**
     * The body.
     *
     * @return a copy of the bytes; empty if there was none
     */
    public byte[] body() {
        return body.clone();
    }

    /**
     * The body as text.
     *
     * @return decoded as UTF-8
     */
    public String text() {
        return new String(body, StandardCharsets.UTF_8);
    }

    /** Method and target. The body has no business in a log. */
    @Override
    public String toString() {
        return method() + " " + target;
    }
}
