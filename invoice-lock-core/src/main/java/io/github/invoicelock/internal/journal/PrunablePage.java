package io.github.invoicelock.internal.journal;

import java.util.Map;

/**
 * A page of the journal, looked through for what may be deleted.
 *
 * @param prunable invoice ids by attempt, of those that are settled for long
 * @param lastId where the next page begins; that of the page before at the journal's end
 * @param young whether all of it, perhaps nothing, began too late to be settled for long: so did what comes after it
 */
public record PrunablePage(Map<Long, String> prunable, long lastId, boolean young) {}
