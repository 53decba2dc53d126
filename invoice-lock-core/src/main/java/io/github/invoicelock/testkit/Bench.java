package io.github.invoicelock.testkit;

import static io.github.invoicelock.testkit.Requirement.require;
import static java.util.Objects.requireNonNull;
import static java.util.stream.Collectors.joining;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jooq.Record;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** Calls the gateway under test as servers of the library would, and breaks what is to break. */
final class Bench {
    /** Ordinary calls: so much that a slow machine is not taken for a bad gateway. */
    static final Duration AMPLE = Duration.ofSeconds(30);

    static final Duration RETRY_AFTER = Duration.ofSeconds(7);
    static final List<Integer> SERVER_ERRORS = List.of(500, 502, 503, 504);
    static final String WEB_PAGE = "<html><body><h1>Please sign in to the network</h1></body></html>";

    private final GatewayUnderTest host;
    private @Nullable Wire wire;

    Bench(GatewayUnderTest host) {
        this.host = host;
    }

    GatewayUnderTest host() {
        return host;
    }

    @FunctionalInterface
    interface Question {
        BillingOutcome put(BillingRequest request) throws Exception;
    }

    record Refused(BillingRequest request, Conversation conversation) {}

    Wire wire() {
        Wire present = wire;
        if (present == null) {
            present = new Wire(host.provider());
            wire = present;
        }
        return present;
    }

    BillingGateway connected() {
        return requireNonNull(host.gateway(wire().address()), "gateway(URI) made null");
    }

    BillingRequest request(Record invoice) {
        return request(invoice, newKey(), 1, AMPLE);
    }

    BillingRequest request(Record invoice, String key, int attempt, Duration timeout) {
        return new BillingRequest(host.idOf(invoice), key, attempt, invoice, timeout);
    }

    /** In the form of the library's own keys; random, since a test mode outlives a test. */
    static String newKey() {
        UUID random = UUID.randomUUID();
        return new UUID((random.getMostSignificantBits() & ~0xF000L) | 0x8000L, random.getLeastSignificantBits())
                .toString();
    }

    /** Another server bills; the fault befalls what may charge. */
    Conversation bill(BillingRequest request, Fault fault) {
        return talk(connected()::bill, request, host::charges, fault);
    }

    /** Another server asks; the fault befalls whatever it sends. */
    Conversation find(BillingRequest request, Fault fault) {
        return talk(connected()::find, request, sent -> true, fault);
    }

    Conversation talk(Question question, BillingRequest request, Predicate<SentRequest> affected, Fault fault) {
        wire().befalls(affected, fault);
        Conversation conversation = Conversation.start(wire(), () -> question.put(request));
        conversation.end(patience(request));
        wire().works();
        requireProvider();
        return conversation;
    }

    void requireProvider() {
        wire().problem().ifPresent(problem -> Assertions.fail("The check cannot be made: " + problem));
    }

    Conversation hungBill() {
        return hung(connected()::bill, host::charges, timeout -> request(host.invoice(), newKey(), 1, timeout));
    }

    Conversation hungFind() {
        Record invoice = host.invoice();
        String key = newKey();
        bill(request(invoice, key, 1, AMPLE), Fault.NONE);
        return hung(connected()::find, sent -> true, timeout -> request(invoice, key, 1, timeout));
    }

    /** A call to which the provider never answers, with a time-out in which the request did leave. */
    Conversation hung(Question question, Predicate<SentRequest> affected, Function<Duration, BillingRequest> requests) {
        Conversation call = talk(question, requests.apply(AMPLE), request -> false, Fault.NONE); // slow only once
        Duration timeout = host.timeout();
        for (int i = 0; i < 3 && (i == 0 || call.sent().stream().noneMatch(affected)); i++) {
            call = talk(question, requests.apply(timeout), affected, Fault.SILENCE);
            timeout = timeout.multipliedBy(4);
        }
        Conversation last = call;
        require(
                last.sent().stream().anyMatch(affected),
                () -> "Within its time-out it sent nothing that could hang, and it "
                        + last.told().words() + ".",
                "Nothing can be checked.",
                "Override timeout() with more. The gateway must send its requests to the address given to gateway(URI).");
        return call;
    }

    Refused refused(String key) {
        Refusal refusal = host.refusal();
        BillingRequest request = request(
                refusal.invoices().isPresent() ? refusal.invoices().get().get() : host.invoice(), key, 1, AMPLE);
        Fault fault = refusal.reply().map(Fault::insteadOfTheProvider).orElse(Fault.NONE);
        return new Refused(request, bill(request, fault));
    }

    /** Asks until the charge is found, or the declared lag is over. */
    Told found(BillingRequest request) {
        BillingGateway gateway = connected();
        Duration lag = gateway.findLag();
        long end = System.nanoTime() + lag.plus(host.margin()).toNanos();
        while (true) {
            Told told = talk(gateway::find, request, sent -> false, Fault.NONE).told();
            if (told.charged() || lag.isZero() || System.nanoTime() - end >= 0) {
                return told;
            }
            pause(Duration.ofMillis(100));
        }
    }

    void assumeFind() {
        Assumptions.assumeTrue(host.canFind(), "This gateway cannot look up a charge: canBeAsked() is false.");
    }

    Duration patience(BillingRequest request) {
        return request.timeout().plus(host.margin());
    }

    static Reply rateLimit() {
        return Reply.failure(429).with("Retry-After", String.valueOf(RETRY_AFTER.toSeconds()));
    }

    static void pause(Duration duration) {
        long end = System.nanoTime() + duration.toNanos();
        for (long left = duration.toNanos(); left > 0; left = end - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    List<SentRequest> charging(Conversation... conversations) {
        return Stream.of(conversations)
                .flatMap(conversation -> conversation.sent().stream())
                .filter(host::charges)
                .toList();
    }

    String shown(List<SentRequest> charges) {
        return charges.size() + " charging requests"
                + charges.stream()
                        .map(charge -> charge + " under " + shown(host.keyOf(charge)))
                        .collect(joining("; ", " [", "]"));
    }

    static String shown(Optional<String> key) {
        return key.map(k -> "the key \"" + k + "\"").orElse("no key");
    }

    /** The wire is opened when it is first asked for, and again after this. */
    void close() {
        if (wire != null) {
            wire.close();
            wire = null;
        }
    }
}
