package io.github.invoicelock.spring;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.BillingGateway;
import java.util.Optional;
import javax.sql.DataSource;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.ConfigurationCondition;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotatedTypeMetadata;

/**
 * Whether there is a DataSource and a gateway, or the properties name billers. Which of several is meant is not asked here: where that is not
 * said the start fails, and says so.
 */
final class OnWhatBillersNeed extends SpringBootCondition implements ConfigurationCondition {
    /** Made by Spring. */
    OnWhatBillersNeed() {}

    @Override
    public ConfigurationPhase getConfigurationPhase() {
        return ConfigurationPhase.REGISTER_BEAN;
    }

    @Override
    public ConditionOutcome getMatchOutcome(ConditionContext context, AnnotatedTypeMetadata metadata) {
        return whyNone(requireNonNull(context.getBeanFactory(), "a bean factory"), context.getEnvironment())
                .map(ConditionOutcome::noMatch)
                .orElseGet(() -> ConditionOutcome.match("what billers need is there"));
    }

    /** Empty if there is what billers need. */
    static Optional<String> whyNone(ConfigurableListableBeanFactory beans, Environment environment) {
        if (!BillerBeans.configured(environment).containsKey("")) {
            return Optional.empty();
        }
        boolean gateway = !ChosenBeans.candidates(beans, BillingGateway.class).isEmpty();
        boolean dataSource = !ChosenBeans.candidates(beans, DataSource.class).isEmpty();
        if (gateway && dataSource) {
            return Optional.empty();
        }
        return Optional.of("No biller because there is no " + (gateway ? "DataSource" : "BillingGateway") + " bean"
                + (gateway || dataSource ? "" : ", and no DataSource bean either") + ". "
                + (gateway
                        ? "Set spring.datasource.url, or define one."
                        : "Define one: it charges an invoice with your provider."));
    }
}
