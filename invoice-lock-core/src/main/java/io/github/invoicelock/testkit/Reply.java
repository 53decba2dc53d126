package io.github.invoicelock.testkit;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** An answer on its way to the gateway. Immutable. */
final class Reply {
    private final int status;
    private final Map<String, List<String>> headers;
    private final byte[] body;

    Reply(int status, Map<String, List<String>> headers, byte[] body) {
        this.status = status;
        this.headers = Map.copyOf(headers);
        this.body = body.clone();
    }

    static Reply of(int status, String contentType, String body) {
        return new Reply(status, Map.of("Content-Type", List.of(contentType)), body.getBytes(StandardCharsets.UTF_8));
    }

    /** What a provider, or a proxy before it, writes about a failure. */
    static Reply failure(int status) {
        return of(status, "application/json", "{\"error\":{\"message\":\"status " + status + "\"}}");
    }

    Reply with(String header, String value) {
        Map<String, List<String>> more = new TreeMap<>(headers);
        more.put(header, List.of(value));
        return new Reply(status, more, body);
    }

    int status() {
        return status;
    }

    Map<String, List<String>> headers() {
        return headers;
    }

    byte[] body() {
        return body.clone();
    }
}
