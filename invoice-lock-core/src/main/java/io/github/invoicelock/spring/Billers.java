package io.github.invoicelock.spring;

import io.github.invoicelock.BilledHook;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.CallContext;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RetryPolicy;
import io.github.invoicelock.SetupException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.sql.init.dependency.DependsOnDatabaseInitialization;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.util.ClassUtils;

/** Makes each biller of what its properties say and of the host's beans. */
final class Billers {
    private final InvoiceLockProperties properties;
    private final ConfigurableListableBeanFactory beans;
    private final List<BillerAddition> additions;

    Billers(InvoiceLockProperties properties, ConfigurableListableBeanFactory beans, List<BillerAddition> additions) {
        this.properties = properties;
        this.beans = beans;
        this.additions = additions;
        Map<String, String> keys = new HashMap<>();
        properties.billers().keySet().forEach(key -> {
            String name = properties.of(key).name();
            String other = keys.put(name, key);
            if (other != null) {
                throw new SetupException("The billers \"" + other + "\" and \"" + key + "\" are both called \"" + name
                        + "\"; each must have a name of its own. Set invoice-lock.billers." + key + ".name.");
            }
        });
    }

    /**
     * One biller.
     *
     * @param key of its properties; empty for the only one
     */
    // The host's own migrations create the table that the biller checks.
    @DependsOnDatabaseInitialization
    LockingInvoiceBiller biller(String key) {
        InvoiceLockProperties own = properties.of(key);
        ChosenBeans chosen = new ChosenBeans(beans, key);
        DataSource dataSource = dataSource(key);
        BillingGateway gateway = chosen.one(BillingGateway.class, own.gateway(), "gateway");
        if (own.migrate()) {
            InvoiceLockSchema.migrate(dataSource, own.journalSchema());
        }
        for (BillerAddition addition : additions) {
            gateway = addition.around(own.name(), gateway);
        }
        LockingInvoiceBiller.Builder builder = LockingInvoiceBiller.builder(dataSource, gateway);
        own.applyTo(builder);
        if (properties.billers().size() > 1) {
            builder.invoices(chosen.ofItsOwn(InvoiceTable.class, own.invoices(), "invoices"));
        } else {
            chosen.any(InvoiceTable.class, own.invoices(), "invoices").ifPresent(builder::invoices);
        }
        chosen.any(RetryPolicy.class, own.retryPolicy(), "retry-policy").ifPresent(builder::retryPolicy);
        chosen.any(BilledHook.class, own.onBilled(), "on-billed").ifPresent(builder::onBilled);
        additions.forEach(addition -> addition.addTo(own.name(), builder));
        chosen.any(CallContext.class, own.callContext(), "call-context").ifPresent(builder::callContext);
        beans.getBeanProvider(BillingListener.class)
                .orderedStream()
                .filter(listener -> properties.billers().isEmpty()
                        || additions.stream().allMatch(addition -> addition.isFor(own.name(), listener)))
                .forEach(builder::listener);
        return builder.build();
    }

    /** Where a biller's invoices are. */
    DataSource dataSource(String key) {
        DataSource dataSource = new ChosenBeans(beans, key)
                .one(DataSource.class, properties.of(key).dataSource(), "data-source");
        return outsideOfTransactions(dataSource);
    }

    /** R13: the biller's transactions are its own, even where the host's DataSource takes part in Spring's. */
    private static DataSource outsideOfTransactions(DataSource dataSource) {
        return ClassUtils.isPresent(
                        "org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy",
                        Billers.class.getClassLoader())
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
