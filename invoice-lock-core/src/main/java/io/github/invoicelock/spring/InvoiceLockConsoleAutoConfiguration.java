package io.github.invoicelock.spring;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.SetupException;
import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleServlet;
import io.github.invoicelock.console.ConsoleSettings;
import io.github.invoicelock.console.ConsoleVisitor;
import io.github.invoicelock.console.ConsoleVisitors;
import jakarta.servlet.http.HttpServletRequest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.web.csrf.CsrfToken;

/** The console of all billers, where {@code invoice-lock.console.enabled} is true. */
@AutoConfiguration(after = InvoiceLockAutoConfiguration.class)
@ConditionalOnProperty(prefix = "invoice-lock.console", name = "enabled", havingValue = "true")
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@EnableConfigurationProperties(InvoiceLockConsoleProperties.class)
public final class InvoiceLockConsoleAutoConfiguration {
    /** Made by Spring. */
    InvoiceLockConsoleAutoConfiguration() {}

    /** With what it is rendered by. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = "gg.jte.TemplateOutput")
    static class Rendered {
        @Bean
        @ConditionalOnMissingBean
        Console invoiceLockConsole(
                ObjectProvider<LockingInvoiceBiller> billers,
                InvoiceLockConsoleProperties properties,
                ObjectProvider<ConsoleSettings.Masking> masking) {
            ConsoleSettings settings = ConsoleSettings.of(() -> named(billers))
                    .zone(properties.zone())
                    .accessSetting(
                            "invoice-lock.console.look, decide and decide-not-billed, or a ConsoleVisitors bean");
            for (String link : Objects.requireNonNullElse(properties.providerLinks(), List.<String>of())) {
                settings = settings.providerLink(link);
            }
            ConsoleSettings linked = properties.secondPerson() ? settings.secondPerson() : settings;
            return new Console(Optional.ofNullable(masking.getIfAvailable())
                    .map(linked::masking)
                    .orElse(linked));
        }

        private static Map<String, LockingInvoiceBiller> named(ObjectProvider<LockingInvoiceBiller> billers) {
            Map<String, LockingInvoiceBiller> named = new LinkedHashMap<>();
            billers.orderedStream().forEach(biller -> {
                if (named.put(biller.name(), biller) != null) {
                    throw new SetupException("Two billers are called \"" + biller.name()
                            + "\", so the console could show one of them only. Say name(...) of one of them, before it has billed anything, or "
                            + "define a Console bean of your own that calls them otherwise.");
                }
            });
            return named;
        }

        @Bean
        ServletRegistrationBean<ConsoleServlet> invoiceLockConsoleServlet(
                Console console, ConsoleVisitors visitors, InvoiceLockConsoleProperties properties) {
            ServletRegistrationBean<ConsoleServlet> servlet =
                    new ServletRegistrationBean<>(new ConsoleServlet(console, visitors), mapping(properties.path()));
            servlet.setName("invoiceLockConsole");
            return servlet;
        }

        private static String mapping(String path) {
            if (!path.startsWith("/") || path.endsWith("/") || path.contains("*")) {
                throw new SetupException("invoice-lock.console.path is \"" + path
                        + "\"; it must begin with a slash and end without one. Say e.g. /invoice-lock.");
            }
            return path + "/*";
        }
    }

    /** Enabled, and it cannot be shown. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnMissingClass("gg.jte.TemplateOutput")
    static class Unrendered {
        Unrendered() {
            throw new SetupException(
                    "invoice-lock.console.enabled is true, but gg.jte:jte-runtime is not on the class path, which "
                            + "renders the console. Add that dependency, or leave the property out.");
        }
    }

    /** Under Spring Security, whose token is in every form. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(CsrfToken.class)
    static class Secured {
        @Bean
        @ConditionalOnMissingBean
        ConsoleVisitors invoiceLockConsoleVisitors(InvoiceLockConsoleProperties properties) {
            return byRoles(properties).with(Secured::token);
        }

        private static Optional<ConsoleVisitor.Token> token(HttpServletRequest request) {
            return request.getAttribute(CsrfToken.class.getName()) instanceof CsrfToken token
                    ? Optional.of(new ConsoleVisitor.Token(token.getParameterName(), token.getToken()))
                    : Optional.empty();
        }
    }

    /** Under another security, by the servlet's own principal and roles. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnMissingClass("org.springframework.security.web.csrf.CsrfToken")
    static class Unsecured {
        @Bean
        @ConditionalOnMissingBean
        ConsoleVisitors invoiceLockConsoleVisitors(InvoiceLockConsoleProperties properties) {
            return byRoles(properties);
        }
    }

    private static ConsoleVisitors byRoles(InvoiceLockConsoleProperties properties) {
        return ConsoleVisitors.byRoles(properties.look(), properties.decide(), properties.decideNotBilled());
    }
}
