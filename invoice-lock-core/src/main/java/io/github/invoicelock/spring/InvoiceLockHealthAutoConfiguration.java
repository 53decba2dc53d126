package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/**
 * The health of {@code invoiceLock}: DOWN if the journal cannot be read, else UP, with how many invoices are in flight, due and
 * parked, whether people have paused the biller, and whether nobody continues what is due ({@code attention}). None of these is a
 * reason to take this server out of service, so it is shown, not DOWN. Where there are several billers each is a component of its own, under
 * its name. Off with {@code management.health.invoice-lock.enabled=false}.
 */
@AutoConfiguration(after = InvoiceLockAutoConfiguration.class)
@ConditionalOnProperty(name = "management.health.invoice-lock.enabled", matchIfMissing = true)
@ConditionalOnBean(LockingInvoiceBiller.class)
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
        org.springframework.boot.health.contributor.HealthContributor invoiceLockHealthIndicator(
                Map<String, LockingInvoiceBiller> billers) {
            Map<String, Boot4HealthIndicator> each = byName(billers, Boot4HealthIndicator::new);
            return each.size() == 1
                    ? each.values().iterator().next()
                    : org.springframework.boot.health.contributor.CompositeHealthContributor.fromMap(each);
        }
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = BOOT_3)
    @ConditionalOnMissingClass(BOOT_4)
    static class OfBoot3 {
        @Bean
        @ConditionalOnMissingBean(name = "invoiceLockHealthIndicator")
        org.springframework.boot.actuate.health.HealthContributor invoiceLockHealthIndicator(
                Map<String, LockingInvoiceBiller> billers) {
            Map<String, Boot3HealthIndicator> each = byName(billers, Boot3HealthIndicator::new);
            return each.size() == 1
                    ? each.values().iterator().next()
                    : org.springframework.boot.actuate.health.CompositeHealthContributor.fromMap(each);
        }
    }

    /** A name in a path of health has no slash. */
    private static <T> Map<String, T> byName(
            Map<String, LockingInvoiceBiller> billers, Function<LockingInvoiceBiller, T> indicator) {
        Map<String, T> each = new TreeMap<>();
        billers.values().forEach(biller -> each.put(biller.name().replace('/', '-'), indicator.apply(biller)));
        return each;
    }
}
