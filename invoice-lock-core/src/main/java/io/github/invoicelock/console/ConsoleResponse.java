package io.github.invoicelock.console;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * What a door hands back to the browser. Immutable; the body may be written once.
 *
 * @param status of HTTP
 * @param headers all that are to be sent, {@code Content-Type} among them
 * @param body what follows
 */
public record ConsoleResponse(int status, Map<String, String> headers, Body body) {
    /** Written while it is made: a long list is not held in memory. */
    @FunctionalInterface
    public interface Body {
        /**
         * Writes all of it.
         *
         * @param out not closed here
         * @throws IOException if the browser is gone
         */
        void writeTo(OutputStream out) throws IOException;
    }

    /**
     * Copied.
     *
     * @param status as above
     * @param headers as above
     * @param body as above
     */
    public ConsoleResponse {
        headers = Map.copyOf(headers);
    }

    /**
     * The whole body, for tests and for whoever has no stream.
     *
     * @return as UTF-8
     */
    public String text() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            body.writeTo(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    static ConsoleResponse of(int status, String contentType, byte[] bytes) {
        return new ConsoleResponse(status, Map.of("Content-Type", contentType), out -> out.write(bytes));
    }

    static ConsoleResponse plain(int status, String text) {
        return of(status, "text/plain; charset=utf-8", (text + "\n").getBytes(StandardCharsets.UTF_8));
    }

    static ConsoleResponse seeOther(String location) {
        return new ConsoleResponse(303, Map.of("Location", location), out -> {});
    }
}
