package io.github.invoicelock.examples.twoservers;

import io.github.invoicelock.InvoiceLockSchema;
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
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Plays all {@link Way}s with real processes, and ends with one table; with 1 if a cure failed or the problem did not show. */
public final class TwoServers {
    private static final int INVOICES = 60;
    /** Which of a server's charges it dies after, where one is killed. */
    private static final int DIES_AFTER = 10;

    private final Screen screen = Screen.here();
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final PostgresServer postgres;
    private final URI provider;

    private TwoServers(PostgresServer postgres, URI provider) {
        this.postgres = postgres;
        this.provider = provider;
    }

    /**
     * Plays the example.
     *
     * @param arguments none
     * @throws Exception if a process does not start
     */
    public static void main(String[] arguments) throws Exception {
        boolean asPromised;
        try (JavaProcess provider = JavaProcess.start(Provider.class);
                PostgresServer postgres = PostgresServer.start()) {
            URI address = URI.create("http://127.0.0.1:" + provider.awaitLine("READY"));
            asPromised = new TwoServers(postgres, address).play();
        }
        System.exit(asPromised ? 0 : 1);
    }

    private boolean play() throws IOException, InterruptedException, SQLException {
        screen.say(INVOICES + " pending invoices, two servers that wake at the same moment, one payment provider.");
        List<Result> results = new ArrayList<>();
        for (Way way : Way.values()) {
            screen.progress(way.title() + " …");
            results.add(play(way));
        }
        screen.show(results);
        List<Result> broken =
                results.stream().filter(result -> !result.asPromised()).toList();
        broken.forEach(result -> screen.say("NOT AS PROMISED: " + result));
        if (broken.isEmpty()) {
            screen.say(
                    "With invoice-lock every invoice was charged once, whichever strategy, and when a server was killed, too.");
        }
        return broken.isEmpty();
    }

    private Result play(Way way) throws IOException, InterruptedException, SQLException {
        get("/new-day?" + way.failing());
        try (PostgresDatabase database = postgres.createDatabase()) {
            execute(
                    database,
                    "create table invoices (id int primary key, pending boolean not null default true, "
                            + "amount numeric(10, 2) not null, charge text)");
            execute(database, "create index on invoices (id) where pending");
            execute(
                    database,
                    "insert into invoices select g, true, g * 1.99 from generate_series(1, " + INVOICES + ") g");
            if (way.cure()) {
                InvoiceLockSchema.migrate(database.dataSource());
            }
            List<String> contended = new ArrayList<>();
            long start;
            try (JavaProcess first = server(way, database, way.kills() ? DIES_AFTER : 0);
                    JavaProcess second = server(way, database, 0)) {
                first.awaitLine("READY");
                second.awaitLine("READY");
                start = System.nanoTime();
                first.tellGo();
                if (way == Way.ONE_SERVER) {
                    stopHalfWay(first);
                    contended.addAll(List.of("-", "-"));
                } else {
                    second.tellGo();
                    contended.add(orDash(first.awaitLine("RESULT")));
                    contended.add(orDash(second.awaitLine("RESULT")));
                }
            }
            Duration time = Duration.ofNanos(System.nanoTime() - start);
            return result(way, database, contended, time);
        }
    }

    private JavaProcess server(Way way, PostgresDatabase database, int diesAfter) throws IOException {
        return JavaProcess.start(
                ServerProcess.class, way.name(), database.jdbcUrl(), provider.toString(), String.valueOf(diesAfter));
    }

    private void stopHalfWay(JavaProcess server) throws IOException, InterruptedException {
        while (ledger().size() < INVOICES / 2 && server.alive()) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
        server.kill();
    }

    private Result result(Way way, PostgresDatabase database, List<String> contended, Duration time)
            throws IOException, InterruptedException, SQLException {
        Map<Integer, Integer> ledger = ledger();
        int once = (int) ledger.values().stream().filter(count -> count == 1).count();
        int left;
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select count(*) from invoices where pending")) {
            row.next();
            left = row.getInt(1);
        }
        return new Result(way, INVOICES, once, ledger.size() - once, left, contended, time);
    }

    /** Charges by invoice. */
    private Map<Integer, Integer> ledger() throws IOException, InterruptedException {
        Map<Integer, Integer> ledger = new TreeMap<>();
        get("/ledger").lines().forEach(line -> {
            int space = line.indexOf(' ');
            ledger.put(Integer.valueOf(line.substring(0, space)), Integer.valueOf(line.substring(space + 1)));
        });
        return ledger;
    }

    private String get(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(provider.resolve(path)).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private static void execute(PostgresDatabase database, String sql) throws SQLException {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static String orDash(String said) {
        return said.isEmpty() ? "-" : said;
    }
}
