package io.github.invoicelock.examples.benchmarks;

import java.util.Locale;

/**
 * What a server waits for, whatever it does.
 *
 * @param providerMillis how long the provider takes to answer
 * @param roundTripMicros how far away the database is; zero for as near as loopback is
 */
record Waits(int providerMillis, int roundTripMicros) {
    /** For people. */
    String text() {
        return (providerMillis == 0 ? "provider answers at once" : "provider answers after " + providerMillis + " ms")
                + (roundTripMicros == 0 ? "" : ", database " + millis(roundTripMicros) + " away");
    }

    /** As {@code 0.5 ms}. */
    static String millis(int micros) {
        return micros % 1000 == 0 ? micros / 1000 + " ms" : String.format(Locale.ROOT, "%.1f ms", micros / 1000.0);
    }
}
