package io.github.invoicelock.examples.stripe.demo;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;

/** Begins now, and stands still unless it is moved. */
public final class HandMovedClock extends Clock {
    private volatile Instant now = Instant.now();

    /**
     * Moves on.
     *
     * @param time by so much
     */
    public void pass(Duration time) {
        now = now.plus(time);
    }

    @Override
    public Instant instant() {
        return now;
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException();
    }
}
