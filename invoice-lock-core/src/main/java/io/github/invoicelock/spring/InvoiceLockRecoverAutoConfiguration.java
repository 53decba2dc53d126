package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionOutcome;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.SpringBootCondition;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.type.AnnotatedTypeMetadata;

/**
 * Calls {@link LockingInvoiceBiller#recover()} of each biller every {@code invoice-lock.recover-every}, or what its own
 * {@code invoice-lock.billers.*.recover-every} says, where that is said. The first time so long after the start. The schedule of
 * {@link LockingInvoiceBiller#billPending()} stays the host's.
 */
@AutoConfiguration(after = InvoiceLockAutoConfiguration.class)
@Conditional(InvoiceLockRecoverAutoConfiguration.OnRecoverEvery.class)
@ConditionalOnBean(LockingInvoiceBiller.class)
@EnableConfigurationProperties(InvoiceLockProperties.class)
public final class InvoiceLockRecoverAutoConfiguration {
    /** Made by Spring. */
    InvoiceLockRecoverAutoConfiguration() {}

    @Bean
    RecoverSchedules invoiceLockRecoverSchedules(
            Map<String, LockingInvoiceBiller> billers, InvoiceLockProperties properties) {
        List<RecoverSchedule> schedules = new ArrayList<>();
        billers.forEach((bean, biller) -> {
            var every = properties.of(BillerBeans.keyOf(bean)).recoverEvery();
            if (every != null) {
                schedules.add(new RecoverSchedule(biller, every));
            }
        });
        return new RecoverSchedules(schedules);
    }

    /** Whether anybody has said so. */
    static final class OnRecoverEvery extends SpringBootCondition {
        /** Made by Spring. */
        OnRecoverEvery() {}

        @Override
        public ConditionOutcome getMatchOutcome(ConditionContext context, AnnotatedTypeMetadata metadata) {
            Binder binder = Binder.get(context.getEnvironment());
            boolean said =
                    binder.bind("invoice-lock.recover-every", String.class).isBound()
                            || binder
                                    .bind(
                                            "invoice-lock.billers",
                                            Bindable.mapOf(String.class, InvoiceLockProperties.Biller.class))
                                    .orElseGet(Map::of)
                                    .values()
                                    .stream()
                                    .anyMatch(biller -> biller.recoverEvery() != null);
            return new ConditionOutcome(said, "recover-every is " + (said ? "set" : "not set"));
        }
    }
}
