package io.github.invoicelock.testkit;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Does everything right. Cut into the steps that the wrong gateways get wrong, one each. */
public class CarefulGateway implements BillingGateway {
    private static final Pattern FIELD = Pattern.compile("\"(\\w+)\":\"([^\"]*)\"");

    protected final HttpClient client = HttpClient.newHttpClient();
    protected final URI provider;

    public CarefulGateway(URI provider) {
        this.provider = provider;
    }

    @Override
    public BillingOutcome bill(BillingRequest request) throws Exception {
        try {
            return billed(send(charge(request)));
        } catch (ConnectException e) {
            return BillingOutcome.notBilled("the provider refused the connection");
        }
    }

    @Override
    public boolean canBeAsked() {
        return true;
    }

    @Override
    public BillingOutcome find(BillingRequest request) throws Exception {
        return found(send(question(request)));
    }

    @Override
    public Duration idempotencyWindow() {
        return Duration.ofHours(23);
    }

    HttpRequest charge(BillingRequest request) {
        return to("/charges", request)
                .header("Idempotency-Key", key(request))
                .POST(HttpRequest.BodyPublishers.ofString(parameters(request)))
                .build();
    }

    HttpRequest question(BillingRequest request) {
        return to("/charges/" + request.idempotencyKey(), request).build();
    }

    HttpRequest.Builder to(String path, BillingRequest request) {
        return HttpRequest.newBuilder(URI.create(provider + path)).timeout(request.timeout());
    }

    String key(BillingRequest request) {
        return request.idempotencyKey();
    }

    String parameters(BillingRequest request) {
        return "invoice=" + request.invoiceId() + "&amount=" + request.invoice().get("amount", Long.class);
    }

    HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    BillingOutcome billed(HttpResponse<String> answer) {
        return switch (answer.statusCode()) {
            case 200, 402 -> outcome(answer.body());
            case 429 ->
                answer.headers()
                        .firstValue("Retry-After")
                        .map(seconds ->
                                BillingOutcome.notBilled("rate limited", Duration.ofSeconds(Long.parseLong(seconds))))
                        .orElseGet(() -> BillingOutcome.notBilled("rate limited"));
            default -> BillingOutcome.unknown("status " + answer.statusCode());
        };
    }

    BillingOutcome found(HttpResponse<String> answer) {
        return switch (answer.statusCode()) {
            case 200 -> outcome(answer.body());
            case 404 -> BillingOutcome.notBilled("never seen");
            default -> BillingOutcome.unknown("status " + answer.statusCode());
        };
    }

    static BillingOutcome outcome(String body) {
        Optional<String> id = field(body, "id");
        String status = field(body, "status").orElse("");
        if (id.isPresent() && status.equals("succeeded")) {
            return BillingOutcome.billed(id.get());
        }
        if (id.isPresent() && status.equals("failed")) {
            return BillingOutcome.declined(field(body, "code").orElse("unspecified"), "the provider refused");
        }
        return BillingOutcome.unknown("an answer without sense: " + body);
    }

    static Optional<String> field(String body, String name) {
        Matcher matcher = FIELD.matcher(body);
        while (matcher.find()) {
            if (matcher.group(1).equals(name)) {
                return Optional.of(matcher.group(2));
            }
        }
        return Optional.empty();
    }
}
