package io.github.invoicelock.examples.benchmarks;

/** Those whose hosts are killed beside one another, each set up to take over from a dead host as its own documentation says. */
enum Peer {
    ROW_LOCK(
            "row lock held through the call",
            "`select … for update skip locked`, call, `update`, commit; every 200 ms",
            "at once: the lock dies with its connection"),
    DB_SCHEDULER(
            "db-scheduler 16.7.0",
            "one-time tasks, dead executions revived (default), `heartbeatInterval(2s)`, `missedHeartbeatsLimit(4)`",
            "30 min (heartbeat 5 min × 6)"),
    JOB_RUNR(
            "JobRunr 8.3.0",
            "job requests, orphaned jobs and 10 retries (default), `pollInterval(5s)`, server time-out 4 intervals (default)",
            "60 s or more (15 s × 4, then the next poll)"),
    QUARTZ(
            "Quartz 2.5.2",
            "JDBC store, `isClustered`, `requestsRecovery`, check-in every 7.5 s (default)",
            "about 15 s (7.5 s, noticed at the next check-in)"),
    INVOICE_LOCK(
            "invoice-lock",
            "`THROUGH_CALL`, `NOWAIT`, `callTimeout(5s)`, `leaseMargin(5s)`; a run every 200 ms, `recover` every second",
            "3 s where the provider remembers keys, else 40 s (lease)"),
    INVOICE_LOCK_ASKS(
            "invoice-lock, provider can be asked",
            "the same, and `BillingGateway.find`",
            "3 s where the provider remembers keys, else 40 s (lease)");

    final String title;
    final String settings;
    final String byDefault;

    Peer(String title, String settings, String byDefault) {
        this.title = title;
        this.settings = settings;
        this.byDefault = byDefault;
    }

    boolean isInvoiceLock() {
        return this == INVOICE_LOCK || this == INVOICE_LOCK_ASKS;
    }
}
