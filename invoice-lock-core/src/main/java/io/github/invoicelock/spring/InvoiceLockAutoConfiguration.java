package io.github.invoicelock.spring;

import io.github.invoicelock.BilledHook;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.CallContext;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RetryPolicy;
import javax.sql.DataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Import;

/**
 * A {@link LockingInvoiceBiller} where there are a {@link DataSource} and a {@link BillingGateway}, or several of them where
 * {@code invoice-lock.billers.*} says so; none where the host has built its own, or {@code invoice-lock.enabled} is false. Takes beans of type
 * {@link InvoiceTable}, {@link RetryPolicy}, {@link BilledHook}, {@link CallContext} and {@link BillingListener} (all of them) where there are
 * any; an {@code Executor} is never taken by itself. Where there are several of a type, a property names the one that is meant. A biller is
 * built after the host's own migrations, and closed with the context.
 *
 * <p>Nothing calls it: schedule {@link LockingInvoiceBiller#billPending()} and {@link LockingInvoiceBiller#recover()}.
 */
@AutoConfiguration(
        afterName = {
            "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
            "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration"
        })
@ConditionalOnProperty(name = "invoice-lock.enabled", matchIfMissing = true)
@ConditionalOnMissingBean(LockingInvoiceBiller.class)
@Conditional(OnWhatBillersNeed.class)
@EnableConfigurationProperties(InvoiceLockProperties.class)
@Import(BillerDefinitions.class)
public final class InvoiceLockAutoConfiguration {
    /** Made by Spring. */
    InvoiceLockAutoConfiguration() {}

    @Bean(BillerBeans.FACTORY)
    static Billers invoiceLockBillers(
            InvoiceLockProperties properties,
            ConfigurableListableBeanFactory beans,
            ObjectProvider<BillerAddition> additions) {
        return new Billers(properties, beans, additions.orderedStream().toList());
    }
}
