package io.github.invoicelock.examples.stripe.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The local Stripe's page for people: what was charged, all of it or what belongs to one key or one payment intent. */
final class Dashboard implements HttpHandler {
    static final String PATH = "/dashboard";

    private final List<Map<String, Object>> intents;

    Dashboard(List<Map<String, Object>> intents) {
        this.intents = intents;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        String query = exchange.getRequestURI().getQuery();
        String searched = query == null ? "" : query.substring(query.indexOf('=') + 1);
        StringBuilder page =
                new StringBuilder("<!DOCTYPE html><html lang=en><meta charset=utf-8><title>Local Stripe</title>"
                        + "<style>body{font:16px system-ui;margin:2rem}td,th{padding:.3rem 1rem;text-align:left}</style>"
                        + "<h1>Payments of the local Stripe</h1>");
        page.append(searched.isEmpty() ? "" : "<p>Found by <code>" + escaped(searched) + "</code>, newest first.</p>");
        List<Map<String, Object>> found = intents.stream()
                .filter(intent -> searched.isEmpty()
                        || searched.equals(intent.get("id"))
                        || searched.equals(metadata(intent, "idempotency_key")))
                .toList();
        page.append(found.isEmpty() ? "<p><b>Nothing: no charge, and no refusal.</b></p>" : table(found));
        byte[] body = page.toString().getBytes(StandardCharsets.UTF_8);
        try (exchange) {
            exchange.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private static String table(List<Map<String, Object>> intents) {
        StringBuilder table =
                new StringBuilder("<table><tr><th>payment<th>invoice<th>amount<th>status<th>idempotency key</tr>");
        for (Map<String, Object> intent : intents) {
            table.append("<tr>");
            for (Object cell : new Object[] {
                intent.get("id"),
                metadata(intent, "invoice_id"),
                intent.get("amount") + " " + intent.get("currency"),
                intent.get("status"),
                metadata(intent, "idempotency_key")
            }) {
                table.append("<td>").append(escaped(String.valueOf(cell)));
            }
        }
        return table.append("</table>").toString();
    }

    private static @Nullable Object metadata(Map<String, Object> intent, String name) {
        return intent.get("metadata") instanceof Map<?, ?> metadata ? metadata.get(name) : null;
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }
}
