package io.github.invoicelock.testkit;

import static io.github.invoicelock.testkit.Requirement.require;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jooq.Record;

/** One call of {@code bill} sends one charge, whatever fails: repeating is the library's business (R1, R6, R11). */
final class RepetitionChecks {
    private final Bench bench;
    private final GatewayUnderTest host;

    RepetitionChecks(Bench bench) {
        this.bench = bench;
        this.host = bench.host();
    }

    void one_call_sends_one_charge() {
        Record invoice = host.invoice();
        Conversation call = bench.bill(bench.request(invoice), Fault.NONE);

        require(
                bench.charging(call).size() == 1,
                () -> "It sent " + bench.shown(bench.charging(call)) + " for one call of bill; of all that it sent, "
                        + call.sent() + ".",
                "Each of them may move money, and only one outcome is journaled (R1).",
                "Send one request that charges to the address given to gateway(URI). If the others cannot charge, say so in"
                        + " charges(SentRequest).");
        OptionalInt charges = host.countCharges(invoice);
        require(
                charges.isEmpty() || charges.getAsInt() == 1,
                () -> "After one call of bill the provider counts " + charges.getAsInt() + " charges.",
                "One call must charge once.",
                "See what else the gateway or its client sends.");
    }

    void the_client_does_not_repeat_after_a_rate_limit() {
        notRepeated("429", bench.bill(bench.request(host.invoice()), Fault.insteadOfTheProvider(Bench.rateLimit())));
    }

    void the_client_does_not_repeat_after_a_server_error() {
        for (int status : Bench.SERVER_ERRORS) {
            notRepeated(
                    String.valueOf(status),
                    bench.bill(bench.request(host.invoice()), Fault.insteadOfTheProvider(Reply.failure(status))));
        }
    }

    void the_client_does_not_repeat_after_a_lost_answer() {
        BillingGateway gateway = bench.connected();
        BillingRequest before = bench.request(host.invoice());
        bench.talk(gateway::bill, before, request -> false, Fault.NONE); // leaves a connection that is kept alive
        BillingRequest request = bench.request(host.invoice());
        notRepeated("a lost answer", bench.talk(gateway::bill, request, host::charges, Fault.ANSWER_LOST));
    }

    void the_client_does_not_repeat_after_a_time_out() {
        notRepeated("a time-out", bench.hungBill());
    }

    void no_failure_brings_another_key() {
        List<Fault> faults = new ArrayList<>(List.of(
                Fault.insteadOfTheProvider(Bench.rateLimit()),
                Fault.ANSWER_LOST,
                Fault.afterTheProvider(Reply.failure(409))));
        Bench.SERVER_ERRORS.forEach(status -> faults.add(Fault.afterTheProvider(Reply.failure(status))));
        for (Fault fault : faults) {
            Conversation call = bench.bill(bench.request(host.invoice()), fault);
            Set<Optional<String>> keys = new HashSet<>();
            bench.charging(call).forEach(charge -> keys.add(host.keyOf(charge)));
            require(
                    keys.size() < 2,
                    () -> "In one call that failed it sent " + bench.shown(bench.charging(call)) + ".",
                    "The first may have charged although it failed. A second key charges again, and nothing can stop it (R2).",
                    "Never mint a key in the gateway; switch the client's own retries off.");
        }
    }

    private void notRepeated(String failure, Conversation call) {
        require(
                bench.charging(call).size() <= 1,
                () -> "After " + failure + " it sent the charge again: " + bench.shown(bench.charging(call)) + ".",
                "The first may have charged. Where the provider remembers no keys the second charges again, and where it does, the"
                        + " library's own repetition is journaled, bounded by the key's age (R6) and stopped when too much fails"
                        + " (R11); the client's is not.",
                "Switch the client's own retries off (stripe-java: setMaxNetworkRetries(0); HttpURLConnection repeats a POST by itself:"
                        + " -Dsun.net.http.retryPost=false).");
    }
}
