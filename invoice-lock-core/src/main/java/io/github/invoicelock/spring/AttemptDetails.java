package io.github.invoicelock.spring;

import io.github.invoicelock.Advice;
import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.BillingAttempt;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the endpoint shows, as text and numbers, whichever JSON library is there. Nothing of the invoice but its id. */
final class AttemptDetails {
    private final Map<String, Object> details = new LinkedHashMap<>();

    private AttemptDetails() {}

    static Map<String, Object> of(BillingAttempt attempt) {
        return new AttemptDetails()
                .with("invoice", attempt.invoiceId())
                .with("attempt", attempt.number())
                .with("key", attempt.idempotencyKey())
                .with("state", attempt.state())
                .with("cause", attempt.cause())
                .with("startedAt", attempt.startedAt())
                .with("dueAt", attempt.dueAt())
                .with("settledAt", attempt.settledAt())
                .with("calls", attempt.calls())
                .with("reference", attempt.reference())
                .with("code", attempt.code())
                .with("message", attempt.message())
                .with("resolvedBy", attempt.resolvedBy())
                .with("note", attempt.note())
                .with("seen", SeenDetails.of(attempt))
                .details;
    }

    static Map<String, Object> of(AttemptEvent event) {
        return new AttemptDetails()
                .with("at", event.at())
                .with("what", event.what())
                .with("attempt", event.attempt())
                .with("from", event.from())
                .with("to", event.to())
                .with("cause", event.cause())
                .with("reference", event.reference())
                .with("code", event.code())
                .with("message", event.message())
                .with("server", event.server())
                .with("who", event.who())
                .with("note", event.note())
                .details;
    }

    static List<Map<String, Object>> of(Advice advice) {
        return advice.choices().stream()
                .map(choice -> new AttemptDetails()
                        .with("decision", choice.decision())
                        .with("when", choice.decision().text())
                        .with("then", choice.effect().text())
                        .with("notBefore", choice.notBefore())
                        .details)
                .toList();
    }

    private AttemptDetails with(String name, @Nullable Object value) {
        if (value != null) {
            details.put(name, value instanceof Integer ? value : value.toString());
        }
        return this;
    }
}
