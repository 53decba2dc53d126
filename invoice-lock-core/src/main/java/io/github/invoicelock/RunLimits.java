package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Bounds of one run. Immutable; start with {@link #none()}. A run that meets a bound takes up nothing more and finishes what is in
 * flight.
 */
public final class RunLimits {
    /** Nobody waits for so long, and what adds times up would overflow. */
    private static final Duration AS_GOOD_AS_NONE = Duration.ofDays(36_500);

    private static final RunLimits NONE = new RunLimits(Integer.MAX_VALUE, null);

    private final int invoices;
    private final @Nullable Duration time;

    private RunLimits(int invoices, @Nullable Duration time) {
        this.invoices = invoices;
        this.time = time;
    }

    /**
     * No bounds: the run goes on until none is left.
     *
     * @return no bounds
     */
    public static RunLimits none() {
        return NONE;
    }

    /**
     * Takes up at most so many invoices.
     *
     * @param most positive
     * @return these limits with that bound
     * @throws IllegalArgumentException if it is zero or negative
     */
    public RunLimits invoices(int most) {
        if (most <= 0) {
            throw new IllegalArgumentException("RunLimits.invoices is " + most
                    + "; it must be positive. Leave it out for no bound: RunLimits.none().");
        }
        return new RunLimits(most, time);
    }

    /**
     * Takes up nothing more after so long; what is in flight then is finished.
     *
     * @param most positive; a hundred years and more are no bound
     * @return these limits with that bound
     * @throws IllegalArgumentException if it is zero or negative
     */
    public RunLimits time(Duration most) {
        requireNonNull(most, "most");
        if (most.isZero() || most.isNegative()) {
            throw new IllegalArgumentException("RunLimits.time is " + most
                    + "; it must be positive. Leave it out for no bound: RunLimits.none().");
        }
        return new RunLimits(invoices, most.compareTo(AS_GOOD_AS_NONE) < 0 ? most : null);
    }

    /**
     * The bound on invoices.
     *
     * @return {@link Integer#MAX_VALUE} if there is none
     */
    public int invoices() {
        return invoices;
    }

    /**
     * The bound on time.
     *
     * @return null if there is none
     */
    public @Nullable Duration time() {
        return time;
    }

    @Override
    public String toString() {
        return "RunLimits[invoices=" + (invoices == Integer.MAX_VALUE ? "none" : invoices) + ", time="
                + (time == null ? "none" : time) + "]";
    }
}
