package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.examples.process.JavaProcess;
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
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Two hosts of one {@link Peer} bill; each kill hits a host between the provider's charge and its commit, since the provider keeps its
 * answers back until the host is dead. Then the ledger is compared with the table.
 */
final class KillCampaign implements AutoCloseable {
    private static final int HOSTS = 2;
    private static final Duration TO_BE_HELD = Duration.ofSeconds(60);
    private static final long LOOK_EVERY_MILLIS = 50;
    private static final Duration ALL_HELD = Duration.ofSeconds(1);

    private final Peer peer;
    private final Keys keys;
    private final PostgresDatabase database;
    private final JavaProcess provider;
    private final URI address;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final List<JavaProcess> hosts = new ArrayList<>();
    /** When the host of an invoice that had just been charged was killed; in a long outage, when the first host was there again. */
    private final Map<String, Long> inFlight = new ConcurrentHashMap<>();

    private final Map<String, Double> concluded = new ConcurrentHashMap<>();
    private final ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor();

    /**
     * What came of it.
     *
     * @param peer who billed
     * @param keys what the provider could make of a repeated request
     * @param invoices how many there were
     * @param kills how many hosts were killed
     * @param inFlight how many invoices were charged and not committed when their host was killed
     * @param chargedTwice how many the provider charged more than once
     * @param parked how many wait for a person, known as in doubt
     * @param notBilled how many were neither billed nor parked within the bound
     * @param medianSeconds until an invoice in flight was billed or parked; NaN if none was
     * @param mostSeconds the longest
     */
    record Outcome(
            Peer peer,
            Keys keys,
            int invoices,
            int kills,
            int inFlight,
            int chargedTwice,
            int parked,
            int notBilled,
            double medianSeconds,
            double mostSeconds) {}

    private KillCampaign(Peer peer, Keys keys, PostgresDatabase database, JavaProcess provider) {
        this.peer = peer;
        this.keys = keys;
        this.database = database;
        this.provider = provider;
        this.address = URI.create("http://127.0.0.1:" + provider.awaitLine("READY"));
    }

    static Outcome run(PostgresServer postgres, Peer peer, Keys keys, int invoices, int kills, Duration bound)
            throws IOException, SQLException, InterruptedException {
        try (PostgresDatabase database = postgres.createDatabase();
                KillCampaign campaign = new KillCampaign(
                        peer,
                        keys,
                        database,
                        JavaProcess.start(Ledger.class, String.valueOf(keys.memory.toMillis())))) {
            Stock stock = new Stock(database.dataSource());
            stock.create();
            stock.supply(0, invoices, Mix.ALL_BILLABLE);
            return campaign.run(invoices, kills, bound);
        }
    }

