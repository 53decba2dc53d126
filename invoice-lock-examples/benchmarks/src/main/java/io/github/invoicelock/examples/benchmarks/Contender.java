package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;

/** The ways to bill that are measured beside one another. */
enum Contender {
    BY_HAND("by hand, same journal (upper bound)", Family.BOUND, 36_000, 12_000),
    CLAIM_ONLY_SKIP_LOCKED("invoice-lock CLAIM_ONLY SKIP_LOCKED", Family.INVOICE_LOCK, 36_000, 12_000),
    CLAIM_ONLY_NOWAIT("invoice-lock CLAIM_ONLY NOWAIT", Family.INVOICE_LOCK, 16_000, 10_000),
    THROUGH_CALL_SKIP_LOCKED("invoice-lock THROUGH_CALL SKIP_LOCKED", Family.INVOICE_LOCK, 7_500, 380),
    THROUGH_CALL_NOWAIT("invoice-lock THROUGH_CALL NOWAIT", Family.INVOICE_LOCK, 7_500, 380),
    ROW_LOCK_SKIP_LOCKED("row lock, no journal, SKIP LOCKED", Family.ROW_LOCK, 7_500, 380),
    ROW_LOCK_NOWAIT("row lock, no journal, NOWAIT", Family.ROW_LOCK, 7_500, 380),
    DB_SCHEDULER("db-scheduler 16.7.0", Family.PEER, 5_000, 4_000),
    JOB_RUNR("JobRunr 8.3.0", Family.PEER, 1_500, 1_000),
    QUARTZ("Quartz 2.5.2", Family.PEER, 300, 300);

    /** What kind of a way it is. */
    enum Family {
        BOUND,
        INVOICE_LOCK,
        ROW_LOCK,
        PEER
    }

    final String title;
    final Family family;
    private final int perSecondAtOnce;
    private final int perSecondSlow;

    /**
     * One.
     *
     * @param perSecondAtOnce about how many it bills where the provider answers at once: decides only how many it is given
     * @param perSecondSlow the same for a provider that takes 50 ms
     */
    Contender(String title, Family family, int perSecondAtOnce, int perSecondSlow) {
        this.title = title;
        this.family = family;
        this.perSecondAtOnce = perSecondAtOnce;
        this.perSecondSlow = perSecondSlow;
    }

    /** This way, on one server. */
    Contestant on(Job job, Provider provider) {
        return switch (this) {
            case BY_HAND -> new HandWritten(job, provider);
            case CLAIM_ONLY_SKIP_LOCKED ->
                new InvoiceLock(job, provider, LockStrategy.SKIP_LOCKED, LockScope.CLAIM_ONLY);
            case CLAIM_ONLY_NOWAIT -> new InvoiceLock(job, provider, LockStrategy.NOWAIT, LockScope.CLAIM_ONLY);
            case THROUGH_CALL_SKIP_LOCKED ->
                new InvoiceLock(job, provider, LockStrategy.SKIP_LOCKED, LockScope.THROUGH_CALL);
            case THROUGH_CALL_NOWAIT -> new InvoiceLock(job, provider, LockStrategy.NOWAIT, LockScope.THROUGH_CALL);
            case ROW_LOCK_SKIP_LOCKED -> new RowLock(job, provider, true);
            case ROW_LOCK_NOWAIT -> new RowLock(job, provider, false);
            case DB_SCHEDULER -> new DbScheduler(job, provider);
            case JOB_RUNR -> new JobRunrJobs(job, provider);
            case QUARTZ -> new QuartzJobs(job, provider);
        };
    }

    /** How many invoices keep it busy for about so long. */
    int invoicesFor(double seconds, int providerMillis) {
        double invoices = seconds * (providerMillis == 0 ? perSecondAtOnce : perSecondSlow);
        return Math.max(500, (int) Math.round(invoices / 500) * 500);
    }
}
