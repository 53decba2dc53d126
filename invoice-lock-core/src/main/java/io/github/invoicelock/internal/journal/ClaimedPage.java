package io.github.invoicelock.internal.journal;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one claim of many took.
 *
 * @param claimed in order
 * @param locked how many rows had been locked; more than claimed where another had claimed and committed since the statement began (R10)
 * @param lastOrder the last one's ordering column as text
 */
public record ClaimedPage(
        List<Claimed> claimed, int locked, @Nullable String lastOrder) {}
