package io.github.invoicelock.spring;

import io.github.invoicelock.BilledHook;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RetryPolicy;
import javax.sql.DataSource;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.context.annotation.Bean;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.util.ClassUtils;

/**
 * A {@link LockingInvoiceBiller} where there is one {@link DataSource} and a {@link BillingGateway}; none where the host has built its own,
 * or {@code invoice-lock.enabled} is false. Takes beans of type {@link InvoiceTable}, {@link RetryPolicy}, {@link BilledHook} and
 * {@link BillingListener} (all of them) where there are any; an {@code Executor} is never taken by itself. It is built after the host's own
 * migrations, and closed with the context.
 *
 * <p>Nothing calls it: schedule {@link LockingInvoiceBiller#billPending()} and {@link LockingInvoiceBiller#recover()}.
 */
@AutoConfiguration(
        afterName = {
            "org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
            "org.springframework.boot.autoconfigure.jdbc.DataSourceAutoConfiguration"
        })
@ConditionalOnProperty(name = "invoice-lock.enabled", matchIfMissing = true)
@ConditionalOnSingleCandidate(DataSource.class)
@ConditionalOnBean(BillingGateway.class)
@EnableConfigurationProperties(InvoiceLockProperties.class)
public final class InvoiceLockAutoConfiguration {
    static final String BILLER = "lockingInvoiceBiller";

    /** Made by Spring. */
    InvoiceLockAutoConfiguration() {}

    @Bean(name = BILLER, destroyMethod = "close")
    @ConditionalOnMissingBean
    // The host's own migrations create the table that the biller checks.
    @DependsOnDatabaseInitialization
    LockingInvoiceBiller lockingInvoiceBiller(
            DataSource dataSource,
            BillingGateway gateway,
            InvoiceLockProperties properties,
            ObjectProvider<InvoiceTable> table,
            ObjectProvider<RetryPolicy> retryPolicy,
            ObjectProvider<BilledHook> hook,
            ObjectProvider<BillingListener> listeners) {
        DataSource plain = outsideOfTransactions(dataSource);
        if (properties.migrate()) {
            InvoiceLockSchema.migrate(plain, properties.journalSchema());
        }
        LockingInvoiceBiller.Builder builder = LockingInvoiceBiller.builder(plain, gateway);
        properties.applyTo(builder);
        table.ifAvailable(builder::invoices);
        retryPolicy.ifAvailable(builder::retryPolicy);
        hook.ifAvailable(builder::onBilled);
        listeners.orderedStream().forEach(builder::listener);
        return builder.build();
    }

    /** R13: the biller's transactions are its own, even where the host's DataSource takes part in Spring's. */
    private static DataSource outsideOfTransactions(DataSource dataSource) {
        return ClassUtils.isPresent(
                        "org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy",
                        InvoiceLockAutoConfiguration.class.getClassLoader())
                ? TransactionAware.unwrapped(dataSource)
                : dataSource;
    }

    /** Apart, because spring-jdbc need not be there. */
    private static final class TransactionAware {
        private static DataSource unwrapped(DataSource dataSource) {
            DataSource target = dataSource;
            while (target instanceof TransactionAwareDataSourceProxy proxy && proxy.getTargetDataSource() != null) {
                target = proxy.getTargetDataSource();
            }
            return target;
        }
    }
}
