package io.github.invoicelock;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/**
 * What a run would take up, as far as that can be told without a lock; see {@link LockingInvoiceBiller#preview}. An invoice that another
 * session holds just then, or that cannot be claimed by its own data, is counted here, too.
 *
 * @param due how many due attempts it would continue first: some are only asked about or marked
 * @param fresh how many fresh invoices it would bill then
 * @param firstIds the ids of the first of them, in the order of the run: what is due, then what is fresh; at most 100
 * @param sums by the columns that were asked for: over the fresh invoices, and over those of due attempts that are still pending and not yet
 *     charged, as their rows are now; zero where there is none. A due attempt is sent with the amount that it was claimed with.
 * @param paused whether people have {@linkplain LockingInvoiceBiller#pause paused} the biller: then a run would claim and send none of these
 * @param plan how PostgreSQL would search for the first fresh invoices: the lines of EXPLAIN
 */
public record BillingPreview(
        int due, int fresh, List<String> firstIds, Map<String, BigDecimal> sums, boolean paused, String plan) {
    /**
     * Copies what it is given.
     *
     * @param due as above
     * @param fresh as above
     * @param firstIds as above
     * @param sums as above
     * @param paused as above
     * @param plan as above
     */
    public BillingPreview {
        firstIds = List.copyOf(firstIds);
        sums = Map.copyOf(sums);
    }

    /**
     * How many invoices the run would take up.
     *
     * @return those that are due and those that are fresh
     */
    public int invoices() {
        return due + fresh;
    }
}
