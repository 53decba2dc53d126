package io.github.invoicelock.internal.judgement;

import io.github.invoicelock.BilledHook;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.CallContext;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.RetryPolicy;
import io.github.invoicelock.internal.limits.Pace;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Everything the host set, checked. One immutable record that the engine receives whole.
 *
 * @param name the biller's
 * @param server this biller's, unique
 * @param gateway the host's
 * @param idempotencyWindow what the gateway said of its provider's memory when the biller was built
 * @param findLag what the gateway said of its look-up then
 * @param providerCanBeAsked whether the gateway said that it can look a charge up
 * @param strategy how rows are locked
 * @param scope what holds an invoice through the call
 * @param concurrency calls at once
 * @param maxCallsPerSecond of this server; infinite: no bound
 * @param fleetCallsPerSecond of all servers together; infinite: no bound
 * @param callTimeout bounds one call
 * @param leaseMargin how late a call may leave, and a request arrive
 * @param waitTimeout the patience of WAIT
 * @param stopAfterFailures R11
 * @param keepSnapshots whether snapshots stay in the journal
 * @param retryPolicy when to try again
 * @param hook the host's own work in the settlement
 * @param listeners are told afterwards
 * @param executor makes the calls; null: threads of the library's own
 * @param callContext what is carried to the threads of calls
 * @param time by which calls are spread
 */
public record BillerSettings(
        String name,
        String server,
        BillingGateway gateway,
        Duration idempotencyWindow,
        Duration findLag,
        boolean providerCanBeAsked,
        LockStrategy strategy,
        LockScope scope,
        int concurrency,
        double maxCallsPerSecond,
        double fleetCallsPerSecond,
        Duration callTimeout,
        Duration leaseMargin,
        Duration waitTimeout,
        int stopAfterFailures,
        boolean keepSnapshots,
        RetryPolicy retryPolicy,
        BilledHook hook,
        List<BillingListener> listeners,
        @Nullable Executor executor,
        CallContext callContext,
        Pace.Time time) {
    private static final Duration HOST_CODE = Duration.ofSeconds(2);

    /** Where the host has no work of its own in the settlement. */
    public static final BilledHook NO_HOOK = (transaction, attempt, reference) -> {};

    /** Where the host carries nothing to the threads of calls. */
    public static final CallContext NOTHING_CARRIED = UnaryOperator::identity;

    public Leases leases() {
        return new Leases(callTimeout, leaseMargin);
    }

    /**
     * How long the host's hook, listeners and policy may take (R20): as long as a call, and never less than a pause of the JVM.
     */
    public Duration hostCodeBound() {
        return longer(callTimeout, HOST_CODE);
    }

    /**
     * How long a transaction of this biller may sit idle (R9): through its calls, or through the host's code, whichever may take longer.
     * Half as long again as that code's bound, for what it says is heard a little later.
     */
    public Duration idleLimit() {
        return longer(leases().longest(), hostCodeBound().multipliedBy(3).dividedBy(2));
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) > 0 ? one : other;
    }

    /** Whether the provider remembers keys at all: one that it has seen charges nothing more. */
    public boolean providerRemembers() {
        return !idempotencyWindow.isZero();
    }

    /** R6: whether a key of that age may be sent again, and charges nothing more. */
    public boolean repeatable(Duration age) {
        return leases().remembered(age, idempotencyWindow);
    }

    /** In one line of the log: how it bills, and what the provider offers. */
    public String described() {
        return ("strategy=%s scope=%s concurrency=%s callTimeout=%s leaseMargin=%s waitTimeout=%s stopAfterFailures=%s "
                        + "idempotencyWindow=%s canBeAsked=%s findLag=%s")
                .formatted(
                        strategy,
                        scope,
                        concurrency,
                        callTimeout,
                        leaseMargin,
                        waitTimeout,
                        stopAfterFailures,
                        idempotencyWindow,
                        providerCanBeAsked,
                        findLag);
    }
}
