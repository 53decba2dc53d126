package io.github.invoicelock.testkit;

import static io.github.invoicelock.testkit.Requirement.require;

import io.github.invoicelock.BillingRequest;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jooq.Record;
import org.junit.jupiter.api.Assumptions;

/** The key reaches the provider, and the same request goes out under it whenever it is sent (R2, R3, R4). */
final class KeyChecks {
    private final Bench bench;
    private final GatewayUnderTest host;

    KeyChecks(Bench bench) {
        this.bench = bench;
        this.host = bench.host();
    }

    void the_key_reaches_the_provider_unchanged() {
        BillingRequest request = bench.request(host.invoice());
        Conversation first = bench.bill(request, Fault.NONE);
        Conversation second = bench.bill(request, Fault.NONE);

        for (SentRequest charge : bench.charging(first, second)) {
            require(
                    host.keyOf(charge).equals(Optional.of(request.idempotencyKey())),
                    () -> "It was given the key " + request.idempotencyKey() + " and sent "
                            + Bench.shown(host.keyOf(charge)) + " with " + charge + ".",
                    "The library sends the same key again after a crash and counts on the provider to know it (R2, R3): under any"
                            + " other key it charges twice.",
                    "Hand request.idempotencyKey() on as it is: no prefix, no cut, no key of your own or of the client's."
                            + " If it travels elsewhere than in the header Idempotency-Key, override keyOf(SentRequest).");
        }
    }

    void another_key_of_the_same_invoice_is_sent_as_another_key() {
        Record invoice = host.invoice();
        String key = Bench.newKey();
        String other = key.substring(0, 35) + (key.endsWith("0") ? "1" : "0");
        Conversation first = bench.bill(bench.request(invoice, key, 1, Bench.AMPLE), Fault.NONE);
        Conversation second = bench.bill(bench.request(invoice, other, 2, Bench.AMPLE), Fault.NONE);

        Set<Optional<String>> keys = new HashSet<>();
        bench.charging(first).forEach(charge -> keys.add(host.keyOf(charge)));
        require(
                bench.charging(second).stream().noneMatch(charge -> keys.contains(host.keyOf(charge))),
                () -> "It was given the keys " + key + " and " + other + ", and sent " + keys + " for both.",
                "A new key follows a final refusal (R2). Under the old one, the provider replays the refusal for ever and the"
                        + " invoice is never billed.",
                "Derive nothing from the invoice's id, and cut nothing off: hand request.idempotencyKey() on as it is.");
    }

    void the_same_key_always_sends_the_same_request() {
        BillingRequest request = bench.request(host.invoice());
        Conversation first = bench.bill(request, Fault.NONE);
        Bench.pause(host.betweenServers()); // a time in the request would show
        Conversation second = bench.bill(request, Fault.NONE);

        sameParameters(
                first,
                second,
                "Take everything that is sent from request.invoice(): no clock, no random, no counter, no server's name.");
    }

    void the_snapshot_is_sent_not_the_live_row() {
        BillingRequest request = bench.request(host.invoice());
        Conversation first = bench.bill(request, Fault.NONE);
        Assumptions.assumeTrue(
                host.changeLiveRow(request.invoice()),
                "There is no live row: override changeLiveRow(Record) if there is.");
        Conversation second = bench.bill(request, Fault.NONE);

        sameParameters(
                first,
                second,
                "Read request.invoice() alone, never the table. What else is needed goes into the snapshot with"
                        + " InvoiceTable.including(...).");
    }

    private void sameParameters(Conversation first, Conversation second, String remedy) {
        List<String> before =
                bench.charging(first).stream().map(host::parametersOf).toList();
        List<String> after =
                bench.charging(second).stream().map(host::parametersOf).toList();
        require(
                before.equals(after),
                () -> "The same BillingRequest went out as " + before + " and then as " + after + ".",
                "The provider answers an error to the same key with other parameters, for ever, or ignores the difference: then"
                        + " nobody knows what was charged (R4).",
                remedy);
    }
}
