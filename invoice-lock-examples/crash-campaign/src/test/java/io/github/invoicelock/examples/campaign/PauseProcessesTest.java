package io.github.invoicelock.examples.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
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
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Four host processes bill ten thousand invoices; a person stops them in the middle, once by Java and once by SQL. The provider is the judge. */
@Tag("thorough")
class PauseProcessesTest {
    private static final HostSchema SCHEMA = HostSchema.named("simple");
    private static final int INVOICES = 10_000;
    private static final int HOSTS = 4;
    /** Of the hosts; their leases' margin is a second. */
    private static final Duration ONE_CALL = Duration.ofSeconds(5);

    private final PostgresDatabase database = PostgresServer.shared().createDatabase();
    private final HttpClient client = HttpClient.newHttpClient();
    private final List<JavaProcess> processes = new ArrayList<>();
    private URI provider = URI.create("http://127.0.0.1");

    @BeforeEach
    void open() throws IOException, SQLException {
        InvoiceLockSchema.migrate(database.dataSource());
        sql(SCHEMA.ddl());
        sql(SCHEMA.supply(1, INVOICES));
        JavaProcess process = JavaProcess.start(Provider.class, "1", "true", "false");
        processes.add(process);
        provider = URI.create("http://127.0.0.1:" + process.awaitLine("READY"));
    }

    @AfterEach
    void close() {
        processes.forEach(JavaProcess::kill);
        database.close();
    }

    /** What the provider has heard. */
    private record Heard(int requests, long lastAt) {}

    @ParameterizedTest
    @EnumSource(LockScope.class)
    void no_request_comes_later_than_one_call_after_a_pause_and_all_are_charged_once_after_it(LockScope scope)
            throws Exception {
        Host.Job job = new Host.Job(
                database.jdbcUrl(),
                provider,
                ProviderKind.REMEMBERS,
                LockStrategy.SKIP_LOCKED,
                scope,
                SCHEMA,
                ONE_CALL);
        List<JavaProcess> hosts = new ArrayList<>();
        for (int i = 0; i < HOSTS; i++) {
            JavaProcess host = job.start();
            processes.add(host);
            hosts.add(host);
        }
        hosts.forEach(host -> assertThat(host.awaitLine("READY")).isEmpty());
        for (JavaProcess host : hosts) {
            host.tellGo();
        }

        try (HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl(database.jdbcUrl());
            try (LockingInvoiceBiller operators = job.biller(pool)) {
                awaitRequests(INVOICES / 5);
                operators.pause("ann", "wrong amounts");
                int heard = nothingComesAnyMore(hosts);
                operators.resume("ann");

                awaitRequests(heard + INVOICES / 5);
                sql("select invoice_lock.pause('" + SCHEMA.biller() + "', 'bob', 'wrong amounts again')");
                nothingComesAnyMore(hosts);
                sql("select invoice_lock.resume('" + SCHEMA.biller() + "', 'bob')");
            }
        }

        await().atMost(Duration.ofMinutes(2))
                .until(() -> one("select count(*) from simple where pending").equals("0"));
        Verdict verdict = Verdict.of(database.jdbcUrl(), SCHEMA, Ledger.of(provider));
        assertThat(verdict.chargedTwice()).isEmpty();
        assertThat(verdict.billed()).isEqualTo(INVOICES);
        assertThat(get("/overlaps")).isEqualTo("0");
    }

    /** From the moment that the pause returned: the provider's own clock, which is this machine's, tells. */
    private int nothingComesAnyMore(List<JavaProcess> hosts) throws Exception {
        long returned = System.currentTimeMillis();
        for (JavaProcess host : hosts) {
            awaitPaused(host);
        }
        Heard afterAllRuns = heard();
        for (JavaProcess host : hosts) {
            awaitPaused(host);
            awaitPaused(host);
        }
        Heard later = heard();
        assertThat(later.lastAt() - returned).as("milliseconds after the pause").isLessThan(ONE_CALL.toMillis());
        assertThat(later).as("after each run had ended").isEqualTo(afterAllRuns);
        assertThat(later.requests()).isLessThan(INVOICES);
        assertThat(one("select count(*) from invoice_lock.billing_attempt where state = 'STARTED'"))
                .as("in flight")
                .isEqualTo("0");
        return later.requests();
    }

    /** Runs go on, and end at once. */
    private static void awaitPaused(JavaProcess host) {
        String run = host.awaitLine("RUN");
        while (!run.contains("stopped=PAUSED")) {
            assertThat(run).as("the host ended").isNotEmpty();
            run = host.awaitLine("RUN");
        }
    }

    private void awaitRequests(int count) {
        await().atMost(Duration.ofMinutes(1)).until(() -> heard().requests() >= count);
    }

    private Heard heard() throws IOException, InterruptedException {
        String[] said = get("/received").split(" ", -1);
        return new Heard(Integer.parseInt(said[0]), Long.parseLong(said[1]));
    }

    private void sql(String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
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

    private String get(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(provider.resolve(path)).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
