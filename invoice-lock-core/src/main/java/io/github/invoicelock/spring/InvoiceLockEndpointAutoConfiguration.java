package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import java.util.Map;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;

/**
 * The actuator endpoint {@code invoicelock} of all billers, where it is exposed:
 * {@code management.endpoints.web.exposure.include=health,invoicelock}, or the same of {@code jmx}. Read-only, unless
 * {@code management.endpoint.invoicelock.access} says otherwise.
 */
@AutoConfiguration(after = InvoiceLockAutoConfiguration.class)
@ConditionalOnClass(ConditionalOnAvailableEndpoint.class)
@ConditionalOnBean(LockingInvoiceBiller.class)
public final class InvoiceLockEndpointAutoConfiguration {
    /** Made by Spring. */
    InvoiceLockEndpointAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnAvailableEndpoint
    InvoiceLockEndpoint invoiceLockEndpoint(Map<String, LockingInvoiceBiller> billers, Environment environment) {
        // The property, and not the console: off means that no class of it is loaded.
        boolean secondPerson = environment.getProperty("invoice-lock.console.second-person", Boolean.class, false);
        return new InvoiceLockEndpoint(billers.values(), secondPerson);
    }
}
