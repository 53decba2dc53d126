package io.github.invoicelock.spring;

import io.github.invoicelock.SetupException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.NoUniqueBeanDefinitionException;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.AbstractBeanDefinition;

/**
 * Which of the host's beans a biller takes: the one that its properties name, or the only one, or the primary one. Never one because of its
 * name alone: Spring would take a bean called "gateway" for a parameter of that name, and money would go through whichever was called so.
 */
final class ChosenBeans {
    private final ConfigurableListableBeanFactory beans;
    private final String key;

    /**
     * For one biller.
     *
     * @param key of its properties; empty where there is only one
     */
    ChosenBeans(ConfigurableListableBeanFactory beans, String key) {
        this.beans = beans;
        this.key = key;
    }

    /** The property of this biller that has such a name. */
    String property(String setting) {
        return (key.isEmpty() ? "invoice-lock." : "invoice-lock.billers." + key + ".") + setting;
    }

    /** What no biller is without. */
    <T> T one(Class<T> type, @Nullable String named, String setting) {
        return any(type, named, setting)
                .orElseThrow(() -> none("there is no " + type.getSimpleName() + " bean. Define one."));
    }

    /** What a biller can be without; empty if there is none. */
    <T> Optional<T> any(Class<T> type, @Nullable String named, String setting) {
        List<String> candidates = candidates(type);
        if (named != null) {
            return Optional.of(byName(type, named, setting));
        }
        if (candidates.size() == 1) {
            return Optional.of(taken(type, candidates.get(0)));
        }
        if (candidates.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(taken(type, beans.resolveNamedBean(type).getBeanName()));
        } catch (NoUniqueBeanDefinitionException e) {
            throw none("there are " + candidates.size() + " beans of type " + type.getSimpleName() + " ("
                    + String.join(", ", candidates) + ") and none is chosen: a bean's name alone chooses none. Set "
                    + property(setting) + " to the name of one, or mark one as @Primary.");
        }
    }

    /** One that its properties must name, because each of several billers needs one of its own. */
    <T> T ofItsOwn(Class<T> type, @Nullable String named, String setting) {
        if (named == null) {
            throw none(
                    "it does not say which " + type.getSimpleName() + " is its own: each of several billers must. Set "
                            + property(setting) + " to the name of one; " + there(type, candidates(type)) + ".");
        }
        return byName(type, named, setting);
    }

    private <T> T byName(Class<T> type, String named, String setting) {
        if (!beans.containsBean(named) || !beans.isTypeMatch(named, type)) {
            throw none(property(setting) + " is \"" + named + "\", but there is no " + type.getSimpleName()
                    + " bean of that name; " + there(type, candidates(type)) + ".");
        }
        return taken(type, named);
    }

    private <T> T taken(Class<T> type, String bean) {
        T taken = beans.getBean(bean, type);
        // So that the context closes the biller first.
        beans.registerDependentBean(bean, BillerBeans.nameOf(key));
        return taken;
    }

    private SetupException none(String because) {
        return new SetupException("No biller" + (key.isEmpty() ? "" : " \"" + key + "\"") + " because " + because);
    }

    private static String there(Class<?> type, List<String> candidates) {
        return candidates.isEmpty()
                ? "there is none of type " + type.getSimpleName() + " at all"
                : "there are " + String.join(", ", candidates);
    }

    private List<String> candidates(Class<?> type) {
        return candidates(beans, type);
    }

    /** Beans that may be taken without being named. */
    static List<String> candidates(ConfigurableListableBeanFactory beans, Class<?> type) {
        return Stream.of(BeanFactoryUtils.beanNamesForTypeIncludingAncestors(beans, type, true, false))
                .filter(bean -> !beans.containsBeanDefinition(bean) || mayBeTaken(beans.getMergedBeanDefinition(bean)))
                .toList();
    }

    private static boolean mayBeTaken(BeanDefinition definition) {
        return definition.isAutowireCandidate()
                && (!(definition instanceof AbstractBeanDefinition bean) || bean.isDefaultCandidate());
    }
}
