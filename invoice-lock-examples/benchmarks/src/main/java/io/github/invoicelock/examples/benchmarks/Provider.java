package io.github.invoicelock.examples.benchmarks;

import java.time.Duration;
import java.util.BitSet;

/** The provider, in the server's own process: answers after a fixed time, and counts. Safe for use by many threads. */
final class Provider {
    private final Duration time;
    private final BitSet charged = new BitSet();
    private int calls;
    private int twice;

    Provider(Duration time) {
        this.time = time;
    }

    /** Charges an invoice. */
    String charge(long invoice) throws InterruptedException {
        if (!time.isZero()) {
            Thread.sleep(time.toMillis());
        }
        synchronized (this) {
            calls++;
            if (charged.get((int) invoice)) {
                twice++;
            }
            charged.set((int) invoice);
        }
        return "ch_" + invoice;
    }

    /** How often it was called. */
    synchronized int calls() {
        return calls;
    }

    /** How many of the calls charged an invoice again. */
    synchronized int twice() {
        return twice;
    }
}
