package io.github.invoicelock.examples.campaign;

import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.examples.postgres.PostgresProcess;
import io.github.invoicelock.examples.process.JavaProcess;
import io.github.invoicelock.examples.schemas.HostSchema;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Many invoices, two hosts of 64 megabytes with 1,000 calls at once each, {@code CLAIM_ONLY} and {@code SKIP_LOCKED}; a host is killed with
 * SIGKILL and replaced again and again while they bill; the provider's ledger judges.
 */
final class BulkCampaign {
    static final HostSchema SCHEMA = HostSchema.named("simple_bulk");

    private static final int HOSTS = 2;
    private static final String HOST_NAME = "invoice-lock-bulk-";
    private static final Duration LONGEST = Duration.ofMinutes(30);
    private static final Duration LOOK = Duration.ofMillis(20);

    private final String jdbcUrl;
    private final BulkProvider provider;
    private final List<JavaProcess> hosts = new ArrayList<>();
    private int started;
    private int mostConnections;
    private int endedByThemselves;
    private int leftUnsettled;

    /**
     * What was seen.
     *
     * @param verdict the ledger's
     * @param kills of hosts
     * @param leftUnsettled charges that a killed host had not journaled
     * @param repeated requests that came again under a key that had been charged
     * @param mostConnections that one host had in use at once
     * @param endedByThemselves hosts that nobody killed: for lack of memory, say
     * @param seconds from the first host's start until nothing was pending or due
     */
    record Outcome(
            Verdict verdict,
            int kills,
            int leftUnsettled,
            int repeated,
            int mostConnections,
            int endedByThemselves,
            long seconds) {
        boolean asPromised(int invoices) {
            return verdict.asPromised()
                    && verdict.billed() == invoices
                    && mostConnections <= 4
                    && endedByThemselves == 0;
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%s; hosts killed %d, ended by themselves %d; most connections of a host in use %d; charged and not journaled by whoever was killed %d, repeated under their key %d; %d s",
                    verdict,
                    kills,
                    endedByThemselves,
                    mostConnections,
                    leftUnsettled,
                    repeated,
                    seconds);
        }
    }

    private BulkCampaign(String jdbcUrl, BulkProvider provider) {
        this.jdbcUrl = jdbcUrl;
        this.provider = provider;
    }

    /** Runs on a server of its own, prints what was seen, and says whether it is as promised. */
    static boolean main(int invoices, int kills) throws IOException, SQLException {
        System.out.printf(
                Locale.ROOT, "%,d invoices, CLAIM_ONLY, SKIP_LOCKED, %d hosts with -Xmx64m%n", invoices, HOSTS);
        try (PostgresProcess postgres =
                PostgresProcess.embedded(Map.of("max_wal_size", "4GB", "shared_buffers", "512MB"))) {
            Outcome outcome = run(postgres.jdbcUrl("postgres"), invoices, kills);
            boolean asPromised = outcome.asPromised(invoices);
            System.out.printf("  %s %s%n", asPromised ? "as promised:" : "NOT AS PROMISED:", outcome);
            return asPromised;
        }
    }

    /**
     * Runs.
     *
     * @param jdbcUrl an empty database
     * @param invoices how many
     * @param kills spread evenly over the charges
     * @return what was seen
     */
    static Outcome run(String jdbcUrl, int invoices, int kills) throws IOException, SQLException {
        try (BulkProvider provider = new BulkProvider();
                Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute(SCHEMA.ddl());
            statement.execute(SCHEMA.supply(1, invoices));
            PGSimpleDataSource dataSource = new PGSimpleDataSource();
            dataSource.setUrl(jdbcUrl);
            InvoiceLockSchema.migrate(dataSource);
            BulkCampaign campaign = new BulkCampaign(jdbcUrl, provider);
            try {
                return campaign.run(statement, invoices, kills);
            } finally {
                campaign.hosts.forEach(JavaProcess::kill);
            }
        }
    }

    private Outcome run(Statement statement, int invoices, int kills) throws IOException, SQLException {
        long start = System.nanoTime();
        for (int i = 0; i < HOSTS; i++) {
            hosts.add(startHost());
        }
        int killed = 0;
        while (System.nanoTime() - start < LONGEST.toNanos()) {
            look(statement);
            // By what is charged and not by the clock: each kill meets hosts at work, however fast the machine is.
            if (killed < kills && provider.charges() >= (long) invoices * (killed + 1) / (kills + 1)) {
                replace(killed % HOSTS, statement);
                killed++;
            }
            if (provider.charges() >= invoices && finished(statement)) {
                break;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
        endedByThemselves += (int) hosts.stream().filter(host -> !host.alive()).count();
        return new Outcome(
                Verdict.of(jdbcUrl, SCHEMA, new Ledger(provider.ledger(), Set.of())),
                killed,
                leftUnsettled,
                provider.repeated(),
                mostConnections,
                endedByThemselves,
                seconds);
    }

    private void replace(int victim, Statement statement) throws IOException, SQLException {
        if (!hosts.get(victim).alive()) {
            endedByThemselves++;
        }
        hosts.get(victim).kill();
        try (ResultSet open =
                statement.executeQuery("select invoice_id from invoice_lock.billing_attempt where state = 'STARTED' "
                        + "and owner like '%/" + hosts.get(victim).pid() + "/%'")) {
            while (open.next()) {
                leftUnsettled += provider.ledger().containsKey(open.getString(1)) ? 1 : 0;
            }
        }
        hosts.set(victim, startHost());
    }

    private JavaProcess startHost() throws IOException {
        String named = jdbcUrl + (jdbcUrl.contains("?") ? "&" : "?") + "ApplicationName=" + HOST_NAME + ++started;
        return JavaProcess.start(
                List.of("-Xmx64m", "-XX:+ExitOnOutOfMemoryError", "-XX:TieredStopAtLevel=4"),
                BulkHost.class,
                named,
                String.valueOf(provider.port()));
    }

    private void look(Statement statement) throws SQLException {
        // Those in use: HikariCP opens now and then one more than it has handed out, which then is idle.
        try (ResultSet most = statement.executeQuery(
                "select coalesce(max(n), 0) from (select count(*) n from pg_stat_activity where application_name like '"
                        + HOST_NAME + "%' and datname = current_database() and state <> 'idle' "
                        + "group by application_name) hosts")) {
            most.next();
            mostConnections = Math.max(mostConnections, most.getInt(1));
        }
    }

    private static boolean finished(Statement statement) throws SQLException {
        try (ResultSet left =
                statement.executeQuery("select exists (select from " + SCHEMA.biller() + " where pending) "
                        + "or exists (select from invoice_lock.billing_attempt where due_at is not null)")) {
            left.next();
            return !left.getBoolean(1);
        }
    }
}
