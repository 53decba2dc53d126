package io.github.invoicelock.examples.campaign;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.examples.schemas.HostSchema;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** The hosts' way to the {@link Provider}. One that can be asked is an {@link Asking}. */
sealed class Gateway implements BillingGateway permits Gateway.Asking {
    /** What the hosts of a campaign wait for an answer. */
    static final Duration CALL_TIMEOUT = Duration.ofSeconds(1);
    /** When a host gives a request up, by the machine's clock in milliseconds: the provider holds itself to {@link Provider#LATEST}. */
    static final String GIVEN_UP_AT = "Given-Up-At";

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final URI provider;
    private final ProviderKind kind;
    private final HostSchema schema;

    private Gateway(URI provider, ProviderKind kind, HostSchema schema) {
        this.provider = provider;
        this.kind = kind;
        this.schema = schema;
    }

    static Gateway to(URI provider, ProviderKind kind, HostSchema schema) {
        return kind.canBeAsked ? new Asking(provider, kind, schema) : new Gateway(provider, kind, schema);
    }

    @Override
    public BillingOutcome bill(BillingRequest request) throws IOException, InterruptedException {
        HttpRequest charge = HttpRequest.newBuilder(provider.resolve("/charges/" + request.invoiceId()))
                .header("Idempotency-Key", request.idempotencyKey())
                .header(
                        GIVEN_UP_AT,
                        String.valueOf(
                                System.currentTimeMillis() + request.timeout().toMillis()))
                .timeout(request.timeout())
                .POST(HttpRequest.BodyPublishers.ofString(
                        schema.charge(request.invoice()).toString()))
                .build();
        try {
            return outcome(client.send(charge, HttpResponse.BodyHandlers.ofString()));
        } catch (ConnectException e) {
            return BillingOutcome.notBilled("connection refused");
        }
    }

    @Override
    public Duration idempotencyWindow() {
        return kind.declaresMemory ? Provider.MEMORY.minusSeconds(5) : Duration.ZERO;
    }

    BillingOutcome ask(BillingRequest request) throws IOException, InterruptedException {
        HttpRequest question = HttpRequest.newBuilder(provider.resolve("/charges/" + request.idempotencyKey()))
                .timeout(request.timeout())
                .build();
        HttpResponse<String> answer = client.send(question, HttpResponse.BodyHandlers.ofString());
        return switch (answer.statusCode()) {
            case 404 -> BillingOutcome.notBilled("never seen");
            case 500 -> BillingOutcome.declined("failed", "this key failed before the charge, and stays failed");
            default -> outcome(answer);
        };
    }

    private static BillingOutcome outcome(HttpResponse<String> answer) {
        boolean replayed = answer.headers().firstValue("Idempotent-Replayed").isPresent();
        return switch (answer.statusCode()) {
            case 200 -> BillingOutcome.billed(answer.body());
            case 402 -> BillingOutcome.declined("card_declined", answer.body());
            case 429 -> BillingOutcome.notBilled(answer.body());
            default ->
                replayed
                        ? BillingOutcome.declined("failed", "this key failed before the charge, and stays failed")
                        : BillingOutcome.unknown("status " + answer.statusCode());
        };
    }

    /** Can look a key up. */
    static final class Asking extends Gateway {
        private Asking(URI provider, ProviderKind kind, HostSchema schema) {
            super(provider, kind, schema);
        }

        @Override
        public boolean canBeAsked() {
            return true;
        }

        @Override
        public BillingOutcome find(BillingRequest request) throws IOException, InterruptedException {
            return ask(request);
        }
    }
}
