package io.github.invoicelock.examples.stripe.demo;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.stripe.Stripe;
import com.stripe.net.Webhook;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * Speaks as much of Stripe's wire format as the gateway uses, and keeps its rules of
 * <a href="https://docs.stripe.com/api/idempotent_requests">idempotent requests</a>: a result is saved under its key once execution has
 * begun, 500s included, and replayed; other parameters under the same key are an error, a request that meets another one under the same key
 * is a conflict; neither those, nor what fails validation, nor 401, 403 and 429 are saved; keys are pruned after 24 hours. Its ledger is
 * the judge. Thread-safe.
 */
public final class FakeStripe implements AutoCloseable {
    /** What goes wrong with the next execution for an invoice, once. */
    public enum Fault {
        /** Too many requests: before the key is looked at. */
        RATE_LIMITED,
        /** An object is locked by another request. */
        LOCK_TIMEOUT,
        /** The API key may not do this. */
        FORBIDDEN,
        /** A 500, and nothing was charged; saved. */
        ERROR_BEFORE_CHARGE,
        /** A 500, although it was charged; saved. */
        ERROR_AFTER_CHARGE,
        /** Charged, and the connection is closed without an answer. */
        CONNECTION_LOST,
        /** Charged, and the answer waits for {@link #release()}. */
        NO_ANSWER,
        /** Begun, and not charged before {@link #release()}. */
        SLOW
    }

    /**
     * A request as it came.
     *
     * @param method of HTTP
     * @param path without the query
     * @param apiKey which the client showed
     * @param idempotencyKey null if there was none
     * @param parameters decoded, as {@code metadata[invoice_id]}
     */
    public record Request(
            String method,
            String path,
            String apiKey,
            @Nullable String idempotencyKey,
            Map<String, String> parameters) {}

    /**
     * An event as Stripe delivers it.
     *
     * @param body JSON
     * @param signature the header {@code Stripe-Signature}
     */
    public record SignedEvent(String body, String signature) {}

    private record Answer(int status, Map<String, Object> body) {}

    /** What is under a key; the answer is null while it is being executed. */
    private record Saved(
            Map<String, String> parameters,
            Instant at,
            @Nullable Answer answer) {}

    private static final Duration KEYS_KEPT = Duration.ofHours(24);
    private static final Gson JSON = new GsonBuilder().serializeNulls().create();

    private final Clock clock;
    private final String webhookSecret;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, Saved> keys = new HashMap<>();
    private final Map<String, Fault> faults = new ConcurrentHashMap<>();
    private final List<Map<String, Object>> intents = new CopyOnWriteArrayList<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private int customers;

