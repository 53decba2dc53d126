package io.github.invoicelock.console.pages;

import io.github.invoicelock.Advice;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.Decision;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An invoice, its story and what can be decided.
 *
 * @param frame around it
 * @param id the invoice's
 * @param attempts newest first; never empty
 * @param story oldest first
 * @param snapshot what was sent, where the visitor asked for it; null if they did not
 * @param snapshotThere whether there is one to ask for
 */
public record InvoicePage(
        Frame frame,
        String id,
        List<Attempt> attempts,
        List<Line> story,
        @Nullable List<Frame.Field> snapshot,
        boolean snapshotThere) {
    /**
     * One key.
     *
     * @param attempt as the journal has it
     * @param seen what a decision says it was made on
     * @param link to the provider; null if there is none
     * @param keyAge how old the key is, beside the provider's memory, in a sentence
     * @param provider what the provider offers for it, in some words
     * @param until until when a request may be under way; null if none can be
     * @param choices what can be decided on it; empty where nothing can
     */
    public record Attempt(
            BillingAttempt attempt,
            String seen,
            @Nullable String link,
            String keyAge,
            String provider,
            @Nullable Instant until,
            List<Advice.Choice> choices) {
        /** What the field for the reference holds at first: of a charge that is only acknowledged the reference is known. */
        public String knownReference() {
            String reference = attempt.reference();
            boolean closes = choices.stream()
                    .anyMatch(choice ->
                            choice.decision() == Decision.RESOLVE_BILLED && choice.effect() == Advice.Effect.CLOSES);
            return closes && reference != null ? reference : "";
        }
    }

    /**
     * A line of the story.
     *
     * @param at when
     * @param attempt of which attempt
     * @param what happened
     * @param by who or which server; empty if that is not known
     * @param said what was said; null if nothing was
     * @param note what a person noted; null if nothing was
     * @param tone which colour it has
     */
    public record Line(
            Instant at,
            int attempt,
            String what,
            String by,
            @Nullable String said,
            @Nullable String note,
            String tone) {}
}
