package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotationMetadata;

/** A bean for each biller of the properties. */
final class BillerDefinitions implements ImportBeanDefinitionRegistrar {
    private final Environment environment;

    /** Made by Spring. */
    BillerDefinitions(Environment environment) {
        this.environment = environment;
    }

    @Override
    public void registerBeanDefinitions(AnnotationMetadata importing, BeanDefinitionRegistry registry) {
        BillerBeans.configured(environment).keySet().forEach(key -> {
            RootBeanDefinition biller =
                    BillerBeans.madeBy(BillerBeans.FACTORY, "biller", LockingInvoiceBiller.class, key);
            biller.setDestroyMethodName("close");
            registry.registerBeanDefinition(BillerBeans.nameOf(key), biller);
        });
    }
}
