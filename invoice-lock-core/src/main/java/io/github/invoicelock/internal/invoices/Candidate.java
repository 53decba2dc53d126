package io.github.invoicelock.internal.invoices;

/**
 * An invoice that was pending and billable when its page was read.
 *
 * @param invoiceId as text
 * @param position just behind it
 */
public record Candidate(String invoiceId, Position position) {}
