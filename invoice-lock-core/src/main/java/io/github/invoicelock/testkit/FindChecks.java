package io.github.invoicelock.testkit;

import static io.github.invoicelock.testkit.Requirement.endsInTime;
import static io.github.invoicelock.testkit.Requirement.require;

import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jooq.Record;
import org.junit.jupiter.api.Assumptions;

/** What {@code find} tells: a charge that was made is found by its key, and what could not be read is unknown (R6, R7). */
final class FindChecks {
    private final Bench bench;
    private final GatewayUnderTest host;

    FindChecks(Bench bench) {
        this.bench = bench;
        this.host = bench.host();
    }

    void find_sees_a_charge_at_once() {
        bench.assumeFind();
        BillingRequest request = bench.request(host.invoice());
        Told billed = bench.bill(request, Fault.NONE).told();
        Told found = bench.found(request);

        seen("A charge was made", found);
        require(
                billed.reference().isEmpty() || billed.reference().equals(found.reference()),
                () -> "bill " + billed.words() + "; find " + found.words() + ".",
                "It is another charge, or nobody will find this one by what the journal holds.",
                "Answer the same reference in both, and look up by request.idempotencyKey().");
    }

    void find_sees_a_charge_whose_answer_was_lost() {
        bench.assumeFind();
        BillingRequest request = bench.request(host.invoice());
        bench.bill(request, Fault.ANSWER_LOST);

        seen("A charge was made and its answer lost", bench.found(request));
    }

    void find_does_not_know_a_key_that_was_never_sent() {
        bench.assumeFind();
        Told told = bench.find(bench.request(host.invoice()), Fault.NONE).told();
        require(
                told.notBilled() || told.outcome() instanceof BillingOutcome.Unknown,
                () -> "Asked for a key that was never sent, find " + told.words() + ".",
                told.outcome() == null
                        ? "An exception means that the provider could not be asked just now: the invoice is asked about again and"
                                + " again, and parked in the end."
                        : "The invoice is settled by a charge or a refusal that it never had: the money is lost.",
                "Answer BillingOutcome.notBilled(reason) if the provider does not know the key, unknown if it cannot tell.");
    }

    void find_asks_for_the_key_not_for_the_invoice() {
        bench.assumeFind();
        Record invoice = host.invoice();
        BillingRequest sent = bench.request(invoice);
        bench.bill(sent, Fault.NONE);
        bench.found(sent); // a lagging index has it by now

        Told told = bench.find(bench.request(invoice, Bench.newKey(), 2, Bench.AMPLE), Fault.NONE)
                .told();
        require(
                told.ended() && !told.charged() && !told.declined(),
                () -> "Asked for a key that was never sent, of an invoice that was charged under another, find "
                        + told.words() + ".",
                "An invoice may have several keys: after a refusal (R2), or from two billers. The outcome of one is taken for the"
                        + " other's: a refusal that never was, or a charge that never was.",
                "Look up by request.idempotencyKey(), stored with the charge (as metadata, say), not by the invoice.");
    }

    void find_does_not_take_a_refused_charge_for_billed() {
        bench.assumeFind();
        Assumptions.assumeTrue(
                host.refusal().invoices().isPresent(),
                "The kit refused in the provider's place, which knows nothing of it: use Refusal.of(…) if it can refuse by itself.");
        Bench.Refused refused = bench.refused(Bench.newKey());
        Told told = bench.find(refused.request(), Fault.NONE).told();
        require(
                told.ended() && !told.charged(),
                () -> "The provider refused a charge, and find " + told.words() + ".",
                "The invoice is marked as paid, and nobody paid: the money is lost.",
                "Look at the state of the charge that was found; a failed one is BillingOutcome.declined(code, reason).");
    }

    void find_sends_no_charge() {
        bench.assumeFind();
        Record charged = host.invoice();
        BillingRequest known = bench.request(charged);
        bench.bill(known, Fault.NONE);
        Record untouched = host.invoice();
        List<SentRequest> charges = new ArrayList<>();
        for (BillingRequest request : List.of(known, bench.request(untouched))) {
            charges.addAll(bench.charging(bench.find(request, Fault.NONE)));
        }
        OptionalInt ofCharged = host.countCharges(charged);
        OptionalInt ofUntouched = host.countCharges(untouched);
        require(
                charges.isEmpty() && ofCharged.orElse(1) == 1 && ofUntouched.orElse(0) == 0,
                () -> "In find it sent " + bench.shown(charges) + "; the provider counts "
                        + (ofCharged.isPresent() ? ofCharged.getAsInt() + " and " + ofUntouched.getAsInt() : "no")
                        + " charges where there were 1 and 0.",
                "find is also asked for invoices that are no longer to be billed, and where the key may be forgotten (R6).",
                "Only read in find. If that request cannot charge, say so in charges(SentRequest).");
    }

    void a_look_up_that_fails_is_unknown() {
        bench.assumeFind();
        BillingRequest request = bench.request(host.invoice());
        bench.bill(request, Fault.NONE);
        Map<String, Fault> failures = new LinkedHashMap<>();
        for (int status : List.of(401, 429, 500, 503)) {
            failures.put("answered " + status, Fault.insteadOfTheProvider(Reply.failure(status)));
        }
        failures.put("broke the connection", Fault.ANSWER_LOST);
        failures.put("broke the connection in the middle of its answer", Fault.ANSWER_CUT);
        failures.put(
                "answered 200 with a web page", Fault.insteadOfTheProvider(Reply.of(200, "text/html", Bench.WEB_PAGE)));
        for (Map.Entry<String, Fault> failure : failures.entrySet()) {
            Told told = bench.find(request, failure.getValue()).told();
            require(
                    told.nothingKnown(),
                    () -> "When asked about a charge that was made, the provider " + failure.getKey() + ", and find "
                            + told.words() + ".",
                    told.notBilled()
                            ? "notBilled means that the provider has never seen the key. The library believes it (R7): it sends again"
                                    + " where keys are not remembered, which charges twice, or gives a charged invoice back as withdrawn."
                            : "The outcome is made up, and final.",
                    "In find, answer notBilled only where the provider says that it does not know the key; let every failure pass as"
                            + " an exception. Do not share bill's way with 429: there it means that nothing was done, here it means"
                            + " that nothing was read.");
        }
    }

    void a_look_up_that_hangs_ends_by_its_time_out() {
        bench.assumeFind();
        endsInTime("find", bench.hungFind().told());
    }

    private static void seen(String happened, Told told) {
        require(
                told.charged(),
                () -> happened + ", and find " + told.words() + ".",
                told.notBilled()
                        ? "The library believes that the key was never seen (R7). It sends again where keys are not remembered, which"
                                + " charges twice, or gives a charged invoice back as withdrawn."
                        : "A charge that find cannot see leaves the invoice in doubt, and with a person in the end.",
                "Look up with a read-after-write endpoint (a list, not a search), by the key and nothing that only this process knows;"
                        + " or declare findLag().");
    }
}
