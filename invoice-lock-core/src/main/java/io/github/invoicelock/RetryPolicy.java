package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * When an attempt is tried again. Asked each time an attempt is to be written down as NOT_BILLED, IN_DOUBT or DECLINED, or stays ACCEPTED.
 *
 * <p>It decides only <em>when</em>. The library decides whether trying again is safe: an attempt in doubt is parked if the provider neither
 * remembers keys nor can be asked. If the provider asked for a longer delay, that one is used. With a delay of more than 31 days the attempt
 * is parked.
 *
 * <p>Called from several threads at once, on threads of the library's own. It should not block. If it throws, answers null, or does not return
 * within the biller's {@link LockingInvoiceBiller.Builder#callTimeout call time-out}, the attempt is left to a person, and its message says so.
 */
@FunctionalInterface
public interface RetryPolicy {

    /**
     * The delay to the next try.
     *
     * @param attempt as the journal is about to have it; {@link BillingAttempt#calls()} counts the tries so far
     * @return the delay, a negative one counts as none; empty to leave the attempt to a person. For a DECLINED attempt a delay means: try
     *     once more under a <em>new</em> key then.
     */
    Optional<Duration> nextTry(BillingAttempt attempt);

    /**
     * The default: 10 s, doubled at each try up to an hour. Each delay is drawn between half of that and all of it, so that servers do not try
     * at the same moment. At most 20 tries, which take about 12 hours; common providers remember keys for 24. Refusals are not retried.
     *
     * @return the policy
     */
    static RetryPolicy standard() {
        return attempt -> {
            int tries = Math.max(1, attempt.calls());
            if (attempt.state() == AttemptState.DECLINED || tries >= 20) {
                return Optional.empty();
            }
            long longest = Math.min(Duration.ofHours(1).toMillis(), 10_000L << Math.min(tries - 1, 20));
            return Optional.of(Duration.ofMillis(ThreadLocalRandom.current().nextLong(longest / 2, longest + 1)));
        };
    }

    /**
     * The same delay each time. Refusals are not retried.
     *
     * @param delay between two tries; not negative
     * @param tries how often the provider is called in all; positive
     * @return the policy
     * @throws IllegalArgumentException if the delay is negative or the number not positive
     */
    static RetryPolicy every(Duration delay, int tries) {
        requireNonNull(delay, "delay");
        if (delay.isNegative()) {
            throw new IllegalArgumentException("delay is " + delay + "; it must not be negative.");
        }
        if (tries <= 0) {
            throw new IllegalArgumentException(
                    "tries is " + tries + "; it must be positive: the first call counts as one.");
        }
        return attempt -> attempt.state() == AttemptState.DECLINED || attempt.calls() >= tries
                ? Optional.empty()
                : Optional.of(delay);
    }
}
