package io.github.invoicelock.examples.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.examples.process.JavaProcess;
import io.github.invoicelock.examples.schemas.HostSchema;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Host processes, a provider process and PostgreSQL: healthy ones that meet, one that dies, and one that is told to end. */
@Tag("thorough")
class HostProcessesTest {
    private static final HostSchema SCHEMA = HostSchema.named("simple");
    private static final Pattern BILLED = Pattern.compile("\\bbilled=(\\d+)");

    private final PostgresDatabase database = PostgresServer.shared().createDatabase();
    private final HttpClient client = HttpClient.newHttpClient();
    private final List<JavaProcess> processes = new ArrayList<>();
    private URI provider = URI.create("http://127.0.0.1");

    @BeforeEach
    void open() throws IOException {
        InvoiceLockSchema.migrate(database.dataSource());
        JavaProcess process = JavaProcess.start(Provider.class, "1", "true", "false");
        processes.add(process);
        provider = URI.create("http://127.0.0.1:" + process.awaitLine("READY"));
    }

    @AfterEach
    void close() {
        processes.forEach(JavaProcess::kill);
        database.close();
    }

    @ParameterizedTest
    @CsvSource({
        "2, NOWAIT",
        "2, SKIP_LOCKED",
        "2, WAIT",
        "4, NOWAIT",
        "4, SKIP_LOCKED",
        "4, WAIT",
        "8, NOWAIT",
        "8, SKIP_LOCKED",
        "8, WAIT"
    })
    void hosts_on_one_table_never_call_for_an_invoice_at_once_nor_twice_and_their_counts_add_up(
            int count, LockStrategy strategy) throws Exception {
        int invoices = 600;
        invoices(invoices);
        List<JavaProcess> hosts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            hosts.add(host(strategy, LockScope.THROUGH_CALL, 10));
        }
        hosts.forEach(host -> assertThat(host.awaitLine("READY")).isEmpty());

        for (JavaProcess host : hosts) {
            host.tellGo();
        }

        int billed = 0;
        for (JavaProcess host : hosts) {
            billed += billedUntilNothingIsLeft(host);
        }
        assertThat(billed).as("billed by all runs of all hosts").isEqualTo(invoices);
        assertThat(get("/overlaps")).as("calls for one invoice at once").isEqualTo("0");
        Verdict verdict = verdict();
        assertThat(verdict.chargedTwice()).isEmpty();
        assertThat(verdict.billed()).isEqualTo(invoices);
        assertThat(one("select count(*) from simple where pending")).isEqualTo("0");
    }

    @ParameterizedTest
    @EnumSource(LockScope.class)
    void invoices_of_a_host_that_is_killed_in_its_calls_are_billed_by_another(LockScope scope) throws Exception {
        // Through the call within 15 s, whatever the lease of 21 s; else when the lease of 6 s is over.
        int callTimeout = scope == LockScope.THROUGH_CALL ? 20 : 5;
        Duration bound = scope == LockScope.THROUGH_CALL ? Duration.ofSeconds(15) : Duration.ofSeconds(6 + 15);
        invoices(4);
        get("/hold");
        JavaProcess dying = host(LockStrategy.NOWAIT, scope, callTimeout);
        dying.tellGo();
        await().atMost(Duration.ofSeconds(60)).until(() -> ledger().size() == 4);
        JavaProcess other = host(LockStrategy.NOWAIT, scope, callTimeout);
        other.awaitLine("READY");

        dying.kill();
        get("/release");
        other.tellGo();

        await().atMost(bound)
                .until(() ->
                        one("select count(*) from simple where not pending").equals("4"));
        assertThat(verdict().chargedTwice()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(LockScope.class)
    void a_host_that_is_told_to_end_finishes_its_calls_and_leaves_nothing_half_done(LockScope scope) throws Exception {
        invoices(200);
        get("/hold");
        JavaProcess host = host(LockStrategy.SKIP_LOCKED, scope, 20);
        host.tellGo();
        await().atMost(Duration.ofSeconds(60)).until(() -> ledger().size() == 4);

        new ProcessBuilder("sh", "-c", "kill -TERM " + host.pid()).start().waitFor();
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            get("/release");
            return !host.alive();
        });

        assertThat(one("select count(*) from invoice_lock.billing_attempt where state in ('STARTED', 'IN_DOUBT')"))
                .isEqualTo("0");
        Verdict verdict = verdict();
        assertThat(verdict.billed()).isEqualTo(ledger().size()).isGreaterThanOrEqualTo(4);
        assertThat(verdict.asPromised()).as(verdict.toString()).isTrue();
    }

    private JavaProcess host(LockStrategy strategy, LockScope scope, int callTimeoutSeconds) throws IOException {
        JavaProcess host = new Host.Job(
                        database.jdbcUrl(),
                        provider,
                        ProviderKind.REMEMBERS,
                        strategy,
                        scope,
                        SCHEMA,
                        Duration.ofSeconds(callTimeoutSeconds))
                .start();
        processes.add(host);
        return host;
    }

    /** Runs go on; one that had nothing to do tells that the day's work is done. */
    private static int billedUntilNothingIsLeft(JavaProcess host) {
        int billed = 0;
        while (true) {
            String run = host.awaitLine("RUN");
            assertThat(run).as("the host ended").isNotEmpty();
            Matcher count = BILLED.matcher(run);
            assertThat(count.find()).as(run).isTrue();
            billed += Integer.parseInt(count.group(1));
            if (count.group(1).equals("0") && run.contains("contended=0")) {
                return billed;
            }
        }
    }

    private void invoices(int count) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(SCHEMA.ddl());
            statement.execute(SCHEMA.supply(1, count));
        }
    }

    private String one(String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }

    private Verdict verdict() throws IOException, InterruptedException, SQLException {
        return Verdict.of(database.jdbcUrl(), SCHEMA, Ledger.of(provider));
    }

    private Map<String, String> ledger() throws IOException, InterruptedException {
        return Ledger.of(provider).charges();
    }

    private String get(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(provider.resolve(path)).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
