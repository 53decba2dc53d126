package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import java.util.LinkedHashMap;
import java.util.Map;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.Environment;

/** How beans of billers are called, and which there are. A biller's key is that of its properties, and empty where there is only one. */
final class BillerBeans {
    /** Makes the billers. */
    static final String FACTORY = "invoiceLockBillers";

    private static final String ONLY = "lockingInvoiceBiller";
    private static final String SUFFIX = "Biller";

    private BillerBeans() {}

    /** The bean of a biller. */
    static String nameOf(String key) {
        return key.isEmpty() ? ONLY : key + SUFFIX;
    }

    /** The key of a bean that was made here. */
    static String keyOf(String bean) {
        return bean.endsWith(SUFFIX) && !bean.equals(ONLY) ? bean.substring(0, bean.length() - SUFFIX.length()) : "";
    }

    /** Something that belongs to a biller: {@code cardsBillingMetrics}, or {@code billingMetrics} of the only one. */
    static String nameOf(String key, String kind) {
        return key.isEmpty() ? Character.toLowerCase(kind.charAt(0)) + kind.substring(1) : key + kind;
    }

    /** The billers of the properties by their keys, each with its name. */
    static Map<String, String> configured(Environment environment) {
        Binder binder = Binder.get(environment);
        Map<String, String> names = new LinkedHashMap<>();
        binder.bind("invoice-lock.billers", Bindable.mapOf(String.class, InvoiceLockProperties.Biller.class))
                .orElseGet(Map::of)
                .forEach((key, biller) -> names.put(key, biller.name() == null ? key : biller.name()));
        if (names.isEmpty()) {
            names.put("", binder.bind("invoice-lock.name", String.class).orElse("invoices"));
        }
        return names;
    }

    /** A bean that the method of another makes, of the biller of a key. */
    static RootBeanDefinition madeBy(String factory, String method, Class<?> type, String key) {
        RootBeanDefinition definition = new RootBeanDefinition(type);
        definition.setFactoryBeanName(factory);
        definition.setFactoryMethodName(method);
        definition.getConstructorArgumentValues().addIndexedArgumentValue(0, key);
        return definition;
    }

    /** Beans of billers, whoever defines them. */
    static String[] all(BeanDefinitionRegistry registry) {
        return ((ConfigurableListableBeanFactory) registry)
                .getBeanNamesForType(LockingInvoiceBiller.class, true, false);
    }

    /** Whether a biller's bean is one that was configured here, and not the host's own. */
    static boolean isMadeHere(BeanDefinitionRegistry registry, String bean) {
        if (!registry.containsBeanDefinition(bean)) {
            return false;
        }
        BeanDefinition definition = registry.getBeanDefinition(bean);
        return FACTORY.equals(definition.getFactoryBeanName());
    }
}
