package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * The health indicator {@code invoiceLock}: DOWN if the journal cannot be read, else UP, with how many invoices are in flight, due and
 * parked, whether people have paused the biller, and whether nobody continues what is due ({@code attention}). None of these is a
 * reason to take this server out of service, so it is shown, not DOWN. Off with
 * {@code management.health.invoice-lock.enabled=false}.
 */
@AutoConfiguration(after = InvoiceLockAutoConfiguration.class)
@ConditionalOnProperty(name = "management.health.invoice-lock.enabled", matchIfMissing = true)
@ConditionalOnSingleCandidate(LockingInvoiceBiller.class)
public final class InvoiceLockHealthAutoConfiguration {
    private static final String BOOT_4 = "org.springframework.boot.health.contributor.HealthIndicator";
    private static final String BOOT_3 = "org.springframework.boot.actuate.health.HealthIndicator";

    /** Made by Spring. */
    InvoiceLockHealthAutoConfiguration() {}

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = BOOT_4)
    static class OfBoot4 {
        @Bean
        @ConditionalOnMissingBean(name = "invoiceLockHealthIndicator")
        Boot4HealthIndicator invoiceLockHealthIndicator(LockingInvoiceBiller biller) {
            return new Boot4HealthIndicator(biller);
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = BOOT_3)
    @ConditionalOnMissingClass(BOOT_4)
    static class OfBoot3 {
        @Bean
        @ConditionalOnMissingBean(name = "invoiceLockHealthIndicator")
        Boot3HealthIndicator invoiceLockHealthIndicator(LockingInvoiceBiller biller) {
            return new Boot3HealthIndicator(biller);
        }
    }
}
