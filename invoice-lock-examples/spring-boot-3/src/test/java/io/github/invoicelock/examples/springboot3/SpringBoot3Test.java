package io.github.invoicelock.examples.springboot3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.spring.InvoiceWithdrawals;
import io.micrometer.core.instrument.MeterRegistry;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import javax.management.JMException;
import javax.management.MBeanOperationInfo;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.boot.SpringBootVersion;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** The whole application on Spring Boot 3.5, with the host's own Flyway, Actuator and a real PostgreSQL. */
class SpringBoot3Test {
    private final PostgresDatabase database = PostgresServer.shared().createDatabase();

    @AfterEach
    void close() {
        database.close();
    }

    @Test
    void the_host_bills_measures_and_shows_its_health() {
        assertThat(SpringBootVersion.getVersion()).startsWith("3.5.");
        LockingInvoiceBiller biller;
        try (ConfigurableApplicationContext context = start()) {
            biller = context.getBean(LockingInvoiceBiller.class);
            assertThat(biller.billPending().billed()).isEqualTo(5);

            assertThat(context.getBean(MeterRegistry.class)
                            .get("invoice.lock.outcomes")
                            .tag("outcome", "billed")
                            .counter()
                            .count())
                    .isEqualTo(5);
            HealthIndicator health = context.getBean("invoiceLockHealthIndicator", HealthIndicator.class);
            assertThat(health.health().getStatus().getCode()).isEqualTo("UP");
            assertThat(health.health().getDetails()).containsEntry("parked", 0);
        }
        assertThatThrownBy(biller::billPending).hasMessageContaining("is closed");
    }

    @Test
    void properties_are_bound_and_a_wrong_one_stops_the_start() {
        assertThatThrownBy(() -> start("--invoice-lock.concurrency=0"))
                .rootCause()
                .hasMessageContaining("concurrency is 0");
    }

    @Test
    void the_endpoint_tells_over_jmx_how_things_stand_and_takes_no_decision() throws Exception {
        try (ConfigurableApplicationContext context = start(EXPOSED)) {
            context.getBean(LockingInvoiceBiller.class).billPending();

            assertThat(operations())
                    .contains("billers", "biller", "list", "invoice")
                    .doesNotContain("say", "decide");
            assertThat(String.valueOf(told("biller", "invoices"))).contains("parked=0");
            assertThat(String.valueOf(told("invoice", "invoices", "invoices", "1")))
                    .contains("BILLED");
        }
    }

    @Test
    void decisions_are_taken_over_jmx_once_the_access_says_so() throws Exception {
        try (ConfigurableApplicationContext context =
                start(EXPOSED[0], EXPOSED[1], "--management.endpoint.invoicelock.access=unrestricted")) {
            told("say", null, "invoices", "pause", "ann", "wrong amounts");

            assertThat(context.getBean(LockingInvoiceBiller.class).billPending().billed())
                    .isZero();
            assertThat(String.valueOf(told("biller", "invoices"))).contains("by ann since");
        }
    }

    private static final String[] EXPOSED = {
        "--spring.jmx.enabled=true", "--management.endpoints.jmx.exposure.include=invoicelock"
    };

    private static ObjectName endpoint() throws MalformedObjectNameException {
        return new ObjectName("org.springframework.boot:type=Endpoint,name=Invoicelock");
    }

    private static List<String> operations() throws JMException {
        return Stream.of(ManagementFactory.getPlatformMBeanServer()
                        .getMBeanInfo(endpoint())
                        .getOperations())
                .map(MBeanOperationInfo::getName)
                .toList();
    }

    private static Object told(String operation, @Nullable Object... parameters) throws JMException {
        String[] types = new String[parameters.length];
        Arrays.fill(types, String.class.getName());
        return ManagementFactory.getPlatformMBeanServer().invoke(endpoint(), operation, parameters, types);
    }

    @Test
    void a_gateway_is_traced_withdrawals_are_there_and_two_billers_can_be() {
        try (ConfigurableApplicationContext context =
                start("--invoice-lock.billers.one.invoices=everything", "--spring.profiles.active=table")) {
            assertThat(context.getBean("oneBiller", LockingInvoiceBiller.class)
                            .billPending()
                            .billed())
                    .isEqualTo(5);
            assertThat(context.getBean("oneInvoiceWithdrawals", InvoiceWithdrawals.class)
                            .getClass())
                    .isEqualTo(InvoiceWithdrawals.class);
            assertThat(context.getBean(MeterRegistry.class)
                            .get("invoice.lock.gateway")
                            .tag("outcome", "billed")
                            .timer()
                            .count())
                    .as("the observation of each call, as a metric")
                    .isEqualTo(5);
        }
    }

    private ConfigurableApplicationContext start(String... more) {
        List<String> arguments = new ArrayList<>(List.of(
                "--spring.main.web-application-type=none",
                "--spring.main.banner-mode=off",
                "--logging.level.root=off",
                "--spring.datasource.url=" + database.jdbcUrl()));
        arguments.addAll(List.of(more));
        return new SpringApplicationBuilder(SmallHost.class).run(arguments.toArray(String[]::new));
    }
}
