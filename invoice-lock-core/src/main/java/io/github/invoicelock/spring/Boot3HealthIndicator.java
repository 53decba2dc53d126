package io.github.invoicelock.spring;

import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockingInvoiceBiller;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;

/** For Spring Boot 3, whose health package is its own. */
final class Boot3HealthIndicator implements HealthIndicator {
    private final LockingInvoiceBiller biller;

    Boot3HealthIndicator(LockingInvoiceBiller biller) {
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
