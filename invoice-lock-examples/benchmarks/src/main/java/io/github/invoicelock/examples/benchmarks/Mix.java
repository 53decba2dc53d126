package io.github.invoicelock.examples.benchmarks;

/** What the pending invoices are like. */
enum Mix {
    /** Each can be billed. */
    ALL_BILLABLE,
    /** Every second one is not to be billed yet. */
    HALF_NOT_BILLABLE,
    /** Every second one is refused by the provider. */
    HALF_DECLINED,
    /** Every second one has an attempt that waits for a person. */
    HALF_PARKED;

    /** Whether the provider refuses an invoice. */
    boolean declines(long invoice) {
        return this == HALF_DECLINED && invoice % 2 == 0;
    }
}
