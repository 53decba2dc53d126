package io.github.invoicelock.internal.invoices;

import org.jspecify.annotations.Nullable;

/**
 * An invoice that was pending and billable when its page was read.
 *
 * @param invoiceId as text
 * @param position just behind it
 * @param customer whose calls must not meet; null where there is no such bound, or none for this one
 */
public record Candidate(
        String invoiceId, Position position, @Nullable String customer) {}