    private FakeStripe(Clock clock, String webhookSecret) throws IOException {
        this.clock = clock;
        this.webhookSecret = webhookSecret;
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::handle);
        server.createContext(Dashboard.PATH, new Dashboard(intents));
        server.setExecutor(threads);
        server.start();
    }

    /**
     * Starts on a free port of loopback.
     *
     * @param clock by which keys grow old
     * @param webhookSecret signs its events
     * @return a Stripe with an empty ledger
     * @throws IOException if there is no port
     */
    public static FakeStripe start(Clock clock, String webhookSecret) throws IOException {
        return new FakeStripe(clock, webhookSecret);
    }

    /**
     * Where it is.
     *
     * @return for the client's {@code setApiBase}
     */
    public String apiBase() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /**
     * Where people see what was charged.
     *
     * @return a page; with {@code ?of=} a payment intent or an idempotency key it shows that alone
     */
    public String dashboard() {
        return apiBase() + Dashboard.PATH;
    }

    /**
     * Lets something go wrong, once.
     *
     * @param invoiceId with whose next execution
     * @param fault what
     */
    public void goWrong(String invoiceId, Fault fault) {
        faults.put(invoiceId, fault);
    }

    /**
     * Waits until {@link Fault#NO_ANSWER} has charged, or {@link Fault#SLOW} has begun.
     *
     * @throws InterruptedException if interrupted
     */
    public void awaitReached() throws InterruptedException {
        reached.await();
    }

    /** Lets {@link Fault#NO_ANSWER} answer, and {@link Fault#SLOW} go on. */
    public void release() {
        released.countDown();
    }

    /**
     * All requests so far.
     *
     * @return as they came
     */
    public List<Request> requests() {
        return List.copyOf(requests);
    }

    /**
     * The ledger.
     *
     * @return how often each invoice was charged, or is being debited
     */
    public Map<String, Integer> ledger() {
        Map<String, Integer> ledger = new TreeMap<>();
        for (Map<String, Object> intent : intents) {
            if ("succeeded".equals(intent.get("status")) || "processing".equals(intent.get("status"))) {
                ledger.merge(invoiceOf(intent), 1, Integer::sum);
            }
        }
        return ledger;
    }

    /**
     * The bank has debited what was processing, or has refused.
     *
     * @param invoiceId whose
     * @param succeeds whether it has
     * @return what Stripe tells of it
     */
    public SignedEvent settleDebit(String invoiceId, boolean succeeds) {
        Map<String, Object> intent = intents.stream()
                .filter(each -> invoiceOf(each).equals(invoiceId) && "processing".equals(each.get("status")))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("Nothing is processing for invoice " + invoiceId));
        intent.put("status", succeeds ? "succeeded" : "requires_payment_method");
        if (!succeeds) {
            intent.put(
                    "last_payment_error", cardError("payment_method_provider_decline", "debit_not_authorized", "No."));
        }
        return event(succeeds ? "payment_intent.succeeded" : "payment_intent.payment_failed", intent);
    }

    private SignedEvent event(String type, Map<String, Object> intent) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("id", "evt_" + intent.get("id"));
        event.put("object", "event");
        event.put("api_version", Stripe.API_VERSION);
        event.put("created", clock.instant().getEpochSecond());
        event.put("type", type);
        event.put("data", Map.of("object", intent));
        String body = JSON.toJson(event);
        long now = clock.instant().getEpochSecond();
        try {
            return new SignedEvent(
                    body, "t=" + now + ",v1=" + Webhook.Util.computeHmacSha256(webhookSecret, now + "." + body));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        release();
        server.stop(0);
        threads.shutdownNow();
    }

    // ---- requests

    private void handle(HttpExchange exchange) throws IOException {
        String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        boolean get = exchange.getRequestMethod().equals("GET");
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        String query = exchange.getRequestURI().getRawQuery();
        Request request = new Request(
                exchange.getRequestMethod(),
                exchange.getRequestURI().getPath(),
                authorization == null ? "" : authorization.replaceFirst("Bearer ", ""),
                exchange.getRequestHeaders().getFirst("Idempotency-Key"),
                decoded(get ? (query == null ? "" : query) : body));
        requests.add(request);
        try (exchange) {
            if (!request.apiKey().startsWith("sk_test_")) {
                answer(exchange, error(401, "invalid_request_error", null, "Invalid API Key provided"), false);
            } else if (get) {
                answer(exchange, list(request.parameters()), false);
            } else if (request.path().equals("/v1/customers")) {
                answer(exchange, customer(), false);
            } else {
                create(exchange, request);
            }
        }
    }

    private void create(HttpExchange exchange, Request request) throws IOException {
        String invoice = request.parameters().getOrDefault("metadata[invoice_id]", "");
        Fault fault = faults.remove(invoice);
        if (fault == Fault.RATE_LIMITED) {
            exchange.getResponseHeaders().set("Retry-After", "1");
            answer(exchange, error(429, "invalid_request_error", "rate_limit", "Too many requests"), false);
            return;
        }
        if (fault == Fault.FORBIDDEN) {
            answer(exchange, error(403, "invalid_request_error", null, "The API key may not do this"), false);
            return;
        }
        Saved before = enter(request);
        if (before != null) {
            if (fault != null) {
                faults.put(invoice, fault);
            }
            answerFromKey(exchange, request, before);
            return;
        }
        if (fault == Fault.LOCK_TIMEOUT) {
            leave(request, null);
            answer(exchange, error(429, "invalid_request_error", "lock_timeout", "The object is locked"), false);
            return;
        }
        Answer invalid = invalid(request.parameters());
        if (invalid != null) {
            leave(request, null);
            answer(exchange, invalid, false);
            return;
        }
        if (fault == Fault.SLOW) {
            awaitRelease();
        }
        Answer result = execute(request.parameters(), fault);
        leave(request, result);
        if (fault == Fault.NO_ANSWER) {
            awaitRelease();
        }
        if (fault != Fault.CONNECTION_LOST) {
            answer(exchange, result, false);
        }
    }

    /** What is under the key already; else the key is taken by this request. */
    private synchronized @Nullable Saved enter(Request request) {
        String key = request.idempotencyKey();
        if (key == null) {
            return null;
        }
        Instant now = clock.instant();
        keys.values().removeIf(saved -> !saved.at().plus(KEYS_KEPT).isAfter(now));
        return keys.putIfAbsent(key, new Saved(request.parameters(), now, null));
    }

    private synchronized void leave(Request request, @Nullable Answer answer) {
        String key = request.idempotencyKey();
        if (key == null) {
            return;
        }
        if (answer == null) {
            keys.remove(key);
        } else {
            keys.computeIfPresent(key, (k, saved) -> new Saved(saved.parameters(), saved.at(), answer));
        }
    }

    private static void answerFromKey(HttpExchange exchange, Request request, Saved saved) throws IOException {
        if (!saved.parameters().equals(request.parameters())) {
            answer(
                    exchange,
                    error(
                            400,
                            "idempotency_error",
                            null,
                            "Keys for idempotent requests can only be used with the same parameters they were first used with."),
                    false);
        } else if (saved.answer() == null) {
            answer(
                    exchange,
                    error(
                            409,
                            "idempotency_error",
                            "idempotency_key_in_use",
                            "There is currently another in-progress request using this Idempotent Key."),
                    false);
        } else {
            answer(exchange, saved.answer(), true);
        }
    }

    private static @Nullable Answer invalid(Map<String, String> parameters) {
        if (!parameters.getOrDefault("amount", "").matches("[1-9]\\d*")) {
            return error(400, "invalid_request_error", "parameter_invalid_integer", "Invalid integer: amount");
        }
        return parameters.containsKey("currency")
                ? null
                : error(400, "invalid_request_error", "parameter_missing", "Missing required param: currency.");
    }

    // ---- execution

    private synchronized Answer execute(Map<String, String> parameters, @Nullable Fault fault) {
        if (fault == Fault.ERROR_BEFORE_CHARGE) {
            return error(500, "api_error", null, "An unknown error occurred");
        }
        String method = parameters.getOrDefault("payment_method", "");
        if (!method.startsWith("pm_")) {
            return error(400, "invalid_request_error", "resource_missing", "No such PaymentMethod: '" + method + "'");
        }
        Map<String, Object> intent = intent(parameters);
        intents.add(0, intent); // lists are newest first
        Map<String, Object> refusal = refusal(method);
        if (refusal != null) {
            intent.put("status", "requires_payment_method");
            intent.put("last_payment_error", refusal);
            Map<String, Object> error = new LinkedHashMap<>(refusal);
            error.put("payment_intent", intent);
            return new Answer(402, Map.of("error", error));
        }
        intent.put("status", method.equals("pm_usBankAccount_success") ? "processing" : "succeeded");
        return fault == Fault.ERROR_AFTER_CHARGE
                ? error(500, "api_error", null, "An unknown error occurred")
                : new Answer(200, intent);
    }

    /** Stripe's own test payment methods. */
    private static @Nullable Map<String, Object> refusal(String method) {
        return switch (method) {
            case "pm_card_visa_chargeDeclined" ->
                cardError("card_declined", "generic_decline", "Your card was declined.");
            case "pm_card_visa_chargeDeclinedInsufficientFunds" ->
                cardError("card_declined", "insufficient_funds", "Your card has insufficient funds.");
            case "pm_card_chargeDeclinedExpiredCard" -> cardError("expired_card", null, "Your card has expired.");
            case "pm_card_authenticationRequired" ->
                cardError(
                        "authentication_required",
                        "authentication_required",
                        "Your card was declined. This transaction requires authentication.");
            default -> null;
        };
    }

    private static Map<String, Object> cardError(String code, @Nullable String declineCode, String message) {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("type", "card_error");
        error.put("code", code);
        if (declineCode != null) {
            error.put("decline_code", declineCode);
        }
        error.put("message", message);
        return error;
    }

    private Map<String, Object> intent(Map<String, String> parameters) {
        Map<String, String> metadata = new LinkedHashMap<>();
        parameters.forEach((name, value) -> {
            if (name.startsWith("metadata[")) {
                metadata.put(name.substring("metadata[".length(), name.length() - 1), value);
            }
        });
        Map<String, Object> intent = new ConcurrentHashMap<>();
        intent.put("id", "pi_" + (intents.size() + 1));
        intent.put("object", "payment_intent");
        intent.put("amount", Long.valueOf(parameters.getOrDefault("amount", "0")));
        intent.put("currency", parameters.getOrDefault("currency", ""));
        intent.put("customer", parameters.getOrDefault("customer", ""));
        intent.put("created", clock.instant().getEpochSecond());
        intent.put("metadata", metadata);
        intent.put("status", "requires_payment_method");
        return intent;
    }

    private synchronized Answer customer() {
        customers++;
        return new Answer(200, Map.of("id", "cus_" + customers, "object", "customer"));
    }

    private Answer list(Map<String, String> parameters) {
        String after = parameters.getOrDefault("starting_after", "");
        long since = Long.parseLong(parameters.getOrDefault("created[gte]", "0"));
        int limit = Integer.parseInt(parameters.getOrDefault("limit", "10"));
        List<Map<String, Object>> found = new ArrayList<>();
        boolean beyond = after.isEmpty();
        for (Map<String, Object> intent : intents) {
            if (beyond
                    && parameters.getOrDefault("customer", "").equals(intent.get("customer"))
                    && Long.parseLong(String.valueOf(intent.get("created"))) >= since) {
                found.add(intent);
            }
            beyond = beyond || after.equals(intent.get("id"));
        }
        Map<String, Object> list = new LinkedHashMap<>();
        list.put("object", "list");
        list.put("url", "/v1/payment_intents");
        list.put("has_more", found.size() > limit);
        list.put("data", found.subList(0, Math.min(limit, found.size())));
        return new Answer(200, list);
    }

    // ---- the wire

    private static Answer error(int status, String type, @Nullable String code, String message) {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("type", type);
        if (code != null) {
            error.put("code", code);
        }
        error.put("message", message);
        return new Answer(status, Map.of("error", error));
    }

    private static void answer(HttpExchange exchange, Answer answer, boolean replayed) throws IOException {
        byte[] body = JSON.toJson(answer.body()).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.getResponseHeaders().set("Request-Id", "req_" + Long.toHexString(System.nanoTime()));
        if (replayed) {
            exchange.getResponseHeaders().set("Idempotent-Replayed", "true");
        }
        exchange.sendResponseHeaders(answer.status(), body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    private void awaitRelease() {
        reached.countDown();
        try {
            released.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Map<String, String> decoded(String form) {
        Map<String, String> parameters = new TreeMap<>();
        for (String pair : form.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                parameters.put(
                        URLDecoder.decode(pair.substring(0, equals), StandardCharsets.UTF_8),
                        URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        return parameters;
    }

    private static String invoiceOf(Map<String, Object> intent) {
        return String.valueOf(((Map<?, ?>) java.util.Objects.requireNonNull(intent.get("metadata"))).get("invoice_id"));
    }
}
