package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.math.BigDecimal;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the provider says it charged, for {@link LockingInvoiceBiller#reconcile}. Leave out what was refunded.
 *
 * @param key the idempotency key, as the gateway stored it with the charge; null if it is not known. It has the last word: an invoice's id
 *     beside it is only used if the key can be one of that invoice
 * @param invoiceId the invoice's id, as the gateway stored it with the charge; null if it is not known
 * @param reference the provider's id of the charge, as the gateway hands it to {@link BillingOutcome#billed}; not blank
 * @param amount what was charged, in the unit of {@link InvoiceTable#amountIn}; null if it is not to be compared
 * @param time when it was charged, by the provider's clock
 */
public record ProviderCharge(
        @Nullable String key,
        @Nullable String invoiceId,
        String reference,
        @Nullable BigDecimal amount,
        Instant time) {
    /**
     * Checked.
     *
     * @param key as above
     * @param invoiceId as above
     * @param reference as above
     * @param amount as above
     * @param time as above
     * @throws NullPointerException if reference or time is null
     * @throws IllegalArgumentException if the reference is blank
     */
    public ProviderCharge {
        requireNonNull(reference, "reference");
        requireNonNull(time, "time");
        if (reference.isBlank()) {
            throw new IllegalArgumentException(
                    "reference is blank; a ProviderCharge needs the provider's id of the charge, by which it is compared.");
        }
    }
}
