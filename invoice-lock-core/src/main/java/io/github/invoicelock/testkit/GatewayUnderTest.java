package io.github.invoicelock.testkit;

import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.joining;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingRequest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.jooq.Field;
import org.jooq.Record;

/** What a host says of its gateway, of the provider and of its invoices: the part of {@link BillingGatewayContract} to override. */
abstract class GatewayUnderTest {
    final Bench bench = new Bench(this);

    GatewayUnderTest() {}

    /**
     * Where the provider's test mode or fake is, without the kit: {@code https://api.stripe.com} for example. Called once for a check.
     *
     * @return an absolute http or https address; a path is kept
     */
    protected abstract URI provider();

    /**
     * Makes the gateway under test, as in production but for the address. Called several times for a check: each is another server.
     *
     * @param provider where to send requests instead of {@link #provider()}: plain HTTP on loopback, the same path
     * @return a new gateway
     */
    protected abstract BillingGateway gateway(URI provider);

    /**
     * Makes another invoice that the provider will charge, as {@link BillingRequest#invoice()} will hold it.
     *
     * @return an invoice with an id of its own and, better, an amount of its own
     */
    protected abstract Record invoice();

    /**
     * How the provider refuses a charge for good.
     *
     * @return the refusal
     */
    protected abstract Refusal refusal();

    /**
     * An invoice's id as PostgreSQL prints it.
     *
     * @param invoice one that the host made
     * @return by default, the column {@code id}
     */
    protected String idOf(Record invoice) {
        Field<?> id = invoice.field("id");
        if (id == null) {
            throw new IllegalStateException("invoice() made an invoice without a column \"id\"; its columns are "
                    + Stream.of(invoice.fields()).map(Field::getName).collect(joining(", "))
                    + ". Override idOf(Record) and say which of them is its id.");
        }
        return requireNonNull(
                invoice.get(id, String.class),
                "invoice() made an invoice whose column \"id\" is null. Set it, or override idOf(Record).");
    }

    /**
     * Where a request carries the idempotency key.
     *
     * @param request one that may charge
     * @return by default, the header {@code Idempotency-Key}; empty if there is none
     */
    protected Optional<String> keyOf(SentRequest request) {
        return request.header("Idempotency-Key");
    }

    /**
     * Whether a request may move money. Override it where the gateway sends others too, that look like it: a log-in, a search by POST.
     *
     * @param request any that the gateway sent
     * @return by default, whether it is anything but GET, HEAD and OPTIONS
     */
    protected boolean charges(SentRequest request) {
        return !Set.of("GET", "HEAD", "OPTIONS").contains(request.method());
    }

    /**
     * What the provider compares when a key is sent again.
     *
     * @param request one that may charge
     * @return by default, method, path, query and every byte of the body
     */
    protected String parametersOf(SentRequest request) {
        return request + "\n" + new String(request.body(), StandardCharsets.ISO_8859_1);
    }

    /**
     * Changes the row of the host's table that an invoice was taken from, where there is one: the amount, for example.
     *
     * @param invoice one that the host made
     * @return whether there was a row to change; false by default
     */
    protected boolean changeLiveRow(Record invoice) {
        return false;
    }

    /**
     * Asks the provider, past the gateway, how often an invoice was charged.
     *
     * @param invoice one that the host made
     * @return empty (the default) if it cannot be told
     */
    protected OptionalInt countCharges(Record invoice) {
        return OptionalInt.empty();
    }

    /**
     * Whether the checks of {@code find} are run.
     *
     * @return by default, what the gateway says: {@link BillingGateway#canBeAsked()}
     */
    protected boolean canFind() {
        return bench.connected().canBeAsked();
    }

    /**
     * Whether a call ends when its thread is interrupted. Say false where the client blocks in a socket and cannot
     * ({@code HttpURLConnection}, and what is built upon it): the time-out alone must do then.
     *
     * @return true by default
     */
    protected boolean endsWhenInterrupted() {
        return true;
    }

    /**
     * Answers of the provider that decide nothing about a charge: the credential, a request that is still under way.
     *
     * @return HTTP's statuses; by default 401, 408 and 409
     */
    protected List<Integer> undecidedStatuses() {
        return List.of(401, 408, 409);
    }

    /**
     * {@link BillingRequest#timeout()} where the provider hangs. Long enough for a request to leave.
     *
     * @return two seconds by default
     */
    protected Duration timeout() {
        return Duration.ofSeconds(2);
    }

    /**
     * How long after its time-out, or after an interruption, a call may still end.
     *
     * @return ten seconds by default
     */
    protected Duration margin() {
        return Duration.ofSeconds(10);
    }

    /** Seconds are as fine as a provider's parameters usually are. */
    Duration betweenServers() {
        return Duration.ofMillis(1_100);
    }
}