    private Outcome run(int invoices, int kills, Duration bound)
            throws IOException, SQLException, InterruptedException {
        for (int i = 0; i < HOSTS; i++) {
            hosts.add(host(i, i == 0));
        }
        // At once: the first host would bill everything while the second one's JVM starts.
        for (JavaProcess host : hosts) {
            host.awaitLine("STARTED");
        }
        for (JavaProcess host : hosts) {
            host.tellGo();
        }
        for (JavaProcess host : hosts) {
            host.awaitLine("READY");
        }
        ScheduledFuture<?> watching =
                watch.scheduleWithFixedDelay(this::look, LOOK_EVERY_MILLIS, LOOK_EVERY_MILLIS, TimeUnit.MILLISECONDS);
        int killed = 0;
        if (keys == Keys.FORGOTTEN) {
            killed += killAllForLong();
        } else {
            for (; killed < kills; killed++) {
                int victim = killed % HOSTS;
                holdAndKill(victim);
                startAgain(victim);
            }
        }
        long end = System.nanoTime() + bound.toNanos();
        while (System.nanoTime() < end && left() > 0) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_EVERY_MILLIS));
        }
        watching.cancel(false);
        look();
        Map<String, Integer> ledger = ledger();
        List<Double> seconds = List.copyOf(concluded.values());
        return new Outcome(
                peer,
                keys,
                invoices,
                killed,
                inFlight.size(),
                (int) ledger.values().stream().filter(charges -> charges > 1).count(),
                count("select count(*) from invoice_lock.needs_attention"),
                left(),
                Result.median(seconds),
                seconds.stream().mapToDouble(Double::doubleValue).max().orElse(Double.NaN));
    }

    private void startAgain(int number) throws IOException {
        JavaProcess host = host(number, false);
        hosts.set(number, host);
        host.tellGo();
        host.awaitLine("READY");
    }

    private JavaProcess host(int number, boolean first) throws IOException {
        return JavaProcess.start(
                List.of("-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"),
                PeerHost.class,
                peer.name(),
                keys.name(),
                address.toString(),
                database.jdbcUrl(),
                "host-" + number,
                String.valueOf(first));
    }

    private void holdAndKill(int victim) throws IOException, InterruptedException {
        Set<String> caught = hold(victim);
        hosts.get(victim).kill();
        caught.forEach(invoice -> inFlight.put(invoice, System.nanoTime()));
        get("/release");
    }

    /** Kills both, and starts them again when the provider has forgotten what they sent. */
    private int killAllForLong() throws IOException, InterruptedException {
        Set<String> caught = new HashSet<>();
        for (int i = 0; i < HOSTS; i++) {
            caught.addAll(hold(i));
            hosts.get(i).kill();
            get("/release");
        }
        LockSupport.parkNanos(keys.memory.plusSeconds(1).toNanos());
        for (int i = 0; i < HOSTS; i++) {
            startAgain(i);
            if (i == 0) {
                caught.forEach(invoice -> inFlight.put(invoice, System.nanoTime()));
            }
        }
        return HOSTS;
    }

    /** The invoices of this host that are charged now, and whose answer is kept back. */
    private Set<String> hold(int host) throws IOException, InterruptedException {
        get("/hold/host-" + host);
        long end = System.nanoTime() + TO_BE_HELD.toNanos();
        long soon = Long.MAX_VALUE;
        Set<String> held = Set.of();
        while (held.size() < PeerHost.CALLS && System.nanoTime() < Math.min(end, soon)) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            String invoices = get("/held");
            held = invoices.isEmpty() ? Set.of() : Set.of(invoices.split("\n"));
            if (!held.isEmpty() && soon == Long.MAX_VALUE) {
                soon = System.nanoTime() + ALL_HELD.toNanos();
            }
        }
        if (held.isEmpty()) {
            throw new IOException(peer + ": host " + host + " charged nothing within " + TO_BE_HELD);
        }
        return held;
    }

    /** Which invoices in flight have been billed or parked since. */
    private void look() {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "select id::text from invoices where not pending union select invoice_id from invoice_lock.needs_attention")) {
            while (rows.next()) {
                Long killed = inFlight.get(rows.getString(1));
                if (killed != null) {
                    double seconds = (System.nanoTime() - killed) / (double) TimeUnit.SECONDS.toNanos(1);
                    concluded.putIfAbsent(rows.getString(1), seconds);
                }
            }
        } catch (SQLException e) {
            throw new IllegalStateException("The database does not say what was concluded", e);
        }
    }

    /** Neither billed nor parked. */
    private int left() throws SQLException {
        return count("select count(*) from invoices where pending and id::text not in "
                + "(select invoice_id from invoice_lock.needs_attention)");
    }

    private int count(String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getInt(1);
        }
    }

    /** Charges by invoice. */
    private Map<String, Integer> ledger() throws IOException, InterruptedException {
        Map<String, Integer> ledger = new HashMap<>();
        get("/ledger").lines().forEach(line -> {
            int space = line.indexOf(' ');
            ledger.put(line.substring(0, space), Integer.valueOf(line.substring(space + 1)));
        });
        return ledger;
    }

    private String get(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(address.resolve(path)).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    @Override
    public void close() throws IOException {
        watch.shutdownNow();
        hosts.forEach(JavaProcess::kill);
        provider.close();
    }
}
