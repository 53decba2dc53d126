package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingRun;
import io.github.invoicelock.BillingRunException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.RunKind;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.host.Carried;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.run.RunInProgress;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The runs of one biller: each begins, waits for all that it has started, and is told how it ended; none begins once it is closed. */
final class Runs {
    private final BillerSettings settings;
    private final Calls calls;
    private final Notices notices;

    private volatile boolean closed;
    private int active;

    Runs(BillerSettings settings, Calls calls, Notices notices) {
        this.settings = settings;
        this.calls = calls;
        this.notices = notices;
    }

    /**
     * Runs.
     *
     * @param way what starts the run's steps; all of them have ended when this returns or throws
     * @throws BillingRunException as the run's first failure wants it
     */
    BillingRun run(RunKind kind, RunLimits limits, Consumer<RunInProgress> way) {
        begin();
        RunInProgress run = new RunInProgress(
                kind,
                limits,
                settings.stopAfterFailures(),
                Carried.from(settings.callContext(), settings.name()),
                () -> closed,
                calls::usedUp);
        boolean watched = false;
        try {
            calls.watch();
            watched = true;
            way.accept(run);
        } catch (Throwable e) {
            run.fail(e);
        } finally {
            run.awaitInFlight();
            if (watched) {
                calls.unwatch();
            }
            end();
            if (run.wasInterrupted()) {
                Thread.currentThread().interrupt();
            }
        }
        BillingRun result = run.result();
        notices.batch().ended(result).tell();
        return resultOrFailure(result, run.failure());
    }

    private static BillingRun resultOrFailure(BillingRun result, @Nullable Throwable failure) {
        if (failure == null) {
            return result;
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof SetupException setup) {
            throw setup;
        }
        // What PostgreSQL or the host's code says has no full stop, or may say nothing at all.
        String text = failure instanceof InvoiceLockException && failure.getMessage() != null
                ? failure.getMessage()
                : HostCode.described(failure);
        String sentence = text.endsWith(".") ? text : text + ".";
        throw new BillingRunException(sentence + " The run ended with: " + result, result, failure);
    }

    private synchronized void begin() {
        if (closed) {
            throw new IllegalStateException("The biller \"" + settings.name()
                    + "\" is closed. Build a new one, or stop the scheduler before closing it.");
        }
        active++;
    }

    private synchronized void end() {
        active--;
        notifyAll();
    }

    /** Stops claiming, waits for calls in flight, gives back what is not called. Idempotent. */
    void close() {
        closed = true;
        try {
            awaitAll(settings.leases().longest().multipliedBy(2));
            calls.awaitAbandoned(settings.leaseMargin());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void awaitAll(Duration atMost) throws InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        for (long left = atMost.toMillis(); left > 0 && active > 0; left = (end - System.nanoTime()) / 1_000_000) {
            wait(left);
        }
    }
}
