package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.jooq.Record;

/**
 * One call of the gateway. Two requests with the same idempotency key are always the same request: the invoice is read from the
 * snapshot that was taken when the invoice was claimed, never from the live row.
 *
 * @param invoiceId the host's id as PostgreSQL prints it ({@code id::text})
 * @param idempotencyKey 36 characters in the form of a UUID (version 8); hand it to the provider unchanged
 * @param attempt 1 for the first key of this invoice; a higher number only after the provider finally refused the one before
 * @param invoice the invoice's row at the claim, with its columns' types, and what {@link InvoiceTable#including} added
 * @param timeout how long the call may take; the thread is interrupted when it is over. Hand it to the provider's client.
 */
public record BillingRequest(String invoiceId, String idempotencyKey, int attempt, Record invoice, Duration timeout) {

    /**
     * Checked.
     *
     * @param invoiceId not null
     * @param idempotencyKey not null
     * @param attempt positive
     * @param invoice not null
     * @param timeout not null
     * @throws NullPointerException if a component is null
     */
    public BillingRequest {
        requireNonNull(invoiceId, "invoiceId");
        requireNonNull(idempotencyKey, "idempotencyKey");
        requireNonNull(invoice, "invoice");
        requireNonNull(timeout, "timeout");
    }

    /** Names the invoice and the attempt, without the invoice's contents: those have no business in a log. */
    @Override
    public String toString() {
        return "BillingRequest[invoiceId=%s, idempotencyKey=%s, attempt=%d, timeout=%s]"
                .formatted(invoiceId, idempotencyKey, attempt, timeout);
    }
}
