package io.github.invoicelock.examples.benchmarks;

import java.time.Duration;
import javax.sql.DataSource;

/**
 * What a contender is to do.
 *
 * @param connections to where the invoices are
 * @param providerTime how long the provider takes to answer
 * @param mix what the invoices are like
 * @param longest when to stop, done or not
 * @param slots how much it may have under way at once
 * @param listener who listens to the library
 */
record Job(Connections connections, Duration providerTime, Mix mix, Duration longest, Slots slots, Listener listener) {
    /** Whether a call takes so long that threads wait for it, rather than the processor. */
    boolean providerIsSlow() {
        return !providerTime.isZero();
    }

    /** The server's, which is not the contender's to close. */
    DataSource pool(int size) {
        return connections.pool(size);
    }
}
