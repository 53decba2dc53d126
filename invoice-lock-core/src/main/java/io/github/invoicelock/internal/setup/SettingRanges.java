package io.github.invoicelock.internal.setup;

import io.github.invoicelock.SetupException;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * What each number may be. PostgreSQL's time-outs are milliseconds in an {@code int}, 24 days: whatever sum of a few of these times is
 * handed to it, or added to its clock, fits.
 */
public final class SettingRanges {
    /** Each call is a thread, and in THROUGH_CALL a connection. */
    public static final int MOST_CONCURRENCY = 10_000;
    /** R11: more failures in a row than that is no bound. */
    public static final int MOST_FAILURES = 1_000_000;

    private static final Duration SHORTEST = Duration.ofMillis(1);
    private static final Duration LONGEST = Duration.ofDays(1);
    /** As good as for ever, and the database's clock can be added to it. */
    private static final Duration FOR_EVER = Duration.ofDays(36_500);

    private SettingRanges() {}

    /**
     * A count.
     *
     * @param value the host's
     * @param most the largest
     * @param setting its name
     * @param explanation what it is for
     * @return the value
     * @throws SetupException if it is not positive, or larger than that
     */
    public static int between(int value, int most, String setting, String explanation) {
        if (value <= 0 || value > most) {
            throw new SetupException(String.format(
                    Locale.ROOT,
                    "%s is %d; it must be %sbetween 1 and %,d. %s",
                    setting,
                    value,
                    value <= 0 ? "positive, " : "",
                    most,
                    explanation));
        }
        return value;
    }

    /**
     * A time that is waited for at most.
     *
     * @param value the host's
     * @param setting its name
     * @param explanation what it is for
     * @return the value
     * @throws SetupException if it is not between a millisecond and a day
     */
    public static Duration time(@Nullable Duration value, String setting, String explanation) {
        if (value == null || value.isZero() || value.isNegative()) {
            throw new SetupException(setting + " is " + value
                    + "; it must be positive, between a millisecond and a day. " + explanation);
        }
        if (value.compareTo(SHORTEST) < 0 || value.compareTo(LONGEST) > 0) {
            throw new SetupException(
                    setting + " is " + value + "; it must be between a millisecond and a day. " + explanation);
        }
        return value;
    }

    /**
     * How many calls in a second.
     *
     * @param callsPerSecond the host's
     * @param setting its name
     * @param explanation what it is for
     * @return the value
     * @throws SetupException if it is less than 0.001, or no number
     */
    public static double rate(double callsPerSecond, String setting, String explanation) {
        if (!(callsPerSecond >= 0.001)) {
            throw new SetupException(setting + " is " + callsPerSecond + "; it must be at least 0.001. " + explanation
                    + ", e.g. 25; leave it out for no bound.");
        }
        return callsPerSecond;
    }

    /**
     * What a provider offers.
     *
     * @param value the gateway's
     * @param setting its name
     * @throws SetupException if it is null or negative
     */
    public static void notNegative(@Nullable Duration value, String setting) {
        if (value == null || value.isNegative()) {
            throw new SetupException(setting + " is " + value
                    + "; it must not be negative. Duration.ZERO says that the provider offers none.");
        }
    }

    /**
     * A time to calculate with.
     *
     * @param time any, {@code Duration.ofSeconds(Long.MAX_VALUE)} too
     * @return a hundred years at most
     */
    public static Duration forEverAtMost(Duration time) {
        return time.compareTo(FOR_EVER) > 0 ? FOR_EVER : time;
    }

    /**
     * R6: a key is sent again only if its call ends before the provider forgets it. Where no call can, each unknown outcome waits for a
     * person.
     *
     * @param biller whose, for the log
     * @param callTimeout bounds one call
     * @param leaseMargin what is added to it
     * @param window how long the provider remembers a key
     * @param canBeAsked whether an unknown outcome can be found out otherwise
     * @throws SetupException if nothing could be done about an unknown outcome
     */
    public static void repeatable(
            String biller, Duration callTimeout, Duration leaseMargin, Duration window, boolean canBeAsked) {
        Duration needed = callTimeout.multipliedBy(2).plus(leaseMargin);
        if (window.isZero() || needed.compareTo(window) <= 0) {
            return;
        }
        Duration fitting = window.minus(leaseMargin).dividedBy(2);
        String told = "callTimeout is " + callTimeout + " and leaseMargin is " + leaseMargin
                + ": asking and calling again takes up to " + needed
                + ", but BillingGateway.idempotencyWindow() is " + window;
        String remedy = fitting.compareTo(SHORTEST) < 0
                ? "Take a shorter callTimeout and leaseMargin"
                : "Take a callTimeout of at most " + fitting + ", or a shorter leaseMargin";
        if (!canBeAsked) {
            throw new SetupException(told + ", so no unknown outcome could ever be settled by calling again. " + remedy
                    + ", or give the gateway a find, and let its canBeAsked() return true.");
        }
        LoggerFactory.getLogger("io.github.invoicelock")
                .warn(
                        "biller={} {}, so no key is ever sent again: what find cannot tell waits for a person. {}",
                        biller,
                        told,
                        remedy);
    }
}
