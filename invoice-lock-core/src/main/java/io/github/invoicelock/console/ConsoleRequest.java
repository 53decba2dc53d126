package io.github.invoicelock.console;

import static java.util.Objects.requireNonNull;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a browser asks for, as a door took it. Immutable.
 *
 * @param method {@code GET}, {@code POST}
 * @param path below the console's own, with its slash: {@code /} for the first page
 * @param parameters of the query and the form, decoded
 * @param headers by their names in any case; of each the first value
 * @param base what comes before the path in the browser's address, without a slash at its end: the context path and where the console is
 * @param visitor who asks
 */
public record ConsoleRequest(
        String method,
        String path,
        Map<String, List<String>> parameters,
        Map<String, String> headers,
        String base,
        ConsoleVisitor visitor) {
    /**
     * Copied.
     *
     * @param method as above
     * @param path as above
     * @param parameters as above
     * @param headers as above
     * @param base as above
     * @param visitor as above
     */
    public ConsoleRequest {
        requireNonNull(method, "method");
        requireNonNull(path, "path");
        requireNonNull(base, "base");
        requireNonNull(visitor, "visitor");
        parameters = Map.copyOf(parameters);
        Map<String, String> lower = new HashMap<>();
        headers.forEach((name, value) -> lower.put(name.toLowerCase(Locale.ROOT), value));
        headers = Map.copyOf(lower);
    }

    /**
     * A parameter.
     *
     * @param name its name
     * @return its first value without blanks around it, which only an invoice's id keeps; empty if it is not there, or blank
     */
    public Optional<String> parameter(String name) {
        return parameters.getOrDefault(name, List.of()).stream()
                .findFirst()
                .filter(value -> !value.isBlank())
                .map(value -> name.equals("id") ? value : value.strip());
    }

    /**
     * A header.
     *
     * @param name its name, in any case
     * @return its value; empty if it is not there
     */
    public Optional<String> header(String name) {
        return Optional.ofNullable(headers.get(name.toLowerCase(Locale.ROOT)));
    }
}
