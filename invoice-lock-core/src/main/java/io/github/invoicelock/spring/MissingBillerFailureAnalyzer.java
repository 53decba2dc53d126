package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.beans.factory.NoUniqueBeanDefinitionException;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.core.env.Environment;

/** Says why there is no biller, where a bean of the host's wants one; Spring Boot itself would only say that there is none. */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class MissingBillerFailureAnalyzer extends AbstractFailureAnalyzer<NoSuchBeanDefinitionException> {
    private final BeanFactory beans;
    private final Environment environment;

    /** Made by Spring Boot. */
    MissingBillerFailureAnalyzer(BeanFactory beans, Environment environment) {
        this.beans = beans;
        this.environment = environment;
    }

    @Override
    protected @Nullable FailureAnalysis analyze(Throwable rootFailure, NoSuchBeanDefinitionException cause) {
        if (cause.getBeanType() != LockingInvoiceBiller.class
                || !(beans instanceof ConfigurableListableBeanFactory factory)) {
            return null;
        }
        if (cause instanceof NoUniqueBeanDefinitionException several) {
            List<String> names = List.copyOf(java.util.Objects.requireNonNull(several.getBeanNamesFound()));
            return new FailureAnalysis(
                    "invoice-lock: there are " + names.size() + " billers (" + String.join(", ", names)
                            + "), and a bean wants one without saying which.",
                    "Say which: @Qualifier(\"" + names.get(0)
                            + "\"), or take them all as a Map<String, LockingInvoiceBiller>.",
                    cause);
        }
        return new FailureAnalysis(
                "invoice-lock: a bean wants a LockingInvoiceBiller, and there is none. " + whyNone(factory),
                "Do what the description says, or define a bean of type LockingInvoiceBiller.",
                cause);
    }

    /** Asked again: what Spring Boot knew of its conditions went with the context. */
    private String whyNone(ConfigurableListableBeanFactory factory) {
        if (!environment.getProperty("invoice-lock.enabled", Boolean.class, true)) {
            return "No biller because invoice-lock.enabled is false. Set it to true.";
        }
        return OnWhatBillersNeed.whyNone(factory, environment)
                .orElse("No biller because InvoiceLockAutoConfiguration is left out. Do not exclude it.");
    }
}
