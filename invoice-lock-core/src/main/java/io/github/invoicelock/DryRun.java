package io.github.invoicelock;

/** Tries decisions on many attempts that wait for a person. Nothing is written. From {@link LockingInvoiceBiller#dryRun()}. Thread-safe. */
public final class DryRun {
    private final LockingInvoiceBiller biller;
    private final long most;

    DryRun(LockingInvoiceBiller biller, long most) {
        this.biller = biller;
        this.most = most;
    }

    /**
     * What {@link LockingInvoiceBiller#retryAll} would do.
     *
     * @param filter which of them
     * @param note why
     * @param who decides
     * @return how many would be sent, asked about and refused, and why, as things are
     * @throws DatabaseException if the database cannot be asked
     */
    public BulkResult retryAll(AttemptFilter filter, String note, String who) {
        return biller.tryRetryAll(filter, note, who, most);
    }

    /**
     * What {@link LockingInvoiceBiller#resolveAll} would do.
     *
     * @param filter which of them
     * @param outcome what became of each
     * @param note how they know
     * @param who decides
     * @return what it would lead to, and how many would be refused, and why, as things are
     * @throws DatabaseException if the database cannot be asked
     */
    public BulkResult resolveAll(AttemptFilter filter, BillingOutcome outcome, String note, String who) {
        return biller.tryResolveAll(filter, outcome, note, who, most);
    }
}
