package io.github.invoicelock.micrometer;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Another's gateway, and an observation around each of its calls. An answer that was heard is handed on, whatever the observation throws. */
final class ObservedGateway implements BillingGateway {
    private static final Logger LOG = LoggerFactory.getLogger("io.github.invoicelock");
    private static final String NAME = "invoice.lock.gateway";

    private final BillingGateway gateway;
    private final String biller;
    private final ObservationRegistry registry;

    ObservedGateway(BillingGateway gateway, String biller, ObservationRegistry registry) {
        this.gateway = gateway;
        this.biller = biller;
        this.registry = registry;
    }

    @Override
    public BillingOutcome bill(BillingRequest request) throws Exception {
        return observed("bill", request, () -> gateway.bill(request));
    }

    @Override
    public boolean canBeAsked() {
        return gateway.canBeAsked();
    }

    @Override
    public BillingOutcome find(BillingRequest request) throws Exception {
        return observed("find", request, () -> gateway.find(request));
    }

    @Override
    public Duration idempotencyWindow() {
        return gateway.idempotencyWindow();
    }

    @Override
    public Duration findLag() {
        return gateway.findLag();
    }

    private BillingOutcome observed(String call, BillingRequest request, Callable<BillingOutcome> made)
            throws Exception {
        Begun begun = begin(call, request);
        BillingOutcome outcome;
        try {
            outcome = made.call();
        } catch (Throwable e) {
            end(begun, request, "unknown", e);
            throw e;
        }
        end(begun, request, outcome == null ? "unknown" : BillingMetrics.answer(outcome), null);
        return outcome;
    }

    /** An observation, and its place on this thread. */
    private record Begun(Observation observation, Observation.Scope scope) {}

    private @Nullable Begun begin(String call, BillingRequest request) {
        try {
            Observation observation = Observation.createNotStarted(NAME, registry)
                    .contextualName(call + " invoice")
                    .lowCardinalityKeyValue("biller", biller)
                    .lowCardinalityKeyValue("call", call)
                    .highCardinalityKeyValue("invoice", request.invoiceId())
                    .highCardinalityKeyValue("attempt", Integer.toString(request.attempt()))
                    .highCardinalityKeyValue("key", request.idempotencyKey())
                    .start();
            return new Begun(observation, observation.openScope());
        } catch (Throwable e) {
            // R20: an Error of a handler takes no heard answer along.
            notObserved(request.invoiceId(), e);
            return null;
        }
    }

    private void end(@Nullable Begun begun, BillingRequest request, String outcome, @Nullable Throwable thrown) {
        if (begun == null) {
            return;
        }
        try {
            begun.scope().close();
            begun.observation().lowCardinalityKeyValue("outcome", outcome);
            if (thrown != null) {
                begun.observation().error(thrown);
            }
            begun.observation().stop();
        } catch (Throwable e) {
            // R20: an Error of a handler takes no heard answer along.
            notObserved(request.invoiceId(), e);
        }
    }

    private void notObserved(String invoice, Throwable e) {
        LOG.warn("biller={} invoice={} a call could not be observed; no money depends on it", biller, invoice, e);
    }
}
