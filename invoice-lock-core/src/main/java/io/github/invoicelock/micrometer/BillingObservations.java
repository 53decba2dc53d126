package io.github.invoicelock.micrometer;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.CallContext;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.util.function.UnaryOperator;

/**
 * Observes each call of the gateway, and carries the observation that a run was begun in to the threads of its calls: so one trace goes from
 * the run through the call to the gateway's HTTP client, which continues it where it is instrumented. Thread-safe.
 *
 * <pre>{@code
 * BillingObservations observations = new BillingObservations("invoices", registry);
 * LockingInvoiceBiller.builder(dataSource, observations.around(gateway)).callContext(observations)
 * }</pre>
 *
 * <p>An observation is called {@code invoice.lock.gateway}. Of low cardinality are {@code biller}, {@code call} (bill, find) and
 * {@code outcome} (billed, accepted, declined, not_billed, unknown), so a metric may be made of it; of high cardinality {@code invoice},
 * {@code attempt} and {@code key}. What an observation throws is logged, and has no other effect: no money depends on it.
 */
public final class BillingObservations implements CallContext {
    private final String biller;
    private final ObservationRegistry registry;

    /**
     * Observations of one biller.
     *
     * @param biller its name, the value of {@code biller}
     * @param registry the host's
     */
    public BillingObservations(String biller, ObservationRegistry registry) {
        this.biller = requireNonNull(biller, "biller");
        this.registry = requireNonNull(registry, "registry");
    }

    /**
     * The same gateway, observed.
     *
     * @param gateway the host's
     * @return one that declares what the given one declares
     */
    public BillingGateway around(BillingGateway gateway) {
        return new ObservedGateway(requireNonNull(gateway, "gateway"), biller, registry);
    }

    @Override
    public UnaryOperator<Runnable> capture() {
        Observation current = registry.getCurrentObservation();
        return current == null ? UnaryOperator.identity() : call -> () -> current.scoped(call);
    }
}
