package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.micrometer.BillingMetrics;
import io.github.invoicelock.micrometer.JournalMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/**
 * {@link BillingMetrics} and {@link JournalMetrics} of the biller, where Micrometer has a registry. Spring Boot binds them to it, as every
 * {@code MeterBinder}. A biller of the host's own has the journal's alone, unless it is given a {@link BillingMetrics} as a listener.
 */
@AutoConfiguration(
        after = InvoiceLockAutoConfiguration.class,
        afterName = {
            "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
            "org.springframework.boot.actuate.autoconfigure.metrics.CompositeMeterRegistryAutoConfiguration"
        })
@ConditionalOnClass(MeterRegistry.class)
@ConditionalOnBean(MeterRegistry.class)
@ConditionalOnSingleCandidate(LockingInvoiceBiller.class)
public final class InvoiceLockMetricsAutoConfiguration {
    /** Made by Spring. */
    InvoiceLockMetricsAutoConfiguration() {}

    /** Only for the biller that is made here: a host's own is built without it, and would seem to do nothing. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnBean(value = InvoiceLockProperties.class, name = InvoiceLockAutoConfiguration.BILLER)
    BillingMetrics billingMetrics(InvoiceLockProperties properties) {
        return new BillingMetrics(properties.name());
    }

    @Bean
    @ConditionalOnMissingBean
    JournalMetrics journalMetrics(LockingInvoiceBiller biller) {
        return new JournalMetrics(biller);
    }
}
