package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.jdbc.datasource.DataSourceUtils;

/**
 * {@link InvoiceWithdrawals} of each biller that is configured by properties: {@code invoiceWithdrawals}, or {@code cardsInvoiceWithdrawals}
 * of {@code invoice-lock.billers.cards}. None where the host has some of its own.
 */
@AutoConfiguration(after = InvoiceLockAutoConfiguration.class)
@ConditionalOnClass(DataSourceUtils.class)
@ConditionalOnBean(Billers.class)
@ConditionalOnMissingBean(InvoiceWithdrawals.class)
@Import(InvoiceLockWithdrawalsAutoConfiguration.Definitions.class)
public final class InvoiceLockWithdrawalsAutoConfiguration {
    private static final String FACTORY = "invoiceLockWithdrawals";

    /** Made by Spring. */
    InvoiceLockWithdrawalsAutoConfiguration() {}

    @Bean(FACTORY)
    static Withdrawing invoiceLockWithdrawals(Billers billers, ConfigurableListableBeanFactory beans) {
        return new Withdrawing(billers, beans);
    }

    /** Makes them: the DataSource of each is its biller's. */
    static final class Withdrawing {
        private final Billers billers;
        private final ConfigurableListableBeanFactory beans;

        Withdrawing(Billers billers, ConfigurableListableBeanFactory beans) {
            this.billers = billers;
            this.beans = beans;
        }

        InvoiceWithdrawals withdrawals(String key) {
            return new InvoiceWithdrawals(
                    beans.getBean(BillerBeans.nameOf(key), LockingInvoiceBiller.class), billers.dataSource(key));
        }
    }

    /** A bean for each biller. */
    static final class Definitions implements ImportBeanDefinitionRegistrar {
        /** Made by Spring. */
        Definitions() {}

        @Override
        public void registerBeanDefinitions(AnnotationMetadata importing, BeanDefinitionRegistry registry) {
            for (String bean : BillerBeans.all(registry)) {
                if (BillerBeans.isMadeHere(registry, bean)) {
                    String key = BillerBeans.keyOf(bean);
                    registry.registerBeanDefinition(
                            BillerBeans.nameOf(key, "InvoiceWithdrawals"),
                            BillerBeans.madeBy(FACTORY, "withdrawals", InvoiceWithdrawals.class, key));
                }
            }
        }
    }
}
