package io.github.invoicelock.micrometer;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.LockingInvoiceBiller;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shows how things stand over all servers, by {@link LockingInvoiceBiller#status()}: the same on each server. Read when a scrape asks,
 * and kept for some seconds, so that a scrape costs one read at most; where that fails, the gauges are NaN for as long. Thread-safe.
 *
 * <p>All carry the tag {@code biller}; counts stop at 10,000, an age is 0 where there is none:
 *
 * <ul>
 *   <li>{@code invoice.lock.journal.in.flight}: invoices that servers have claimed and are calling the provider for
 *   <li>{@code invoice.lock.journal.due}, {@code invoice.lock.journal.due.oldest}: attempts that wait for the next run, and for how long
 *       the first of them has been due
 *   <li>{@code invoice.lock.journal.parked}, {@code invoice.lock.journal.parked.oldest}: attempts that wait for a person, and the age of
 *       the oldest
 *   <li>{@code invoice.lock.journal.pending}, {@code invoice.lock.journal.pending.oldest}: pending invoices, and the age of the first; see
 *       {@link JournalStatus#oldestPending()}
 *   <li>{@code invoice.lock.journal.paused}: 1 while people have paused the biller, else 0
 *   <li>{@code invoice.lock.journal.last.run}: how long ago a server last ran; see {@link JournalStatus#lastRun()}
 * </ul>
 */
public final class JournalMetrics implements MeterBinder {
    /** How long a reading is kept, unless the host says otherwise. */
    public static final Duration KEPT_FOR = Duration.ofSeconds(10);

    private static final Logger LOG = LoggerFactory.getLogger("io.github.invoicelock");
    private static final String PREFIX = "invoice.lock.journal.";

    private final LockingInvoiceBiller biller;
    private final Duration keptFor;

    /**
     * Gauges of one biller, read every {@link #KEPT_FOR} at most.
     *
     * @param biller not closed here; may be closed before the registry
     */
    public JournalMetrics(LockingInvoiceBiller biller) {
        this(biller, KEPT_FOR);
    }

    /**
     * Gauges of one biller.
     *
     * @param biller not closed here; may be closed before the registry
     * @param keptFor how long a reading is kept; not negative
     * @throws IllegalArgumentException if it is negative
     */
    public JournalMetrics(LockingInvoiceBiller biller, Duration keptFor) {
        this.biller = requireNonNull(biller, "biller");
        this.keptFor = requireNonNull(keptFor, "keptFor");
        if (keptFor.isNegative()) {
            throw new IllegalArgumentException("keptFor is " + keptFor
                    + "; it must not be negative. Duration.ZERO reads the journal at each scrape.");
        }
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Reading reading = new Reading(biller, registry.config().clock(), keptFor);
        count(registry, reading, "in.flight", "Invoices that are claimed and being called", JournalStatus::inFlight);
        count(registry, reading, "due", "Attempts that wait for the next run", JournalStatus::due);
        age(registry, reading, "due.oldest", "How long the first of them has been due", JournalStatus::oldestDue);
        count(registry, reading, "parked", "Attempts that wait for a person", JournalStatus::parked);
        age(registry, reading, "parked.oldest", "Age of the oldest of them", JournalStatus::oldestParked);
        count(registry, reading, "pending", "Pending invoices", JournalStatus::pending);
        age(registry, reading, "pending.oldest", "Age of the first pending invoice", JournalStatus::oldestPending);
        count(registry, reading, "paused", "1 while the biller is paused", status -> status.pause() == null ? 0 : 1);
        age(registry, reading, "last.run", "How long ago a server last ran", JournalStatus::lastRun);
    }

    private void count(
            MeterRegistry registry,
            Reading reading,
            String name,
            String description,
            ToDoubleFunction<JournalStatus> count) {
        Gauge.builder(PREFIX + name, reading, r -> r.value(count))
                .description(description)
                .tag("biller", biller.name())
                .strongReference(true)
                .register(registry);
    }

    private void age(
            MeterRegistry registry,
            Reading reading,
            String name,
            String description,
            Function<JournalStatus, @Nullable Duration> age) {
        TimeGauge.builder(
                        PREFIX + name,
                        reading,
                        TimeUnit.MILLISECONDS,
                        r -> r.value(status -> {
                            Duration value = age.apply(status);
                            return value == null ? 0 : value.toMillis();
                        }))
                .description(description)
                .tag("biller", biller.name())
                .strongReference(true)
                .register(registry);
    }

    /** The last reading: one for all gauges of a registry, so that what a scrape shows is of one moment. */
    private static final class Reading {
        private final LockingInvoiceBiller biller;
        private final Clock clock;
        private final long keptForNanos;
        private boolean read;
        private long readAt;
        private @Nullable JournalStatus status;

        private Reading(LockingInvoiceBiller biller, Clock clock, Duration keptFor) {
            this.biller = biller;
            this.clock = clock;
            this.keptForNanos = keptFor.toNanos();
        }

        private synchronized double value(ToDoubleFunction<JournalStatus> part) {
            if (!read || clock.monotonicTime() - readAt >= keptForNanos) {
                status = read();
                readAt = clock.monotonicTime();
                read = true;
            }
            return status == null ? Double.NaN : part.applyAsDouble(status);
        }

        private @Nullable JournalStatus read() {
            try {
                return biller.status();
            } catch (InvoiceLockException e) {
                LOG.warn("biller={} the journal cannot be read, its gauges are NaN: {}", biller.name(), e.getMessage());
                return null;
            }
        }
    }
}
