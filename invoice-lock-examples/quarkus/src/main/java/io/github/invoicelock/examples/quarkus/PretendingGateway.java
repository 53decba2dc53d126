package io.github.invoicelock.examples.quarkus;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;

/** Charges nobody, and says that it did. */
@ApplicationScoped
public class PretendingGateway implements BillingGateway {
    @Override
    public BillingOutcome bill(BillingRequest request) {
        return BillingOutcome.billed("ch_" + request.idempotencyKey());
    }

    @Override
    public Duration idempotencyWindow() {
        return Duration.ofHours(23);
    }
}
