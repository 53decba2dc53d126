package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.micrometer.BillingMetrics;
import io.github.invoicelock.spring.InvoiceLockAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockHealthAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockMetricsAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockRecoverAutoConfiguration;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.util.TestPropertyValues;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.io.support.SpringFactoriesLoader;

/** Several billers under Spring Boot, what each of them takes, and why there is none. */
class SpringBillersTest {
    private static final String[] TWO = {
        "invoice-lock.billers.cards.data-source=here",
        "invoice-lock.billers.cards.gateway=cardGateway",
        "invoice-lock.billers.cards.invoices=cardInvoices",
        "invoice-lock.billers.debits.name=direct-debits",
        "invoice-lock.billers.debits.data-source=there",
        "invoice-lock.billers.debits.gateway=bank",
        "invoice-lock.billers.debits.invoices=debitInvoices",
        "invoice-lock.billers.debits.concurrency=2"
    };

    private final TestHost here = TestHost.withInvoices(3);
    private final TestHost there = TestHost.withInvoices(2);
    private final TestProvider cards = TestProvider.thatRemembers();
    private final TestProvider debits = TestProvider.thatRemembers();
    private final ApplicationContextRunner withoutBeans = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(
                    InvoiceLockAutoConfiguration.class,
                    InvoiceLockMetricsAutoConfiguration.class,
                    InvoiceLockHealthAutoConfiguration.class,
                    InvoiceLockRecoverAutoConfiguration.class));
    private final ApplicationContextRunner application = withoutBeans
            .withBean("here", DataSource.class, here::dataSource, pool -> pool.setDestroyMethodName(""))
            .withBean("there", DataSource.class, there::dataSource, pool -> pool.setDestroyMethodName(""))
            .withBean("cardGateway", BillingGateway.class, () -> cards)
            .withBean("bank", BillingGateway.class, () -> debits)
            .withBean("cardInvoices", InvoiceTable.class, () -> InvoiceTable.named("invoices"))
            .withBean("debitInvoices", InvoiceTable.class, () -> InvoiceTable.named("invoices"));

    @AfterEach
    void close() {
        here.close();
        there.close();
    }

    /** Wants one of the two. */
    record Caller(LockingInvoiceBiller biller) {}

    @Configuration(proxyBeanMethods = false)
    static class Wanting {
        @Bean
        Caller caller(@Qualifier("cardsBiller") LockingInvoiceBiller biller) {
            return new Caller(biller);
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class WantingAny {
        @Bean
        Caller caller(LockingInvoiceBiller biller) {
            return new Caller(biller);
        }
    }

    @Test
    void each_biller_has_its_data_source_its_gateway_and_its_table_and_is_closed_with_the_context() {
        List<LockingInvoiceBiller> billers = new CopyOnWriteArrayList<>();
        application.withUserConfiguration(Wanting.class).withPropertyValues(TWO).run(context -> {
            LockingInvoiceBiller debit = context.getBean("debitsBiller", LockingInvoiceBiller.class);
            assertThat(context.getBean(Caller.class).biller().billPending().billed())
                    .isEqualTo(3);
            assertThat(debit.billPending().billed()).isEqualTo(2);
            assertThat(debit.name()).isEqualTo("direct-debits");
            billers.add(debit);
        });
        assertThat(cards.requests()).hasSize(3);
        assertThat(debits.requests()).hasSize(2);
        assertThat(here.one("select distinct biller from invoice_lock.billing_attempt"))
                .isEqualTo("cards");
        assertThat(there.one("select distinct biller from invoice_lock.billing_attempt"))
                .isEqualTo("direct-debits");
        assertThat(catchThrowable(billers.get(0)::billPending)).hasMessageContaining("is closed");
    }

    @Test
    void what_a_biller_does_not_say_it_has_from_the_properties_of_all() {
        String log = Log.of(() -> application
                .withPropertyValues(TWO)
                .withPropertyValues("invoice-lock.concurrency=300")
                .run(context -> assertThat(context).hasNotFailed()));
        assertThat(log)
                .as("the pool is too small for the one alone")
                .contains("biller=cards concurrency is 300")
                .doesNotContain("biller=direct-debits");
    }

    @Test
    void each_biller_has_metrics_of_its_own() {
        application
                .withConfiguration(AutoConfigurations.of(MetricsAutoConfiguration.class))
                .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
                .withPropertyValues(TWO)
                .run(context -> {
                    context.getBean("cardsBiller", LockingInvoiceBiller.class).billPending();
                    MeterRegistry registry = context.getBean(MeterRegistry.class);
                    assertThat(billed(registry, "cards")).isEqualTo(3);
                    assertThat(billed(registry, "direct-debits")).isZero();
                    assertThat(context.getBean("debitsBillingMetrics", BillingMetrics.class)
                                    .biller())
                            .isEqualTo("direct-debits");
                    assertThat(registry.get("invoice.lock.journal.pending")
                                    .tag("biller", "direct-debits")
                                    .gauge()
                                    .value())
                            .isEqualTo(2);
                });
    }

    private static double billed(MeterRegistry registry, String biller) {
        return registry.get("invoice.lock.outcomes")
                .tags("biller", biller, "outcome", "billed")
                .counter()
                .count();
    }

    @Test
    void each_biller_is_a_component_of_health() {
        application.withPropertyValues(TWO).run(context -> {
            CompositeHealthContributor health = context.getBean(CompositeHealthContributor.class);
            assertThat(detail(health.getContributor("cards"), "pending")).isEqualTo(3);
            assertThat(detail(health.getContributor("direct-debits"), "pending"))
                    .isEqualTo(2);
        });
    }

    @Test
    void each_biller_is_a_component_of_the_health_of_boot_3() {
        application
                .withClassLoader(new FilteredClassLoader("org.springframework.boot.health"))
                .withPropertyValues(TWO)
                .run(context -> assertThat(context.getBean(
                                        org.springframework.boot.actuate.health.CompositeHealthContributor.class)
                                .getContributor("direct-debits"))
                        .isInstanceOf(org.springframework.boot.actuate.health.HealthIndicator.class));
    }

    private static @Nullable Object detail(@Nullable Object contributor, String name) {
        return Objects.requireNonNull(((HealthIndicator) Objects.requireNonNull(contributor)).health())
                .getDetails()
                .get(name);
    }

    @Test
    void a_schedule_of_recover_is_each_billers_own() {
        cards.answering(BillingOutcome.notBilled("429"));
        debits.answering(BillingOutcome.notBilled("429"));
        application
                .withPropertyValues(TWO)
                .run(context -> context.getBeansOfType(LockingInvoiceBiller.class)
                        .values()
                        .forEach(biller -> biller.bill(1)));
        cards.answering(TestProvider::charge);
        debits.answering(TestProvider::charge);
        here.letTimePass(1, Duration.ofHours(1));
        there.letTimePass(1, Duration.ofHours(1));

        application
                .withPropertyValues(TWO)
                .withPropertyValues("invoice-lock.billers.debits.recover-every=20ms")
                .run(context -> {
                    await().atMost(Duration.ofMinutes(1)).until(() -> "BILLED".equals(there.state(1)));
                    assertThat(here.state(1)).isEqualTo("NOT_BILLED");
                });
    }

    @Test
    void billers_of_the_hosts_own_are_left_alone_and_each_has_health_and_metrics() {
        LockingInvoiceBiller one = here.running(here.server(cards).name("one"));
        LockingInvoiceBiller two = there.running(there.server(debits).name("two"));
        application
                .withConfiguration(AutoConfigurations.of(MetricsAutoConfiguration.class))
                .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
                .withBean("first", LockingInvoiceBiller.class, () -> one)
                .withBean("second", LockingInvoiceBiller.class, () -> two)
                .run(context -> {
                    assertThat(context).hasNotFailed().doesNotHaveBean(BillingMetrics.class);
                    assertThat(context.getBean(CompositeHealthContributor.class).getContributor("two"))
                            .isNotNull();
                    assertThat(context.getBean(MeterRegistry.class)
                                    .get("invoice.lock.journal.pending")
                                    .tag("biller", "one")
                                    .gauge()
                                    .value())
                            .isEqualTo(3);
                });
    }

    @Test
    void each_biller_takes_the_call_context_that_its_property_names() {
        List<String> captured = new CopyOnWriteArrayList<>();
        application
                .withBean("tenant", CallContext.class, () -> capturing("tenant", captured))
                .withBean("trace", CallContext.class, () -> capturing("trace", captured))
                .withPropertyValues(TWO)
                .withPropertyValues(
                        "invoice-lock.call-context=tenant", "invoice-lock.billers.debits.call-context=trace")
                .run(context -> {
                    context.getBean("cardsBiller", LockingInvoiceBiller.class).billPending();
                    assertThat(captured).containsOnly("tenant");
                    captured.clear();
                    context.getBean("debitsBiller", LockingInvoiceBiller.class).billPending();
                    assertThat(captured).containsOnly("trace");
                });
    }

    private static CallContext capturing(String name, List<String> captured) {
        return () -> {
            captured.add(name);
            return UnaryOperator.identity();
        };
    }

    @TestFactory
    Stream<DynamicTest> why_there_is_no_biller_is_said_with_the_remedy() {
        String here = "here";
        return Stream.of(
                no(
                        "two DataSources",
                        application.withPropertyValues("invoice-lock.gateway=bank"),
                        "No biller because there are 2 beans of type DataSource (here, there) and none is chosen",
                        "Set invoice-lock.data-source to the name of one, or mark one as @Primary"),
                no(
                        "two gateways, one of them called gateway",
                        application
                                .withBean("gateway", BillingGateway.class, () -> cards)
                                .withPropertyValues("invoice-lock.data-source=" + here),
                        "No biller because there are 3 beans of type BillingGateway (cardGateway, bank, gateway) and none is chosen",
                        "a bean's name alone chooses none",
                        "Set invoice-lock.gateway to the name of one"),
                no(
                        "two tables",
                        application.withPropertyValues("invoice-lock.data-source=here", "invoice-lock.gateway=bank"),
                        "No biller because there are 2 beans of type InvoiceTable (cardInvoices, debitInvoices)",
                        "Set invoice-lock.invoices"),
                no(
                        "two call contexts",
                        application
                                .withBean("tenant", CallContext.class, () -> UnaryOperator::identity)
                                .withBean("trace", CallContext.class, () -> UnaryOperator::identity)
                                .withPropertyValues(
                                        "invoice-lock.data-source=here",
                                        "invoice-lock.gateway=bank",
                                        "invoice-lock.invoices=debitInvoices"),
                        "No biller because there are 2 beans of type CallContext (tenant, trace) and none is chosen",
                        "Set invoice-lock.call-context to the name of one, or mark one as @Primary"),
                no(
                        "a name that no bean has",
                        application.withPropertyValues("invoice-lock.data-source=heer"),
                        "No biller because invoice-lock.data-source is \"heer\", but there is no DataSource bean of that name; "
                                + "there are here, there"),
                no(
                        "a biller among several without a table",
                        application
                                .withPropertyValues(TWO)
                                .withPropertyValues(
                                        "invoice-lock.billers.third.data-source=here",
                                        "invoice-lock.billers.third.gateway=bank"),
                        "No biller \"third\" because it does not say which InvoiceTable is its own",
                        "Set invoice-lock.billers.third.invoices to the name of one; there are cardInvoices, debitInvoices"),
                no(
                        "two of one name",
                        application
                                .withPropertyValues(TWO)
                                .withPropertyValues("invoice-lock.billers.debits.name=cards"),
                        "The billers \"cards\" and \"debits\" are both called \"cards\"",
                        "Set invoice-lock.billers.debits.name"),
                no(
                        "billers without a gateway",
                        withoutBeans
                                .withBean(
                                        "here",
                                        DataSource.class,
                                        this.here::dataSource,
                                        pool -> pool.setDestroyMethodName(""))
                                .withPropertyValues("invoice-lock.billers.cards.name=cards"),
                        "No biller \"cards\" because there is no BillingGateway bean. Define one."));
    }

    private static DynamicTest no(String what, ApplicationContextRunner application, String... said) {
        return DynamicTest.dynamicTest(
                what,
                () -> application.run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .isInstanceOf(SetupException.class)
                        .hasMessageContainingAll(said)));
    }

    @Test
    void a_primary_bean_is_taken() {
        application
                .withBean(
                        "main",
                        DataSource.class,
                        here::dataSource,
                        pool -> pool.setPrimary(true),
                        pool -> pool.setDestroyMethodName(""))
                .withPropertyValues("invoice-lock.gateway=bank", "invoice-lock.invoices=cardInvoices")
                .run(context -> assertThat(context.getBean(LockingInvoiceBiller.class)
                                .billPending()
                                .billed())
                        .isEqualTo(3));
    }

    @Test
    void a_wrong_setting_of_one_of_several_is_named_with_its_property() {
        application
                .withPropertyValues(TWO)
                .withPropertyValues("invoice-lock.billers.debits.concurrency=0")
                .run(context -> {
                    try (AnnotationConfigApplicationContext any = new AnnotationConfigApplicationContext()) {
                        assertThat(analyzed(Objects.requireNonNull(context.getStartupFailure()), any)
                                        .getAction())
                                .contains("Correct the property invoice-lock.billers.debits.concurrency.");
                    }
                });
    }

    @Test
    void a_host_that_wants_a_biller_is_told_why_there_is_none() {
        assertThat(explained(any -> {}, InvoiceLockAutoConfiguration.class).getDescription())
                .startsWith("invoice-lock: a bean wants a LockingInvoiceBiller, and there is none.")
                .contains("No biller because there is no BillingGateway bean, and no DataSource bean either.");
        assertThat(explained(
                                any -> any.registerBean(BillingGateway.class, () -> cards),
                                InvoiceLockAutoConfiguration.class)
                        .getDescription())
                .contains("No biller because there is no DataSource bean. Set spring.datasource.url");
        assertThat(explained(
                                any -> TestPropertyValues.of("invoice-lock.enabled=false")
                                        .applyTo(any),
                                InvoiceLockAutoConfiguration.class)
                        .getDescription())
                .contains("No biller because invoice-lock.enabled is false.");
        assertThat(explained(any -> {
                            any.registerBean(BillingGateway.class, () -> cards);
                            any.registerBean(DataSource.class, here::dataSource);
                        })
                        .getDescription())
                .contains("No biller because InvoiceLockAutoConfiguration is left out.");
    }

    @Test
    void a_host_that_wants_one_of_several_is_told_to_say_which() {
        assertThat(explained(any -> {
                            any.registerBean("one", LockingInvoiceBiller.class, () -> here.running(here.server(cards)));
                            any.registerBean(
                                    "two", LockingInvoiceBiller.class, () -> there.running(there.server(debits)));
                        })
                        .getDescription())
                .contains("there are 2 billers (one, two)");
    }

    /** What a host is told whose bean wants a biller, and cannot have one. */
    private static FailureAnalysis explained(
            Consumer<AnnotationConfigApplicationContext> beans, Class<?>... configurations) {
        try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext()) {
            beans.accept(context);
            context.register(WantingAny.class);
            Stream.of(configurations).forEach(context::register);
            return analyzed(catchThrowable(context::refresh), context);
        }
    }

    private static FailureAnalysis analyzed(Throwable failure, AnnotationConfigApplicationContext context) {
        return SpringFactoriesLoader.forDefaultResourceLocation(SpringBillersTest.class.getClassLoader())
                .load(
                        FailureAnalyzer.class,
                        SpringFactoriesLoader.ArgumentResolver.of(BeanFactory.class, context.getBeanFactory())
                                .and(Environment.class, context.getEnvironment()),
                        // Some of Spring's own are for what is not there.
                        (type, name, thrown) -> {})
                .stream()
                .map(analyzer -> analyzer.analyze(failure))
                .filter(Objects::nonNull)
                .findFirst()
                .orElseThrow(() -> new AssertionError("not analyzed", failure));
    }
}
