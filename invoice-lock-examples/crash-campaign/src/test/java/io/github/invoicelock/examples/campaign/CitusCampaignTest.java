package io.github.invoicelock.examples.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.examples.postgres.CitusCluster;
import io.github.invoicelock.examples.process.JavaProcess;
import io.github.invoicelock.examples.schemas.HostSchema;
import java.io.IOException;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * The crash campaign on Citus: hosts are killed at random, a worker once. The seed is printed with each, and taken back by
 * {@code -Dcampaign.seed}; {@code -Dinvoicelock.citusKillWorker="…"} is a shell command that kills a worker and starts it again.
 */
class CitusCampaignTest {
    private static final String KILL_WORKER = "invoicelock.citusKillWorker";
    private static final int INVOICES = Integer.getInteger("invoicelock.citusInvoices", 10_000);
    private static final int HOSTS = 3;
    private static final int MOST_HOST_KILLS = 60;
    /** Citus finishes the transactions that a lost worker had prepared once a minute. */
    private static final Duration LONGEST = Duration.ofMinutes(15);

    private final long seed = Long.getLong("campaign.seed", new Random().nextInt(1_000_000));
    private final Random random = new Random(seed);
    private final List<JavaProcess> processes = new ArrayList<>();
    private final String invoices = "simple_" + Long.toString(System.currentTimeMillis(), Character.MAX_RADIX);
    private final HostSchema schema = HostSchema.named(invoices);
    private String jdbcUrl = "";
    private URI provider = URI.create("http://127.0.0.1");

    @BeforeAll
    static void leaveOutWithoutACluster() {
        assumeTrue(CitusCluster.jdbcUrl().isPresent(), () -> CitusCluster.leftOut(CitusCampaignTest.class));
    }

    @BeforeEach
    void open() throws IOException, SQLException {
        jdbcUrl = CitusCluster.jdbcUrl().orElseThrow();
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl);
        InvoiceLockSchema.migrate(dataSource);
        InvoiceLockSchema.distribute(dataSource);
        execute(schema.ddl());
        execute("select create_distributed_table('" + invoices + "', 'id')");
        execute(schema.supply(1, INVOICES));
        JavaProcess process = JavaProcess.start(Provider.class, String.valueOf(seed), "true", "true");
        processes.add(process);
        provider = URI.create("http://127.0.0.1:" + process.awaitLine("READY"));
    }

    @AfterEach
    void close() throws SQLException {
        processes.forEach(JavaProcess::kill);
        if (!jdbcUrl.isEmpty()) {
            execute("drop table if exists " + invoices);
            execute("delete from invoice_lock.billing_attempt where biller = '" + invoices + "'");
            execute("delete from invoice_lock.biller where name = '" + invoices + "'");
        }
    }

    @ParameterizedTest
    @EnumSource(LockScope.class)
    void hosts_and_a_worker_are_killed_and_nothing_is_charged_twice_or_lost(LockScope scope) throws Exception {
        String killWorker = System.getProperty(KILL_WORKER, "");
        System.out.printf(
                "Citus, NOWAIT, %s, %d invoices, seed %d, %s%n",
                scope,
                INVOICES,
                seed,
                killWorker.isBlank() ? "no worker is killed: -D" + KILL_WORKER + " is not set" : killWorker);
        long start = System.nanoTime();
        List<JavaProcess> hosts = new ArrayList<>();
        for (int i = 0; i < HOSTS; i++) {
            hosts.add(host(scope));
        }

        int kills = 0;
        boolean workerKilled = killWorker.isBlank();
        while (kills < MOST_HOST_KILLS && (billed() < INVOICES * 9 / 10 || !workerKilled)) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500 + random.nextInt(2_000)));
            if (!workerKilled && billed() > INVOICES / 3) {
                workerKilled = true;
                run(killWorker);
            }
            int victim = random.nextInt(HOSTS);
            hosts.get(victim).kill();
            hosts.set(victim, host(scope));
            kills++;
        }
        long billedBy = System.nanoTime();
        await().atMost(LONGEST).pollInterval(Duration.ofMillis(500)).until(this::finished);

        Verdict verdict = Verdict.of(jdbcUrl, schema, Ledger.of(provider));
        System.out.printf(
                "  kills of hosts %d, of a worker %d; %s (%d s, the rest %d s)%n",
                kills,
                killWorker.isBlank() ? 0 : 1,
                verdict,
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - billedBy));
        assertThat(verdict.chargedTwice()).as("charged twice").isEmpty();
        assertThat(verdict.notRecorded()).as("charged and not recorded").isEmpty();
        assertThat(verdict.notCharged()).as("recorded and not charged").isEmpty();
        assertThat(verdict.lost()).as("neither billed, due nor parked").isEmpty();
        assertThat(verdict.billed() + verdict.parked()).isEqualTo(INVOICES);
        assertThat(kills).as("hosts killed while they billed").isPositive();
    }

    private JavaProcess host(LockScope scope) throws IOException {
        JavaProcess host = new Host.Job(
                        jdbcUrl,
                        provider,
                        // A run lasts longer than the provider's memory: what is in doubt until its end is asked for.
                        ProviderKind.BOTH,
                        LockStrategy.NOWAIT,
                        scope,
                        schema,
                        Gateway.CALL_TIMEOUT)
                .start();
        processes.add(host);
        host.tellGo();
        return host;
    }

    private int billed() throws SQLException {
        return answer("select count(*) from " + invoices + " where not pending").orElse(0);
    }

    /** Every invoice is marked as billed or parked, and nothing is due. */
    private boolean finished() throws SQLException {
        OptionalInt due = answer("select count(*) from invoice_lock.billing_attempt where biller = '" + invoices
                + "' and due_at is not null");
        OptionalInt pending = answer("select count(*) from " + invoices + " where pending");
        OptionalInt parked =
                answer("select count(*) from invoice_lock.needs_attention where biller = '" + invoices + "'");
        return due.equals(OptionalInt.of(0)) && pending.isPresent() && pending.equals(parked);
    }

    /** Empty while a worker is away. */
    private OptionalInt answer(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return OptionalInt.of(row.getInt(1));
        } catch (SQLException e) {
            if (e.getSQLState() != null && e.getSQLState().startsWith("42")) {
                throw e;
            }
            return OptionalInt.empty();
        }
    }

    private static void run(String command) throws IOException, InterruptedException {
        int exit = new ProcessBuilder("sh", "-c", command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        assertThat(exit).as(command).isZero();
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
