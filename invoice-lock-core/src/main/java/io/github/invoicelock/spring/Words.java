package io.github.invoicelock.spring;

import io.github.invoicelock.BillingOutcome;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The words of the endpoint for what became of an attempt. */
final class Words {
    /** What a person knows to be processed is asked about a day later. */
    private static final Duration ASKED_LATER = Duration.ofDays(1);

    private Words() {}

    static BillingOutcome outcome(
            String word, @Nullable String note, @Nullable String reference, @Nullable String code) {
        String known = InvoiceLockEndpoint.given("note", note);
        return switch (word) {
            case "billed" -> BillingOutcome.billed(InvoiceLockEndpoint.given("reference", reference));
            case "accepted" -> BillingOutcome.accepted(InvoiceLockEndpoint.given("reference", reference), ASKED_LATER);
            case "declined" -> BillingOutcome.declined(InvoiceLockEndpoint.given("code", code), known);
            case "not-billed" -> BillingOutcome.notBilled(known);
            default ->
                throw InvoiceLockEndpoint.invalid("There is no word \"" + word
                        + "\"; there are retry, ask, billed, declined, accepted and not-billed.");
        };
    }
}
