package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.console.Console;
import io.github.invoicelock.console.ConsoleAccess;
import io.github.invoicelock.console.ConsoleServlet;
import io.github.invoicelock.console.ConsoleVisitors;
import io.github.invoicelock.spring.InvoiceLockAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockConsoleAutoConfiguration;
import java.net.CookieManager;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Objects;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.security.web.csrf.CsrfFilter;
import org.springframework.security.web.csrf.HttpSessionCsrfTokenRepository;

/** The console under Spring Boot: off, on, and what is said where it cannot be shown. */
class ConsoleSpringTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final WebApplicationContextRunner application = new WebApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(
                    InvoiceLockAutoConfiguration.class, InvoiceLockConsoleAutoConfiguration.class))
            .withBean("dataSource", DataSource.class, host::dataSource, pool -> pool.setDestroyMethodName(""))
            .withBean(BillingGateway.class, TestProvider::thatRemembers);

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void off_means_off() {
        application.run(context -> {
            assertThat(context).hasSingleBean(LockingInvoiceBiller.class);
            assertThat(context.getBeansOfType(Console.class)).isEmpty();
            assertThat(context.getBeansOfType(ServletRegistrationBean.class)).isEmpty();
        });
        application
                .withClassLoader(new FilteredClassLoader("gg.jte", "org.springframework.security"))
                .run(context -> assertThat(context).hasNotFailed());
    }

    @Test
    void a_property_switches_it_on_and_another_moves_it() {
        application
                .withPropertyValues("invoice-lock.console.enabled=true", "invoice-lock.console.path=/desk")
                .run(context -> {
                    ServletRegistrationBean<?> servlet = context.getBean(ServletRegistrationBean.class);
                    assertThat(servlet.getServlet()).isInstanceOf(ConsoleServlet.class);
                    assertThat(servlet.getUrlMappings()).containsExactly("/desk/*");
                    ConsoleGuest guest = ConsoleGuest.of(context.getBean(Console.class), "ann", ConsoleAccess.LOOK);
                    assertThat(guest.page("/")).contains("Wait for a person", "invoices");
                    assertThat(ConsoleGuest.of(context.getBean(Console.class), "ann", ConsoleAccess.NONE)
                                    .page("/"))
                            .contains("invoice-lock.console.look");
                });
    }

    @Test
    void it_is_shown_without_spring_security_and_with_visitors_of_the_hosts() {
        application
                .withPropertyValues("invoice-lock.console.enabled=true")
                .withClassLoader(new FilteredClassLoader("org.springframework.security"))
                .run(context -> assertThat(context).hasSingleBean(ConsoleVisitors.class));
        ConsoleVisitors own = ConsoleVisitors.byRoles("a", "b", "c");
        application
                .withPropertyValues("invoice-lock.console.enabled=true")
                .withBean(ConsoleVisitors.class, () -> own)
                .run(context ->
                        assertThat(context.getBean(ConsoleVisitors.class)).isSameAs(own));
    }

    @Test
    void under_spring_security_its_token_is_in_every_form_and_asked_for() {
        application
                .withPropertyValues("invoice-lock.console.enabled=true", "invoice-lock.console.decide=billing")
                .run(context -> {
                    ConsoleServlet servlet = (ConsoleServlet)
                            context.getBean(ServletRegistrationBean.class).getServlet();
                    CsrfFilter forgery = new CsrfFilter(new HttpSessionCsrfTokenRepository());
                    try (ServletContainer container =
                            ServletContainer.with("/shop", Objects.requireNonNull(servlet), forgery)) {
                        decideWithAndWithoutAToken(container);
                    }
                    assertThat(context.getBean(LockingInvoiceBiller.class)
                                    .status()
                                    .pause())
                            .isNotNull();
                });
    }

    private static void decideWithAndWithoutAToken(ServletContainer container) throws Exception {
        HttpClient http =
                HttpClient.newBuilder().cookieHandler(new CookieManager()).build();
        HttpRequest.Builder page = HttpRequest.newBuilder(container.at("/shop/invoice-lock/"));
        String html = http.send(page.header("X-Test-User", "ann:billing").build(), HttpResponse.BodyHandlers.ofString())
                .body();
        String token = ConsoleGuest.first(html, "name=\"_csrf\" value=\"([^\"]*)\"");

        for (String form : List.of("why=outage", "why=outage&_csrf=" + token)) {
            HttpRequest pause = HttpRequest.newBuilder(container.at("/shop/invoice-lock/pause"))
                    .headers("X-Test-User", "ann:billing", "Sec-Fetch-Site", "same-origin")
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .POST(HttpRequest.BodyPublishers.ofString(form))
                    .build();
            assertThat(http.send(pause, HttpResponse.BodyHandlers.discarding()).statusCode())
                    .as(form)
                    .isEqualTo(form.contains("_csrf") ? 303 : 403);
        }
    }

    @Test
    void without_the_templates_runtime_the_start_fails_and_says_what_is_missing() {
        application
                .withPropertyValues("invoice-lock.console.enabled=true")
                .withClassLoader(new FilteredClassLoader("gg.jte"))
                .run(context -> assertThat(context.getStartupFailure())
                        .rootCause()
                        .isInstanceOf(SetupException.class)
                        .hasMessageContaining("gg.jte:jte-runtime"));
    }

    @Test
    void a_path_that_is_none_is_refused() {
        application
                .withPropertyValues("invoice-lock.console.enabled=true", "invoice-lock.console.path=desk/")
                .run(context -> assertThat(context.getStartupFailure())
                        .rootCause()
                        .hasMessageContaining("invoice-lock.console.path is \"desk/\""));
    }

    @Test
    void an_application_without_a_web_has_none() {
        new ApplicationContextRunner()
                .withConfiguration(AutoConfigurations.of(InvoiceLockConsoleAutoConfiguration.class))
                .withPropertyValues("invoice-lock.console.enabled=true")
                .run(context ->
                        assertThat(context.getBeansOfType(ConsoleServlet.class)).isEmpty());
    }
}
