package io.github.invoicelock.examples.benchmarks;

import java.time.Duration;

/** What the provider can make of a repeated request. */
enum Keys {
    /** A new key each time, or a provider that does not know keys: a repeated request charges again. */
    NOT_RECOGNISED(Duration.ZERO),
    /** The same key each time, and a provider that remembers it. */
    REMEMBERED(Duration.ofHours(24)),
    /** The same key each time, sent again when the provider has forgotten it: all hosts were down for longer than its memory. */
    FORGOTTEN(Duration.ofSeconds(20));

    final Duration memory;

    Keys(Duration memory) {
        this.memory = memory;
    }
}
