package io.github.invoicelock;

import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleAccess;
import io.github.invoicelock.console.ConsoleRequest;
import io.github.invoicelock.console.ConsoleResponse;
import io.github.invoicelock.console.ConsoleVisitor;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Somebody before the console, without a browser: pages as text, forms as their fields. */
final class ConsoleGuest {
    private final Console console;
    private final ConsoleVisitor visitor;
    private final Map<String, String> headers;

    private ConsoleGuest(Console console, ConsoleVisitor visitor, Map<String, String> headers) {
        this.console = console;
        this.visitor = visitor;
        this.headers = headers;
    }

    static ConsoleGuest of(Console console, String name, ConsoleAccess access) {
        return of(console, ConsoleVisitor.named(name, access));
    }

    static ConsoleGuest of(Console console, ConsoleVisitor visitor) {
        return new ConsoleGuest(console, visitor, Map.of("Host", "app.test", "Sec-Fetch-Site", "same-origin"));
    }

    /** The same, whose browser says something else about where its forms come from. */
    ConsoleGuest sending(Map<String, String> others) {
        return new ConsoleGuest(console, visitor, others);
    }

    ConsoleResponse get(String path, String... parameters) {
        return send("GET", path, parameters);
    }

    ConsoleResponse post(String path, String... parameters) {
        return send("POST", path, parameters);
    }

    String page(String path, String... parameters) {
        return get(path, parameters).text();
    }

    /** What a page's forms say that it showed. */
    String seen(String page) {
        return first(page, "name=\"seen\" value=\"([^\"]*)\"");
    }

    static String first(String page, String pattern) {
        Matcher found = Pattern.compile(pattern).matcher(page);
        if (!found.find()) {
            throw new AssertionError("nothing like " + pattern + " in " + page);
        }
        return found.group(1);
    }

    /** Follows a link of a page's. */
    ConsoleResponse follow(String link) {
        String[] parts = link.replace("&amp;", "&").split("\\?", 2);
        Map<String, List<String>> parameters = new HashMap<>();
        if (parts.length == 2) {
            for (String pair : parts[1].split("&", -1)) {
                String[] each = pair.split("=", 2);
                parameters.put(each[0], List.of(URLDecoder.decode(each[1], StandardCharsets.UTF_8)));
            }
        }
        return send("GET", parts[0].substring("/app/console".length()), parameters);
    }

    private ConsoleResponse send(String method, String path, String... parameters) {
        Map<String, List<String>> given = new HashMap<>();
        for (int i = 0; i < parameters.length; i += 2) {
            given.put(parameters[i], List.of(parameters[i + 1]));
        }
        return send(method, path, given);
    }

    private ConsoleResponse send(String method, String path, Map<String, List<String>> parameters) {
        return console.answer(new ConsoleRequest(method, path, parameters, headers, "/app/console", visitor));
    }
}
