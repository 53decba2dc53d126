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

    /**
     * What {@link LockingInvoiceBiller#retry(BillingAttempt, String, String)} would do with one of them: for showing each, and for deciding
     * later on no other than those that were shown.
     *
     * @param seen as it was read
     * @param note why
     * @param who decides
     * @return what it would lead to, as things are
     * @throws WordRefusedException if it would be refused
     * @throws DatabaseException if the database cannot be asked
     */
    public Advice.Effect retry(BillingAttempt seen, String note, String who) {
        return biller.tryRetry(seen, note, who);
    }

    /**
     * What {@link LockingInvoiceBiller#resolve(BillingAttempt, BillingOutcome, String, String)} would do with one of them.
     *
     * @param seen as it was read
     * @param outcome what became of it
     * @param note how they know
     * @param who decides
     * @return what it would lead to, as things are
     * @throws WordRefusedException if it would be refused
     * @throws DatabaseException if the database cannot be asked
     */
    public Advice.Effect resolve(BillingAttempt seen, BillingOutcome outcome, String note, String who) {
        return biller.tryResolve(seen, outcome, note, who);
    }
}
