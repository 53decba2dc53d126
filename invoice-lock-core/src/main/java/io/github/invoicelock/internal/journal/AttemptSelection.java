package io.github.invoicelock.internal.journal;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import java.time.Instant;
import java.time.ZoneOffset;
import org.jooq.Condition;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * Which attempts a person means; null: whatever it is.
 *
 * @param invoiceId as the invoice's row prints it
 * @param key the idempotency key
 * @param reference the provider's
 * @param state the state
 * @param cause why it waits
 * @param from first claimed then or later
 * @param until first claimed before then
 */
public record AttemptSelection(
        @Nullable String invoiceId,
        @Nullable String key,
        @Nullable String reference,
        @Nullable AttemptState state,
        @Nullable AttemptCause cause,
        @Nullable Instant from,
        @Nullable Instant until) {
    Condition condition() {
        Condition all = DSL.noCondition();
        if (invoiceId != null) {
            all = all.and(AttemptTable.INVOICE_ID.eq(invoiceId));
        }
        if (key != null) {
            all = all.and(AttemptTable.IDEMPOTENCY_KEY.eq(key));
        }
        if (reference != null) {
            all = all.and(AttemptTable.REFERENCE.eq(reference));
        }
        if (state != null) {
            all = all.and(AttemptTable.STATE.eq(state.name()));
        }
        if (cause != null) {
            all = all.and(AttemptTable.CAUSE.eq(cause.name()));
        }
        if (from != null) {
            all = all.and(AttemptTable.STARTED_AT.ge(from.atOffset(ZoneOffset.UTC)));
        }
        return until == null ? all : all.and(AttemptTable.STARTED_AT.lt(until.atOffset(ZoneOffset.UTC)));
    }
}
