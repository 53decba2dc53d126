package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.SetupException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls {@code recover()} again and again, on a thread of its own, until it is stopped. An error is logged, and the next comes. */
final class RecoverSchedule {
    private static final Logger LOG = LoggerFactory.getLogger("io.github.invoicelock");

    private final LockingInvoiceBiller biller;
    private final Duration every;
    private final ScheduledExecutorService thread;
    private volatile boolean running;

    RecoverSchedule(LockingInvoiceBiller biller, Duration every) {
        if (every.isZero() || every.isNegative()) {
            throw new SetupException(
                    "recoverEvery is " + every
                            + "; it must be positive, invoice-lock.recover-every=1m for example. Leave it out to call recover() yourself.");
        }
        this.biller = biller;
        this.every = every;
        this.thread = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread recovering = new Thread(task, "invoice-lock-" + biller.name() + "-recover");
            recovering.setDaemon(true);
            return recovering;
        });
    }

    void start() {
        running = true;
        long nanos = every.toNanos();
        var unused = thread.scheduleWithFixedDelay(this::recover, nanos, nanos, TimeUnit.NANOSECONDS);
    }

    private void recover() {
        try {
            if (running) {
                biller.recover();
            }
        } catch (Throwable e) {
            // An executor drops a task that throws, and nobody would continue what is due.
            LOG.error("biller={} recover() failed, and is called again in {}", biller.name(), every, e);
        }
    }

    void stop() {
        running = false;
        thread.shutdown();
    }
}
