package io.github.invoicelock.examples.benchmarks;

/**
 * How much is under way at once.
 *
 * @param calls of a server that locks nothing while it calls
 * @param connections of a server that locks a row while it calls, and so many calls; the library has one more, for claims
 */
record Slots(int calls, int connections) {
    static final Slots USUAL = new Slots(2_000, 20);

    /** For people. */
    String text() {
        return "calls at once: " + calls + ", through the call " + connections + " on " + (connections + 1)
                + " connections, row lock " + connections + " on " + connections;
    }
}
