package io.github.invoicelock.spring;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.micrometer.BillingObservations;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;

/**
 * {@link BillingObservations} of each biller that is made here, where there is an {@link ObservationRegistry}: each call of a gateway is
 * observed, and its trace goes on from the run's. Off with {@code management.observations.enable.invoice.lock=false}, as every observation.
 */
@AutoConfiguration(
        afterName = {
            "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration",
            "org.springframework.boot.actuate.autoconfigure.observation.ObservationAutoConfiguration"
        })
@ConditionalOnClass(ObservationRegistry.class)
@ConditionalOnBean(ObservationRegistry.class)
@ConditionalOnProperty(name = "invoice-lock.enabled", matchIfMissing = true)
public final class InvoiceLockObservationAutoConfiguration {
    /** Made by Spring. */
    InvoiceLockObservationAutoConfiguration() {}

    @Bean
    static BillerAddition invoiceLockObservations(ObservationRegistry registry) {
        return new BillerAddition() {
            @Override
            public BillingGateway around(String biller, BillingGateway gateway) {
                return new BillingObservations(biller, registry).around(gateway);
            }

            @Override
            public void addTo(String biller, LockingInvoiceBiller.Builder builder) {
                builder.callContext(new BillingObservations(biller, registry));
            }
        };
    }
}
