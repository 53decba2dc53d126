package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BilledHook;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.RetryPolicy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Everything the host set, checked. One immutable record that the engine receives whole.
 *
 * @param name the biller's
 * @param server this biller's, unique
 * @param gateway the host's
 * @param strategy how rows are locked
 * @param scope what holds an invoice through the call
 * @param concurrency calls at once
 * @param maxCallsPerSecond of this server; infinite: no bound
 * @param callTimeout bounds one call
 * @param leaseMargin added to a call's time-out
 * @param waitTimeout the patience of WAIT
 * @param stopAfterFailures R11
 * @param keepSnapshots whether snapshots stay in the journal
 * @param retryPolicy when to try again
 * @param hook the host's own work in the settlement
 * @param listeners are told afterwards
 * @param executor makes the calls; null: threads of the library's own
 * @param time by which calls are spread, and those of one transaction bounded
 * @param failPoints where tests break in
 */
public record EngineSettings(
        String name,
        String server,
        BillingGateway gateway,
        LockStrategy strategy,
        LockScope scope,
        int concurrency,
        double maxCallsPerSecond,
        Duration callTimeout,
        Duration leaseMargin,
        Duration waitTimeout,
        int stopAfterFailures,
        boolean keepSnapshots,
        RetryPolicy retryPolicy,
        BilledHook hook,
        List<BillingListener> listeners,
        @Nullable Executor executor,
        Pace.Time time,
        FailPoints failPoints) {
    /** Where the host has no work of its own in the settlement. */
    public static final BilledHook NO_HOOK = (transaction, attempt, reference) -> {};

    /**
     * How long a claim is believed that makes one call. It begins before the invoice's row is waited for.
     *
     * @return the call's time-out and the margin, and with WAIT its patience
     */
    public Duration lease() {
        Duration lease = callTimeout.plus(leaseMargin);
        return strategy == LockStrategy.WAIT ? lease.plus(waitTimeout) : lease;
    }

    /**
     * How long a claim is believed that asks first and then sends.
     *
     * @return two calls' time-outs and the margin
     */
    public Duration leaseToAskAndSend() {
        return callTimeout.multipliedBy(2).plus(leaseMargin);
    }

    /**
     * Whether the provider remembers keys at all.
     *
     * @return true if a key that it has seen charges nothing more
     */
    public boolean providerRemembers() {
        return gateway.idempotencyWindow().compareTo(Duration.ZERO) > 0;
    }

    /**
     * R6: whether a key may be sent again: only while the provider still remembers it when the request arrives at the latest.
     *
     * @param age of the key
     * @return true if the same key charges nothing more
     */
    public boolean repeatable(Duration age) {
        return providerRemembers() && age.plus(leaseToAskAndSend()).compareTo(gateway.idempotencyWindow()) <= 0;
    }

    /**
     * Whether the gateway can look a charge up: it does where it has a {@code find} of its own.
     *
     * @return true if asking is worth a call
     */
    public boolean providerCanBeAsked() {
        try {
            return gateway.getClass().getMethod("find", BillingRequest.class).getDeclaringClass()
                    != BillingGateway.class;
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("A BillingGateway without find", e);
        }
    }
}
