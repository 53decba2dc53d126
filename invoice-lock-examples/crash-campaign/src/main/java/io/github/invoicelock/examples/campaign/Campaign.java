package io.github.invoicelock.examples.campaign;

import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.examples.postgres.PostgresProcess;
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
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Kills hosts and PostgreSQL at random while they bill, lets what is left finish, and compares the provider's ledger with the table.
 * Ends with 1 if anything was charged twice or lost.
 */
final class Campaign {
    private static final int HOSTS = 3;
    /** So many invoices are there for each kill, so that there is always work to be killed at. */
    private static final int ALWAYS_PENDING = 120;

    private static final Duration LONGEST_END = Duration.ofMinutes(3);

    private final Plan plan;
    private final HostSchema schema;
    private final Random random;
    private final PostgresProcess postgres;
    private final URI provider;
    private final List<JavaProcess> hosts = new ArrayList<>();
    private int inserted;

    /**
     * What is to be done.
     *
     * @param schema the name of the hosts' schema
     * @param strategy of the hosts
     * @param scope of the hosts
     * @param kind of the provider
     * @param hostKills how often a host is killed
     * @param postgresKills how often PostgreSQL is killed
     * @param seed of all chance
     */
    record Plan(
            String schema,
            LockStrategy strategy,
            LockScope scope,
            ProviderKind kind,
            int hostKills,
            int postgresKills,
            long seed) {}

    private Campaign(Plan plan, PostgresProcess postgres, URI provider) {
        this.plan = plan;
        this.schema = HostSchema.named(plan.schema());
        this.random = new Random(plan.seed());
        this.postgres = postgres;
        this.provider = provider;
    }

