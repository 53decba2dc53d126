package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;

/** The ways to bill that are measured beside one another. */
enum Contender {
    BY_HAND("by hand, same journal (upper bound)", Family.BOUND, 36_000, 12_000),
    CLAIM_ONLY_SKIP_LOCKED("invoice-lock CLAIM_ONLY SKIP_LOCKED", Family.INVOICE_LOCK, 36_000, 12_000),
    CLAIM_ONLY_NOWAIT("invoice-lock CLAIM_ONLY NOWAIT", Family.INVOICE_LOCK, 16_000, 10_000),
    THROUGH_CALL_SKIP_LOCKED("invoice-lock THROUGH_CALL SKIP_LOCKED", Family.INVOICE_LOCK, 7_500, 7_500),
    THROUGH_CALL_NOWAIT("invoice-lock THROUGH_CALL NOWAIT", Family.INVOICE_LOCK, 7_500, 7_500),
    ROW_LOCK_SKIP_LOCKED("row lock, no journal, SKIP LOCKED", Family.ROW_LOCK, 7_500, 7_500),
    ROW_LOCK_NOWAIT("row lock, no journal, NOWAIT", Family.ROW_LOCK, 7_500, 7_500),
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

    private static final int ROUNDS = 5;

    final String title;
    final Family family;
    private final int perSecondAtOnce;
    private final int perSecondWaiting;

    /**
     * One.
     *
     * @param perSecondAtOnce about how many it bills where the provider answers at once: decides only how many it is given
     * @param perSecondWaiting the same where it takes so long that calls wait for it, and enough of them are made at once
     */
    Contender(String title, Family family, int perSecondAtOnce, int perSecondWaiting) {
        this.title = title;
        this.family = family;
        this.perSecondAtOnce = perSecondAtOnce;
        this.perSecondWaiting = perSecondWaiting;
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

    /** How many calls wait for a slow provider at once. */
    int callsAtOnce(Slots slots) {
        return switch (this) {
            case BY_HAND, CLAIM_ONLY_SKIP_LOCKED, CLAIM_ONLY_NOWAIT -> slots.calls();
            case THROUGH_CALL_SKIP_LOCKED, THROUGH_CALL_NOWAIT, ROW_LOCK_SKIP_LOCKED, ROW_LOCK_NOWAIT ->
                slots.connections();
            case DB_SCHEDULER -> DbScheduler.WAITING_THREADS;
            case JOB_RUNR -> JobRunrJobs.WAITING_WORKERS;
            case QUARTZ -> QuartzJobs.WAITING_THREADS;
        };
    }

    /** How many invoices keep it busy for about so long; and each call at least so often that the first and the last do not say most. */
    int invoicesFor(double seconds, int providerMillis, Slots slots) {
        if (providerMillis == 0) {
            return Math.max(500, (int) Math.round(seconds * perSecondAtOnce / 500) * 500);
        }
        int atOnce = callsAtOnce(slots);
        double perSecond = Math.min(perSecondWaiting, atOnce * 1000.0 / providerMillis);
        return atOnce * Math.max(ROUNDS, (int) Math.round(seconds * perSecond / atOnce));
    }
}
