package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;

/**
 * Calls {@link LockingInvoiceBiller#recover()} every {@code invoice-lock.recover-every}, where that is said. The first time so long after the
 * start. The schedule of {@link LockingInvoiceBiller#billPending()} stays the host's.
 */
@AutoConfiguration(after = InvoiceLockAutoConfiguration.class)
@ConditionalOnProperty("invoice-lock.recover-every")
@ConditionalOnSingleCandidate(LockingInvoiceBiller.class)
@ConditionalOnBean(LockingInvoiceBiller.class)
@EnableConfigurationProperties(InvoiceLockProperties.class)
public final class InvoiceLockRecoverAutoConfiguration {
    /** Made by Spring. */
    InvoiceLockRecoverAutoConfiguration() {}

    @Bean
    RecoverSchedule invoiceLockRecoverSchedule(LockingInvoiceBiller biller, InvoiceLockProperties properties) {
        return new RecoverSchedule(biller, java.util.Objects.requireNonNull(properties.recoverEvery()));
    }
}
