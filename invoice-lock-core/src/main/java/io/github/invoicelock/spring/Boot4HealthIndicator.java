package io.github.invoicelock.spring;

import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockingInvoiceBiller;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/** For Spring Boot 4, whose health package is its own. */
final class Boot4HealthIndicator implements HealthIndicator {
    private final LockingInvoiceBiller biller;

    Boot4HealthIndicator(LockingInvoiceBiller biller) {
        this.biller = biller;
    }

    @Override
    public Health health() {
        try {
            return Health.up()
                    .withDetails(JournalDetails.of(biller.name(), biller.status()))
                    .build();
        } catch (InvoiceLockException e) {
            return Health.down(e).withDetail("biller", biller.name()).build();
        }
    }
}
