package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.BillingOutcome;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/** Who listens to the library. */
enum Listener {
    NONE(", no listener"),
    EMPTY(", empty listener"),
    /** What a host with metrics has, and so what is measured unless another is named. */
    COUNTING("");

    /** What a contender's title says more. */
    final String suffix;

    Listener(String suffix) {
        this.suffix = suffix;
    }

    /** By its name in small letters. */
    static Listener named(String name) {
        return Arrays.stream(values())
                .filter(listener -> listener.name().toLowerCase(Locale.ROOT).equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("listeners has " + name + "; there are "
                        + Arrays.toString(values()).toLowerCase(Locale.ROOT) + "."));
    }

    /** A new one; none if nobody listens. */
    Optional<BillingListener> create() {
        return switch (this) {
            case NONE -> Optional.empty();
            case EMPTY -> Optional.of(new BillingListener() {});
            case COUNTING -> Optional.of(new Counts());
        };
    }

    /** Counts and times, as a registry of metrics keeps them. */
    private static final class Counts implements BillingListener {
        private final LongAdder claimed = new LongAdder();
        private final LongAdder settled = new LongAdder();
        private final LongAdder billed = new LongAdder();
        private final LongAdder contended = new LongAdder();
        private final LongAdder callNanos = new LongAdder();
        private final LongAdder claimNanos = new LongAdder();
        private final LongAdder settleNanos = new LongAdder();

        @Override
        public void claimed(BillingAttempt attempt) {
            claimed.increment();
        }

        @Override
        public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
            settled.increment();
            callNanos.add(callTime.toNanos());
            if (outcome instanceof BillingOutcome.Billed) {
                billed.increment();
            }
        }

        @Override
        public void contended(String invoiceId) {
            contended.increment();
        }

        @Override
        public void claimTook(int invoices, Duration time) {
            claimNanos.add(time.toNanos());
        }

        @Override
        public void settleTook(int invoices, Duration time) {
            settleNanos.add(time.toNanos());
        }
    }
}
