package io.github.invoicelock.examples.benchmarks;

import java.time.Duration;

/**
 * How long and how often each is measured.
 *
 * @param warmups repetitions of each cell that come first and are not counted, for each of its servers: a host's servers run for weeks, not for
 *     seconds
 * @param repetitions of each cell that are counted
 * @param longest one repetition
 * @param seconds about how long a repetition is to take
 */
record Pace(int warmups, int repetitions, Duration longest, double seconds) {
    static Pace of(Arguments given, boolean full) {
        return new Pace(
                given.whole("warmups", 3, 0),
                given.whole("repetitions", full ? 5 : 2, 1),
                Duration.ofSeconds(given.whole("longest", full ? 120 : 10, 1)),
                Double.parseDouble(given.text("seconds", full ? "5" : "1")));
    }
}
