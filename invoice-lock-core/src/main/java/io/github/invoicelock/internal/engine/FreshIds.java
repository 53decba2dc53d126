package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.invoices.Candidate;
import io.github.invoicelock.internal.invoices.Position;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Invoices that were fresh when they were read, without locks.
 *
 * @param candidates in the configured order
 * @param next where the next ones begin; null where nothing is left
 */
record FreshIds(List<Candidate> candidates, @Nullable Position next) {
    List<String> invoiceIds() {
        return candidates.stream().map(Candidate::invoiceId).toList();
    }
}