    /**
     * Runs campaigns, for each strategy and scope.
     *
     * @param arguments {@code name=value}: hostKills (200), postgresKills (20), kind (REMEMBERS), strategy and scope (all), schema (simple; or
     *     all), seed (random); or invoices, hostKills (20): a {@link BulkCampaign}
     * @throws Exception if a process does not start
     */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = new TreeMap<>();
        Arrays.stream(arguments)
                .flatMap(argument -> Arrays.stream(argument.split(" ")))
                .filter(argument -> argument.contains("="))
                .forEach(argument -> given.put(
                        argument.substring(0, argument.indexOf('=')), argument.substring(argument.indexOf('=') + 1)));
        long seed = Long.parseLong(given.getOrDefault("seed", String.valueOf(new Random().nextInt(1_000_000))));
        if (given.containsKey("invoices")) {
            boolean bulk = BulkCampaign.main(
                    Integer.parseInt(given.get("invoices")), Integer.parseInt(given.getOrDefault("hostKills", "20")));
            System.exit(bulk ? 0 : 1);
        }
        String wantedSchema = given.getOrDefault("schema", "simple");
        List<HostSchema> schemas =
                wantedSchema.equals("all") ? HostSchema.all() : List.of(HostSchema.named(wantedSchema));
        boolean asPromised = true;
        for (LockStrategy strategy : LockStrategy.values()) {
            for (LockScope scope : LockScope.values()) {
                boolean wanted = given.getOrDefault("strategy", strategy.name()).equals(strategy.name())
                        && given.getOrDefault("scope", scope.name()).equals(scope.name());
                for (HostSchema schema : wanted ? schemas : List.<HostSchema>of()) {
                    Verdict verdict = run(new Plan(
                            schema.biller(),
                            strategy,
                            scope,
                            ProviderKind.valueOf(given.getOrDefault("kind", "REMEMBERS")),
                            Integer.parseInt(given.getOrDefault("hostKills", "200")),
                            Integer.parseInt(given.getOrDefault("postgresKills", "20")),
                            seed));
                    asPromised &= verdict.asPromised();
                }
            }
        }
        System.exit(asPromised ? 0 : 1);
    }

    /**
     * Runs one campaign, and prints its verdict.
     *
     * @param plan what is to be done
     * @return the verdict
     * @throws IOException if a process does not start or does not answer
     * @throws InterruptedException if interrupted
     * @throws SQLException if PostgreSQL does not answer
     */
    static Verdict run(Plan plan) throws IOException, InterruptedException, SQLException {
        System.out.println(plan);
        long start = System.nanoTime();
        try (JavaProcess provider = JavaProcess.start(
                        Provider.class,
                        String.valueOf(plan.seed()),
                        String.valueOf(plan.kind().remembers()),
                        "true");
                // R1 says what this would lose.
                PostgresProcess postgres = PostgresProcess.embedded(Map.of("synchronous_commit", "off"))) {
            URI address = URI.create("http://127.0.0.1:" + provider.awaitLine("READY"));
            Campaign campaign = new Campaign(plan, postgres, address);
            Verdict verdict;
            try {
                verdict = campaign.run();
            } finally {
                campaign.hosts.forEach(JavaProcess::kill);
            }
            System.out.printf(
                    Locale.ROOT,
                    "  %s kills of hosts %d, of PostgreSQL %d; %s (%d s)%n",
                    verdict.asPromised() ? "as promised:" : "NOT AS PROMISED:",
                    plan.hostKills(),
                    plan.postgresKills(),
                    verdict,
                    TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start));
            if (!verdict.asPromised()) {
                System.out.println("  twice " + verdict.chargedTwice() + " not recorded " + verdict.notRecorded()
                        + " not charged " + verdict.notCharged() + " lost " + verdict.lost() + " other requests "
                        + verdict.otherRequests() + " wrong rows " + verdict.wrongRows());
            }
            return verdict;
        }
    }

    private Verdict run() throws IOException, InterruptedException, SQLException {
        execute(schema.ddl());
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl());
        InvoiceLockSchema.migrate(dataSource);
        supply();
        for (int i = 0; i < HOSTS; i++) {
            hosts.add(startHost());
        }
        hosts.get(0).awaitLine("RUN");
        List<Boolean> kills = kills();
        for (boolean ofPostgres : kills) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50 + random.nextInt(300)));
            if (ofPostgres) {
                postgres.kill();
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(random.nextInt(500)));
                postgres.start();
            } else {
                int victim = random.nextInt(HOSTS);
                hosts.get(victim).kill();
                hosts.set(victim, startHost());
                // Whoever is still there goes on; the new one must be at work before it is worth killing.
                hosts.get((victim + 1) % HOSTS).awaitLine("R");
            }
            supply();
        }
        awaitEnd();
        return Verdict.of(jdbcUrl(), schema, Ledger.of(provider));
    }

    private List<Boolean> kills() {
        List<Boolean> kills = new ArrayList<>();
        for (int i = 0; i < plan.hostKills() + plan.postgresKills(); i++) {
            kills.add(i < plan.postgresKills());
        }
        java.util.Collections.shuffle(kills, random);
        return kills;
    }

    private JavaProcess startHost() throws IOException {
        JavaProcess host = new Host.Job(
                        jdbcUrl(), provider, plan.kind(), plan.strategy(), plan.scope(), schema, Gateway.CALL_TIMEOUT)
                .start();
        host.tellGo();
        return host;
    }

    /** As many invoices as there are billed, so that every kill meets work. */
    private void supply() throws SQLException {
        int free = Integer.parseInt(one("select count(*) from (" + free() + " limit " + ALWAYS_PENDING + ") free"));
        int more = ALWAYS_PENDING - free;
        if (more > 0) {
            execute(schema.supply(inserted + 1, inserted + more));
            inserted += more;
        }
    }

    /** Until no invoice is free and no attempt is due: billed, declined and parked, or parked. */
    private void awaitEnd() throws SQLException {
        long end = System.nanoTime() + LONGEST_END.toNanos();
        String left = "select (select count(*) from invoice_lock.billing_attempt where due_at is not null)"
                + " + (select count(*) from (" + free() + ") free)";
        while (!one(left).equals("0") && System.nanoTime() < end) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
        }
    }

    private String free() {
        return "select from (" + schema.look() + ") i where pending"
                + " and not exists (select from invoice_lock.billing_attempt a where a.invoice_id = i.id)";
    }

    private String jdbcUrl() {
        return postgres.jdbcUrl("postgres");
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl());
                Statement statement = connection.createStatement()) {
            statement.execute("set synchronous_commit = on; " + sql);
        }
    }

    private String one(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        }
    }
}
