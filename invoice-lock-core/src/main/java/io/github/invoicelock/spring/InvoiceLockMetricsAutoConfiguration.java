package io.github.invoicelock.spring;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.BillingListener;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.micrometer.BillingMetrics;
import io.github.invoicelock.micrometer.JournalMetrics;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.config.RuntimeBeanReference;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotationMetadata;

/**
 * {@link BillingMetrics} and {@link JournalMetrics} of each biller, where Micrometer has a registry. Spring Boot binds them to it, as every
 * {@code MeterBinder}. A biller of the host's own has the journal's alone, unless it is given a {@link BillingMetrics} as a listener.
 */
@AutoConfiguration(
        after = InvoiceLockAutoConfiguration.class,
        afterName = {
            "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
            "org.springframework.boot.actuate.autoconfigure.metrics.CompositeMeterRegistryAutoConfiguration"
        })
@ConditionalOnClass(MeterRegistry.class)
@ConditionalOnBean({MeterRegistry.class, LockingInvoiceBiller.class})
@Import(InvoiceLockMetricsAutoConfiguration.Definitions.class)
public final class InvoiceLockMetricsAutoConfiguration {
    /** Made by Spring. */
    InvoiceLockMetricsAutoConfiguration() {}

    /** Metrics count for the biller that they are called after, and for no other. */
    @Bean
    static BillerAddition invoiceLockMetrics() {
        return new BillerAddition() {
            @Override
            public boolean isFor(String biller, BillingListener listener) {
                return !(listener instanceof BillingMetrics metrics)
                        || metrics.biller().equals(biller);
            }
        };
    }

    /** A bean of each kind for each biller, unless the host has some of that kind. */
    static final class Definitions implements ImportBeanDefinitionRegistrar {
        private final Environment environment;

        /** Made by Spring. */
        Definitions(Environment environment) {
            this.environment = environment;
        }

        @Override
        public void registerBeanDefinitions(AnnotationMetadata importing, BeanDefinitionRegistry registry) {
            Map<String, String> names = BillerBeans.configured(environment);
            boolean counted = none(registry, BillingMetrics.class);
            boolean shown = none(registry, JournalMetrics.class);
            for (String bean : BillerBeans.all(registry)) {
                boolean here = BillerBeans.isMadeHere(registry, bean);
                String key = here ? BillerBeans.keyOf(bean) : BillerBeans.all(registry).length == 1 ? "" : bean;
                if (here && counted) {
                    // Only for billers that are made here: a host's own is built without it, and would seem to do
                    // nothing.
                    register(
                            registry,
                            BillerBeans.nameOf(key, "BillingMetrics"),
                            BillingMetrics.class,
                            requireNonNull(names.get(key)));
                }
                if (shown) {
                    register(
                            registry,
                            BillerBeans.nameOf(key, "JournalMetrics"),
                            JournalMetrics.class,
                            new RuntimeBeanReference(bean));
                }
            }
        }

        private static boolean none(BeanDefinitionRegistry registry, Class<?> type) {
            return ((ConfigurableListableBeanFactory) registry).getBeanNamesForType(type, true, false).length == 0;
        }

        private static void register(BeanDefinitionRegistry registry, String name, Class<?> type, Object argument) {
            RootBeanDefinition definition = new RootBeanDefinition(type);
            definition.getConstructorArgumentValues().addIndexedArgumentValue(0, argument);
            registry.registerBeanDefinition(name, definition);
        }
    }
}
