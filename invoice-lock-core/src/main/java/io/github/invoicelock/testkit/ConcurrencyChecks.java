package io.github.invoicelock.testkit;

import static io.github.invoicelock.testkit.Requirement.require;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Calls that are under way together do not mix up keys, invoices and answers. */
final class ConcurrencyChecks {
    private static final int CALLS_AT_ONCE = 8;

    private final Bench bench;
    private final GatewayUnderTest host;

    ConcurrencyChecks(Bench bench) {
        this.bench = bench;
        this.host = bench.host();
    }

    void calls_at_once_keep_keys_and_invoices_apart() {
        BillingGateway gateway = bench.connected();
        List<BillingRequest> requests = new ArrayList<>();
        for (int i = 0; i < CALLS_AT_ONCE; i++) {
            requests.add(bench.request(host.invoice()));
        }
        int before = bench.wire().sent().size();
        List<Told> together = billTogether(gateway, requests);
        List<SentRequest> charges =
                bench.wire().sent().stream().skip(before).filter(host::charges).toList();

        for (int i = 0; i < CALLS_AT_ONCE; i++) {
            BillingRequest request = requests.get(i);
            Conversation alone = bench.bill(request, Fault.NONE);
            Optional<String> parameters =
                    bench.charging(alone).stream().map(host::parametersOf).findFirst();
            List<SentRequest> sent = charges.stream()
                    .filter(charge -> host.keyOf(charge).equals(Optional.of(request.idempotencyKey())))
                    .toList();
            Told told = together.get(i);
            Optional<String> reference = told.reference();
            boolean remembered = gateway.idempotencyWindow().compareTo(Duration.ZERO) > 0;
            require(
                    sent.size() == 1
                            && parameters.equals(Optional.of(host.parametersOf(sent.get(0))))
                            && reference.isPresent()
                            && (!remembered || reference.equals(alone.told().reference()))
                            && together.stream()
                                            .map(Told::reference)
                                            .filter(reference::equals)
                                            .count()
                                    == 1,
                    () -> "Of " + CALLS_AT_ONCE + " calls at once, that for invoice " + request.invoiceId()
                            + " and key "
                            + request.idempotencyKey() + " showed on the wire as " + bench.shown(sent) + ", and bill "
                            + told.words() + ".",
                    "The library calls the gateway from several threads: one customer pays another's invoice, or an invoice is"
                            + " marked by another's charge.",
                    "Keep nothing of a call in a field: local variables only, and a client that is thread-safe.");
        }
    }

    private List<Told> billTogether(BillingGateway gateway, List<BillingRequest> requests) {
        bench.wire().befalls(request -> true, Fault.together(CALLS_AT_ONCE, Duration.ofSeconds(1)));
        List<Conversation> calls = new ArrayList<>();
        for (BillingRequest request : requests) {
            calls.add(Conversation.start(bench.wire(), () -> gateway.bill(request)));
        }
        List<Told> told = new ArrayList<>();
        for (int i = 0; i < calls.size(); i++) {
            told.add(calls.get(i).end(bench.patience(requests.get(i))));
        }
        bench.requireProvider();
        return told;
    }
}
