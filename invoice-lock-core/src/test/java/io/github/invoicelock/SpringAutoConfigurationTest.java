package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.micrometer.BillingMetrics;
import io.github.invoicelock.micrometer.JournalMetrics;
import io.github.invoicelock.spring.InvoiceLockAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockConsoleProperties;
import io.github.invoicelock.spring.InvoiceLockEndpointAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockHealthAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockMetricsAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockObservationAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockProperties;
import io.github.invoicelock.spring.InvoiceLockRecoverAutoConfiguration;
import io.github.invoicelock.spring.InvoiceLockWithdrawalsAutoConfiguration;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jooq.tools.json.JSONArray;
import org.jooq.tools.json.JSONObject;
import org.jooq.tools.json.JSONParser;
import org.jooq.tools.json.ParseException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.annotation.ImportCandidates;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.jdbc.autoconfigure.DataSourceInitializationAutoConfiguration;
import org.springframework.boot.micrometer.metrics.autoconfigure.MetricsAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.io.support.SpringFactoriesLoader;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.support.TransactionTemplate;

/** What a host on Spring Boot 4 gets; for Boot 3 see the module spring-boot-3 of the examples. */
class SpringAutoConfigurationTest {
    private final TestHost host = TestHost.withInvoices(3);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final ApplicationContextRunner withoutBeans = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(
                    InvoiceLockAutoConfiguration.class,
                    InvoiceLockObservationAutoConfiguration.class,
                    InvoiceLockWithdrawalsAutoConfiguration.class,
                    InvoiceLockEndpointAutoConfiguration.class,
                    InvoiceLockMetricsAutoConfiguration.class,
                    InvoiceLockHealthAutoConfiguration.class,
                    InvoiceLockRecoverAutoConfiguration.class));
    private final ApplicationContextRunner application = withoutBeans
            .withBean("dataSource", DataSource.class, host::dataSource, pool -> pool.setDestroyMethodName(""))
            .withBean(BillingGateway.class, () -> provider);

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void spring_boot_finds_it() {
        assertThat(ImportCandidates.load(AutoConfiguration.class, getClass().getClassLoader()))
                .contains(
                        InvoiceLockAutoConfiguration.class.getName(),
                        InvoiceLockMetricsAutoConfiguration.class.getName(),
                        InvoiceLockObservationAutoConfiguration.class.getName(),
                        InvoiceLockWithdrawalsAutoConfiguration.class.getName(),
                        InvoiceLockEndpointAutoConfiguration.class.getName(),
                        InvoiceLockHealthAutoConfiguration.class.getName(),
                        InvoiceLockRecoverAutoConfiguration.class.getName());
    }

    @Test
    void with_a_data_source_and_a_gateway_there_is_a_biller_with_a_journal_of_its_own() {
        application
                .withPropertyValues("invoice-lock.journal-schema=billing_journal")
                .run(context -> {
                    assertThat(context.getBean(LockingInvoiceBiller.class)
                                    .billPending()
                                    .billed())
                            .isEqualTo(3);
                    assertThat(host.count("billing_journal.billing_attempt", "state = 'BILLED'"))
                            .isEqualTo(3);
                });
    }

    @Test
    void without_a_data_source_or_a_gateway_or_if_switched_off_there_is_none() {
        withoutBeans
                .withBean(BillingGateway.class, () -> provider)
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(LockingInvoiceBiller.class));
        withoutBeans
                .withBean(DataSource.class, host::dataSource)
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(LockingInvoiceBiller.class));
        application
                .withPropertyValues("invoice-lock.enabled=false")
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(LockingInvoiceBiller.class));
    }

    @Test
    void a_biller_of_the_hosts_own_is_left_alone() {
        LockingInvoiceBiller own = host.running(host.server(provider).name("own"));
        application.withBean("own", LockingInvoiceBiller.class, () -> own).run(context -> {
            assertThat(context.getBean(LockingInvoiceBiller.class)).isSameAs(own);
            assertThat(health(context.getBean(HealthIndicator.class)).getDetails())
                    .containsEntry("biller", "own");
        });
    }

    @TestFactory
    Stream<DynamicTest> a_property_that_cannot_be_is_named() {
        return Stream.of(
                wrong("concurrency=0", "concurrency is 0"),
                wrong("max-calls-per-second=0", "maxCallsPerSecond is 0.0"),
                wrong("call-timeout=0s", "callTimeout is PT0S"),
                wrong("lease-margin=0s", "leaseMargin is PT0S"),
                wrong("wait-timeout=0s", "waitTimeout is PT0S"),
                wrong("stop-after-failures=0", "stopAfterFailures is 0"),
                wrong("recover-every=0s", "recoverEvery is PT0S"),
                wrong("environment=", "environment is \"\""),
                wrong("name=", "name is \"\""),
                wrong("journal-schema=", "schema is \"\""));
    }

    private DynamicTest wrong(String property, String message) {
        return DynamicTest.dynamicTest(
                property,
                () -> application
                        .withPropertyValues("invoice-lock." + property)
                        .run(context -> assertThat(context)
                                .getFailure()
                                .rootCause()
                                .isInstanceOf(SetupException.class)
                                .hasMessageContaining(message)));
    }

    @Test
    void without_migrate_the_journal_is_the_hosts() {
        application
                .withPropertyValues("invoice-lock.migrate=false", "invoice-lock.journal-schema=elsewhere")
                .run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .hasMessageContaining("The journal \"elsewhere\" is not there"));
    }

    @Test
    void the_lock_strategy_is_a_property() {
        host.holding(1);
        application.run(context -> assertThat(context.getBean(LockingInvoiceBiller.class)
                        .billPending()
                        .contended())
                .as("NOWAIT meets it")
                .isEqualTo(1));
        application
                .withPropertyValues("invoice-lock.lock-strategy=skip-locked")
                .run(context -> assertThat(context.getBean(LockingInvoiceBiller.class)
                                .billPending()
                                .contended())
                        .as("SKIP LOCKED never sees it")
                        .isZero());
    }

    @Test
    void the_lock_scope_is_a_property() {
        List<Integer> connectionsInUse = new CopyOnWriteArrayList<>();
        provider.answering((p, request) -> {
            connectionsInUse.add(host.dataSource().getHikariPoolMXBean().getActiveConnections());
            return p.charge(request);
        });
        application
                .withPropertyValues("invoice-lock.lock-scope=claim-only")
                .run(context -> context.getBean(LockingInvoiceBiller.class).bill(1));
        application.run(context -> context.getBean(LockingInvoiceBiller.class).bill(2));
        assertThat(connectionsInUse).containsExactly(0, 1);
    }

    @Test
    void the_row_lock_is_a_property() {
        Connection writerOfLines = host.connection();
        TestHost.execute(writerOfLines, "begin; select 1 from invoices where id = 1 for key share");
        application.run(context -> assertThat(
                        context.getBean(LockingInvoiceBiller.class).bill(1).contended())
                .isEqualTo(1));
        application
                .withPropertyValues("invoice-lock.row-lock=for-no-key-update")
                .run(context -> assertThat(context.getBean(LockingInvoiceBiller.class)
                                .bill(1)
                                .billed())
                        .isEqualTo(1));
    }

    @Test
    void the_name_and_what_is_kept_are_properties() {
        application
                .withPropertyValues("invoice-lock.name=mine", "invoice-lock.keep-snapshots=true")
                .run(context -> {
                    LockingInvoiceBiller biller = context.getBean(LockingInvoiceBiller.class);
                    biller.bill(1);
                    assertThat(biller.name()).isEqualTo("mine");
                    assertThat(biller.attempts(1).get(0).invoice()).contains("\"id\": 1");
                });
        application.withPropertyValues("invoice-lock.name=mine").run(context -> {
            LockingInvoiceBiller biller = context.getBean(LockingInvoiceBiller.class);
            biller.bill(2);
            assertThat(biller.attempts(2).get(0).invoice()).isNull();
        });
    }

    @Test
    void beans_that_describe_the_billing_are_taken() {
        host.sql("create table subscriptions (id bigint primary key, pending boolean not null)");
        host.sql("insert into subscriptions values (1, true), (2, true)");
        provider.answering((p, request) -> request.invoiceId().equals("1")
                ? p.charge(request)
                : BillingOutcome.declined("card_declined", "no money"));
        List<String> heard = new CopyOnWriteArrayList<>();
        application
                .withBean(InvoiceTable.class, () -> InvoiceTable.named("subscriptions"))
                .withBean(RetryPolicy.class, () -> attempt -> {
                    heard.add("policy " + attempt.invoiceId());
                    return java.util.Optional.empty();
                })
                .withBean(
                        BilledHook.class,
                        () -> (transaction, attempt, reference) -> heard.add("hook " + attempt.invoiceId()))
                .withBean("one", BillingListener.class, () -> claimsTo(heard, "one"))
                .withBean("two", BillingListener.class, () -> claimsTo(heard, "two"))
                .run(context -> context.getBean(LockingInvoiceBiller.class).billPending());
        assertThat(heard).containsExactlyInAnyOrder("one 1", "two 1", "hook 1", "one 2", "two 2", "policy 2");
    }

    private static BillingListener claimsTo(List<String> heard, String name) {
        return new BillingListener() {
            @Override
            public void claimed(BillingAttempt attempt) {
                heard.add(name + " " + attempt.invoiceId());
            }
        };
    }

    @Test
    void an_executor_is_never_taken_by_itself() {
        application
                .withBean(Executor.class, () -> task -> {
                    throw new IllegalStateException("not for calls");
                })
                .run(context -> assertThat(context.getBean(LockingInvoiceBiller.class)
                                .bill(1)
                                .billed())
                        .isEqualTo(1));
    }

    @Test
    void the_biller_is_closed_with_the_context() {
        List<LockingInvoiceBiller> billers = new ArrayList<>();
        application.run(context -> billers.add(context.getBean(LockingInvoiceBiller.class)));
        assertThatThrownBy(() -> billers.get(0).billPending()).hasMessageContaining("is closed");
    }

    @Test
    void r13_a_transaction_aware_data_source_is_unwrapped_so_that_the_journal_is_committed() {
        DataSource aware = new TransactionAwareDataSourceProxy(new TransactionAwareDataSourceProxy(host.dataSource()));
        withoutBeans
                .withBean(DataSource.class, () -> aware)
                .withBean(BillingGateway.class, () -> provider)
                .run(context -> {
                    TransactionTemplate transaction =
                            new TransactionTemplate(new DataSourceTransactionManager(host.dataSource()));
                    transaction.executeWithoutResult(status -> {
                        assertThat(context.getBean(LockingInvoiceBiller.class)
                                        .bill(1)
                                        .billed())
                                .isEqualTo(1);
                        status.setRollbackOnly();
                    });
                });
        assertThat(host.state(1)).as("not rolled back with the host's").isEqualTo("BILLED");
    }

    @Test
    void the_hosts_own_tables_are_made_first() {
        application
                .withConfiguration(AutoConfigurations.of(DataSourceInitializationAutoConfiguration.class))
                .withPropertyValues(
                        "spring.sql.init.mode=always", "spring.sql.init.schema-locations=classpath:db/host/schema.sql")
                .withBean(InvoiceTable.class, () -> InvoiceTable.named("subscriptions"))
                .run(context -> assertThat(context.getBean(LockingInvoiceBiller.class)
                                .billPending()
                                .billed())
                        .isEqualTo(2));
    }

    @Test
    void metrics_are_bound_where_there_is_a_registry() {
        application
                .withConfiguration(AutoConfigurations.of(MetricsAutoConfiguration.class))
                .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
                .withPropertyValues("invoice-lock.name=mine")
                .run(context -> {
                    context.getBean(LockingInvoiceBiller.class).billPending();
                    MeterRegistry registry = context.getBean(MeterRegistry.class);
                    assertThat(registry.get("invoice.lock.outcomes")
                                    .tags("biller", "mine", "outcome", "billed")
                                    .counter()
                                    .count())
                            .isEqualTo(3);
                    assertThat(registry.get("invoice.lock.journal.parked")
                                    .tag("biller", "mine")
                                    .gauge()
                                    .value())
                            .isZero();
                });
    }

    @Test
    void a_biller_of_the_hosts_own_shows_its_journal_and_no_counters_that_would_stay_zero() {
        LockingInvoiceBiller own = host.running(host.server(provider).name("own"));
        application
                .withConfiguration(AutoConfigurations.of(MetricsAutoConfiguration.class))
                .withBean(MeterRegistry.class, SimpleMeterRegistry::new)
                .withBean("own", LockingInvoiceBiller.class, () -> own)
                .run(context ->
                        assertThat(context).hasSingleBean(JournalMetrics.class).doesNotHaveBean(BillingMetrics.class));
    }

    @Test
    void without_a_registry_or_without_micrometer_there_are_no_metrics() {
        application.run(context -> assertThat(context)
                .hasSingleBean(LockingInvoiceBiller.class)
                .doesNotHaveBean(BillingMetrics.class)
                .doesNotHaveBean(JournalMetrics.class));
        application
                .withClassLoader(new FilteredClassLoader("io.micrometer"))
                .run(context -> assertThat(context).hasNotFailed().hasSingleBean(LockingInvoiceBiller.class));
    }

    @Test
    void health_shows_what_is_parked_and_is_down_only_if_the_journal_cannot_be_read() {
        provider.answering(BillingOutcome.declined("card_declined", "no money"));
        application.run(context -> {
            HealthIndicator indicator = context.getBean("invoiceLockHealthIndicator", HealthIndicator.class);
            context.getBean(LockingInvoiceBiller.class).bill(1);
            Health health = health(indicator);
            assertThat(health.getStatus()).isEqualTo(Status.UP);
            assertThat(health.getDetails())
                    .containsEntry("biller", "invoices")
                    .containsEntry("inFlight", 0)
                    .containsEntry("due", 0)
                    .containsEntry("parked", 1)
                    .containsKey("oldestParked")
                    .doesNotContainKey("oldestDue");

            host.sql("alter table invoice_lock.billing_attempt rename to gone");
            assertThat(health(indicator).getStatus()).isEqualTo(Status.DOWN);
            assertThat(health(indicator).getDetails()).containsKey("error");
        });
    }

    @Test
    void health_of_boot_3_shows_the_same() {
        application
                .withClassLoader(new FilteredClassLoader("org.springframework.boot.health"))
                .run(context -> {
                    var indicator = context.getBean(
                            "invoiceLockHealthIndicator",
                            org.springframework.boot.actuate.health.HealthIndicator.class);
                    assertThat(indicator.health().getStatus().getCode()).isEqualTo("UP");
                    assertThat(indicator.health().getDetails()).containsEntry("parked", 0);
                    host.sql("alter table invoice_lock.billing_attempt rename to gone");
                    assertThat(indicator.health().getStatus().getCode()).isEqualTo("DOWN");
                });
    }

    @Test
    void health_of_a_paused_biller_is_up_and_says_who_paused_it_and_why() {
        application.run(context -> {
            context.getBean(LockingInvoiceBiller.class).pause("ann", "wrong amounts");
            Health health = health(context.getBean(HealthIndicator.class));
            assertThat(health.getStatus()).isEqualTo(Status.UP);
            assertThat(String.valueOf(health.getDetails().get("paused")))
                    .startsWith("by ann since 20")
                    .endsWith(": wrong amounts");
            assertThat(health.getDetails()).containsEntry("pending", 3);
        });
    }

    @Test
    void health_says_where_nobody_continues_what_is_due() {
        provider.answering(BillingOutcome.notBilled("429"));
        application.run(context -> {
            context.getBean(LockingInvoiceBiller.class).bill(1);
            assertThat(health(context.getBean(HealthIndicator.class)).getDetails())
                    .doesNotContainKey("attention");
            host.letTimePass(1, Duration.ofHours(1));

            Health health = health(context.getBean(HealthIndicator.class));
            assertThat(health.getStatus()).isEqualTo(Status.UP);
            assertThat(health.getDetails())
                    .containsEntry(
                            "attention",
                            "Attempts have been due for ten minutes, and no server has run. Call recover() every minute.");
        });
    }

    @Test
    void recover_is_called_again_and_again_whatever_it_throws_where_that_is_said_and_never_else() {
        provider.answering(BillingOutcome.notBilled("429"));
        application.run(context -> {
            assertThat(context).doesNotHaveBean(SmartLifecycle.class);
            context.getBean(LockingInvoiceBiller.class).bill(1);
        });
        provider.answering(TestProvider::charge);
        host.letTimePass(1, Duration.ofHours(1));

        application.withPropertyValues("invoice-lock.recover-every=20ms").run(context -> {
            host.sql("alter table invoice_lock.billing_attempt rename to away");
            await().until(() ->
                    host.count("pg_stat_database", "datname = current_database() and xact_rollback > 3") == 1);
            host.sql("alter table invoice_lock.away rename to billing_attempt");

            await().atMost(Duration.ofMinutes(1)).until(() -> "BILLED".equals(host.state(1)));
            assertThat(host.pending(2))
                    .as("billPending() is the host's to call")
                    .isTrue();
        });
    }

    @Test
    void an_environment_is_kept_and_asked_for() {
        application
                .withPropertyValues("invoice-lock.environment=production")
                .run(context -> assertThat(context).hasSingleBean(LockingInvoiceBiller.class));

        application.run(context -> assertThat(context)
                .getFailure()
                .rootCause()
                .hasMessageStartingWith(
                        "environment is not set, but the journal \"invoice_lock\" is of \"production\""));
    }

    @Test
    void health_can_be_switched_off() {
        application
                .withPropertyValues("management.health.invoice-lock.enabled=false")
                .run(context -> assertThat(context).doesNotHaveBean(HealthIndicator.class));
        application
                .withClassLoader(new FilteredClassLoader(
                        "org.springframework.boot.health", "org.springframework.boot.actuate.health"))
                .run(context -> assertThat(context)
                        .hasNotFailed()
                        .hasSingleBean(LockingInvoiceBiller.class)
                        .doesNotHaveBean("invoiceLockHealthIndicator"));
    }

    @Test
    void a_wrong_set_up_is_explained_without_a_stack_trace() {
        application.withPropertyValues("invoice-lock.concurrency=-1").run(context -> {
            FailureAnalysis analysis = SpringFactoriesLoader.forDefaultResourceLocation(
                            getClass().getClassLoader())
                    // Spring's own need a context that has started.
                    .load(FailureAnalyzer.class, (type, name, failure) -> {})
                    .stream()
                    .map(analyzer -> analyzer.analyze(Objects.requireNonNull(context.getStartupFailure())))
                    .filter(Objects::nonNull)
                    .filter(each -> each.getDescription().startsWith("invoice-lock: "))
                    .findFirst()
                    .orElseThrow();
            assertThat(analysis.getDescription()).contains("concurrency is -1; it must be positive");
            assertThat(analysis.getAction())
                    .contains("Correct the property invoice-lock.concurrency.")
                    .contains("invoice-lock.enabled=false");
        });
    }

    @Test
    void a_duration_without_a_unit_is_seconds() {
        application
                .withPropertyValues(
                        "invoice-lock.call-timeout=10", "invoice-lock.lease-margin=3", "invoice-lock.wait-timeout=7ms")
                .run(context -> assertThat(context.getBean(InvoiceLockProperties.class))
                        .extracting(
                                InvoiceLockProperties::callTimeout,
                                InvoiceLockProperties::leaseMargin,
                                InvoiceLockProperties::waitTimeout)
                        .containsExactly(Duration.ofSeconds(10), Duration.ofSeconds(3), Duration.ofMillis(7)));
    }

    @Test
    void the_metadata_names_every_property_and_no_other() throws IOException, ParseException {
        List<String> named = new ArrayList<>();
        try (Reader metadata = new InputStreamReader(
                Objects.requireNonNull(InvoiceLockProperties.class.getResourceAsStream(
                        "/META-INF/spring-configuration-metadata.json")),
                StandardCharsets.UTF_8)) {
            JSONObject all = (JSONObject) new JSONParser().parse(metadata);
            for (Object property : (JSONArray) Objects.requireNonNull(all.get("properties"))) {
                String name = String.valueOf(((JSONObject) property).get("name"));
                if (name.contains("invoice-lock")) {
                    named.add(name);
                }
            }
        }
        List<String> expected = new ArrayList<>(List.of("management.health.invoice-lock.enabled"));
        expected.addAll(properties("invoice-lock.", InvoiceLockProperties.class));
        expected.addAll(properties("invoice-lock.console.", InvoiceLockConsoleProperties.class));
        assertThat(named).containsExactlyInAnyOrderElementsOf(expected);
    }

    private static List<String> properties(String prefix, Class<?> record) {
        return Arrays.stream(record.getRecordComponents())
                .map(component -> prefix
                        + component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT))
                .toList();
    }

    private static Health health(HealthIndicator indicator) {
        return Objects.requireNonNull(indicator.health());
    }
}
