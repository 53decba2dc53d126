package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RunLimits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;

/** Runs of one strategy, whose claims are timed. Used by one thread. */
final class Claims implements BillingListener, AutoCloseable {
    private final Strategy strategy;
    private final LockingInvoiceBiller biller;
    private final List<Double> claimMicros = new ArrayList<>();
    private final List<Double> runMicros = new ArrayList<>();
    private final Queue<Double> ofRun = new ConcurrentLinkedQueue<>();
    private final AtomicLong passed = new AtomicLong();

    /**
     * How is claimed.
     *
     * @param lock the library's
     * @param invoices of a run
     * @param concurrency of the biller
     */
    record Strategy(LockStrategy lock, int invoices, int concurrency) {
        static final Strategy CLAIM_OF_500 = new Strategy(LockStrategy.SKIP_LOCKED, 500, 500);
    }

    Claims(DataSource pool, Strategy strategy) {
        this.strategy = strategy;
        biller = LockingInvoiceBiller.builder(pool, request -> BillingOutcome.billed("ch_" + request.invoiceId()))
                .invoices(InvoiceTable.named("invoices")
                        .billableWhen(DSL.field(DSL.name("billable"), SQLDataType.BOOLEAN)
                                .isTrue()))
                .lockStrategy(strategy.lock)
                .lockScope(LockScope.CLAIM_ONLY)
                .concurrency(strategy.concurrency)
                .listener(this)
                .build();
    }

    Strategy strategy() {
        return strategy;
    }

    /** The median of each run's claims, for each invoice, in the order of the runs that counted. */
    List<Double> claimMicros() {
        return claimMicros;
    }

    /** The same of the whole run. */
    List<Double> runMicros() {
        return runMicros;
    }

    /** One run; answers with the id up to which all is claimed. */
    long measure(boolean counts) {
        ofRun.clear();
        long start = System.nanoTime();
        BillingRun run = biller.billPending(RunLimits.none().invoices(strategy.invoices));
        long end = System.nanoTime();
        if (run.billed() != strategy.invoices) {
            throw new IllegalStateException(strategy.lock + " was to bill " + strategy.invoices + " invoices: " + run);
        }
        if (counts) {
            claimMicros.add(Result.median(List.copyOf(ofRun)));
            runMicros.add(micros(end - start) / strategy.invoices);
        }
        return passed.get();
    }

    private static double micros(long nanos) {
        return nanos / (double) TimeUnit.MICROSECONDS.toNanos(1);
    }

    @Override
    public void claimTook(int invoices, Duration time) {
        if (invoices > 0) {
            ofRun.add(micros(time.toNanos()) / invoices);
        }
    }

    @Override
    public void claimed(BillingAttempt attempt) {
        passed.accumulateAndGet(Long.parseLong(attempt.invoiceId()), Math::max);
    }

    @Override
    public void close() {
        biller.close();
    }
}
