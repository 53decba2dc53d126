package io.github.invoicelock.testkit;

import static io.github.invoicelock.testkit.Requirement.require;
import static io.github.invoicelock.testkit.Requirement.unknown;
import static java.util.Objects.requireNonNull;

import io.github.invoicelock.BillingOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** What {@code bill} makes of an answer: it tells what the provider said, and no more (R2, R5). */
final class AnswerChecks {
    private final Bench bench;
    private final GatewayUnderTest host;

    AnswerChecks(Bench bench) {
        this.bench = bench;
        this.host = bench.host();
    }

    void a_charge_is_billed_under_the_providers_reference() {
        List<String> references = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Told told = bench.bill(bench.request(host.invoice()), Fault.NONE).told();
            require(
                    told.charged(),
                    () -> "The provider did not fail, and it " + told.words() + ".",
                    "A charge that is not told is not marked: at best it is asked for again, at worst it is lost.",
                    "Answer BillingOutcome.billed(reference), or accepted(reference, …) if the provider tells later. If the provider"
                            + " did refuse, invoice() must make invoices that it charges.");
            references.add(told.reference().orElseThrow());
        }
        require(
                references.stream().noneMatch(String::isBlank)
                        && !references.contains("null")
                        && !references.get(0).equals(references.get(1)),
                () -> "Of two charges, it told the references " + references + ".",
                "The reference is all that leads from an invoice to its charge: for refunds, disputes, and for a person who must"
                        + " find out.",
                "Answer with the provider's own id of the charge.");
    }

    void a_refusal_is_declined() {
        Told told = bench.refused(Bench.newKey()).conversation().told();
        require(
                told.declined(),
                () -> "The provider refused for good, and it " + told.words() + ".",
                told.charged()
                        ? "The invoice is marked as paid, and nobody paid: the money is lost."
                        : "Only after a refusal may a new key follow (R2); this invoice is sent again under a key that can never"
                                + " charge.",
                "Answer BillingOutcome.declined(code, reason). If the provider does not refuse, see refusal().");
    }

    void a_rate_limit_is_not_billed() {
        Told told = bench.bill(bench.request(host.invoice()), Fault.insteadOfTheProvider(Bench.rateLimit()))
                .told();
        require(
                told.notBilled(),
                () -> "The provider answered 429, and it " + told.words() + ".",
                told.declined()
                        ? "Nobody refused this charge: a busy minute would turn good invoices into refused ones."
                        : told.charged()
                                ? "The invoice is marked as paid, and nobody paid: the money is lost."
                                : "With a provider that remembers no keys, every rate-limited invoice is parked for a person.",
                "Answer BillingOutcome.notBilled(reason, retryAfter) to 429: it came before anything was done.");
    }

    void the_providers_retry_after_is_handed_on() {
        Told told = bench.bill(bench.request(host.invoice()), Fault.insteadOfTheProvider(Bench.rateLimit()))
                .told();
        @Nullable
        Duration handedOn =
                told.outcome() instanceof BillingOutcome.NotBilled notBilled ? notBilled.retryAfter() : null;
        Assumptions.assumeTrue(
                handedOn != null,
                "Recommended: hand Retry-After on with BillingOutcome.notBilled(reason, retryAfter).");
        require(
                requireNonNull(handedOn).compareTo(Bench.RETRY_AFTER) >= 0,
                () -> "The provider answered Retry-After: 7, and it told " + handedOn + ".",
                "Coming back too soon prolongs the rate limit, and ends runs early (R11).",
                "Retry-After counts seconds; it may also be a date.");
    }

    void a_server_error_is_unknown() {
        for (int status : Bench.SERVER_ERRORS) {
            unknown(
                    "The provider charged, then answered " + status,
                    bench.bill(bench.request(host.invoice()), Fault.afterTheProvider(Reply.failure(status)))
                            .told());
        }
    }

    void an_answer_without_sense_is_unknown() {
        Map<String, Fault> answers = new LinkedHashMap<>();
        answers.put("a web page", Fault.afterTheProvider(Reply.of(200, "text/html", Bench.WEB_PAGE)));
        answers.put("an empty body", Fault.afterTheProvider(Reply.of(200, "application/json", "")));
        answers.put("an empty object", Fault.afterTheProvider(Reply.of(200, "application/json", "{}")));
        answers.put("half of its answer", Fault.ANSWER_CUT);
        for (Map.Entry<String, Fault> answer : answers.entrySet()) {
            unknown(
                    "The provider charged, and what came back was 200 with " + answer.getKey(),
                    bench.bill(bench.request(host.invoice()), answer.getValue()).told());
        }
    }

    void an_answer_that_decides_nothing_is_no_refusal() {
        for (int status : host.undecidedStatuses()) {
            Told told = bench.bill(bench.request(host.invoice()), Fault.insteadOfTheProvider(Reply.failure(status)))
                    .told();
            require(
                    told.ended() && !told.declined() && !told.charged(),
                    () -> "The provider answered " + status + ", and it " + told.words() + ".",
                    "Declined means that this key can never charge, and a new one follows (R2). 409 often says that the same key is"
                            + " just charging: the new one charges again. 401 says that no invoice was looked at.",
                    "Answer notBilled or unknown. If the provider does refuse with this status, override undecidedStatuses().");
        }
    }
}
