package io.github.invoicelock.internal.invoices;

import org.jspecify.annotations.Nullable;

/**
 * How far a run has come through the fresh invoices; it only moves forward. Invoices whose ordering column is null come last, as a
 * phase of their own, so that each page is one range of the index.
 *
 * @param nulls whether the phase of nulls has begun
 * @param order the ordering column's value as text; null at a phase's start, and where there is no such column
 * @param id the last id as text; null at a phase's start
 */
public record Position(
        boolean nulls, @Nullable String order, @Nullable String id) {
    /** Before the first invoice. */
    public static final Position START = new Position(false, null, null);
}
