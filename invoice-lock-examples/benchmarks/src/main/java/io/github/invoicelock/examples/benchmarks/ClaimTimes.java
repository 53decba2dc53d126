package io.github.invoicelock.examples.benchmarks;

import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** How long a claim takes, with few invoices and with many: in a run of 500, from its start to its first claim, and to its end. */
final class ClaimTimes {
    private static final int INVOICES = 500;
    private static final int WARM_UP = 4;
    private static final int RUNS = 15;

    private ClaimTimes() {}

    /**
     * What was measured.
     *
     * @param strategy of the claims
     * @param pending how many were pending
     * @param settled how many more were paid and had a settled attempt
     * @param firstClaimMillis from a run's start to its first claim, the median
     * @param runMillis a run of 500 invoices, the median
     */
    record ClaimTime(String strategy, int pending, int settled, double firstClaimMillis, double runMillis) {}

    static ClaimTime measure(PostgresServer postgres, LockStrategy strategy, int size)
            throws SQLException, IOException {
        try (PostgresDatabase database = postgres.createDatabase()) {
            Stock stock = new Stock(database.dataSource());
            stock.create();
            stock.supplySettled(size, size);
            Job job = new Job(database.jdbcUrl(), Duration.ZERO, Mix.ALL_BILLABLE, Duration.ofMinutes(1));
            AtomicLong firstClaim = new AtomicLong();
            try (HikariDataSource pool = job.pool(4);
                    LockingInvoiceBiller biller = LockingInvoiceBiller.builder(
                                    pool, request -> BillingOutcome.billed("ch_" + request.invoiceId()))
                            .lockStrategy(strategy)
                            .lockScope(LockScope.CLAIM_ONLY)
                            .concurrency(INVOICES)
                            .listener(new BillingListener() {
                                @Override
                                public void claimed(BillingAttempt attempt) {
                                    firstClaim.compareAndSet(0, System.nanoTime());
                                }
                            })
                            .build()) {
                List<Double> first = new ArrayList<>();
                List<Double> all = new ArrayList<>();
                for (int i = 0; i < WARM_UP + RUNS; i++) {
                    firstClaim.set(0);
                    long start = System.nanoTime();
                    biller.billPending(RunLimits.none().invoices(INVOICES));
                    if (i >= WARM_UP) {
                        first.add(millis(firstClaim.get() - start));
                        all.add(millis(System.nanoTime() - start));
                    }
                }
                return new ClaimTime(strategy.name(), size, size, Result.median(first), Result.median(all));
            }
        }
    }

    private static double millis(long nanos) {
        return nanos / (double) TimeUnit.MILLISECONDS.toNanos(1);
    }
}
