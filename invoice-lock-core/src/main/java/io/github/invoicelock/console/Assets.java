package io.github.invoicelock.console;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Optional;

/** The style sheet and the script, read once. */
final class Assets {
    private static final Map<String, String> TYPES = Map.of(
            "/console.css", "text/css; charset=utf-8",
            "/console.js", "text/javascript; charset=utf-8",
            "/console.svg", "image/svg+xml");

    private final Map<String, byte[]> bytes;

    Assets() {
        this.bytes = Map.of(
                "/console.css", read("console.css"),
                "/console.js", read("console.js"),
                "/console.svg", read("console.svg"));
    }

    Optional<ConsoleResponse> at(String path) {
        byte[] asset = bytes.get(path);
        return asset == null
                ? Optional.empty()
                : Optional.of(ConsoleResponse.of(200, String.valueOf(TYPES.get(path)), asset));
    }

    private static byte[] read(String name) {
        try (InputStream in = Assets.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("The jar of invoice-lock lacks " + name
                        + " beside io.github.invoicelock.console.Console. Take the jar as it was published.");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
