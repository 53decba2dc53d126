package io.github.invoicelock.examples.springboot3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
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
