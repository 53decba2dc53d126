package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.postgres.PostgresProcess;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The PostgreSQL on which all is measured, as far away as is wanted. Used by one thread. */
final class DatabaseServer implements AutoCloseable {
    /** What a server with a disk would have; the memory is what a small one would give. */
    private static final Map<String, String> SETTINGS = Map.of(
            "fsync", "on",
            "synchronous_commit", "on",
            "shared_buffers", "512MB",
            "max_wal_size", "4GB",
            "max_connections", "600");

    private final @Nullable PostgresProcess own;
    private final PostgresServer server;
    private final Optional<PostgresProcessor> processor;
    private final Map<Integer, Distance> distances = new TreeMap<>();
    private final Map<String, String> roundTrips = new LinkedHashMap<>();

    private DatabaseServer(@Nullable PostgresProcess own, PostgresServer server) throws IOException, SQLException {
        this.own = own;
        this.server = server;
        this.processor = PostgresProcessor.of(server);
    }

    /**
     * Starts one, or finds it.
     *
     * @param installed the directory of an installed one; empty for the one that is named for tests, or the embedded one
     */
    static DatabaseServer start(String installed) throws IOException, SQLException {
        PostgresProcess own = null;
        if (!installed.isEmpty()) {
            own = PostgresProcess.installed(Path.of(installed, "bin"), SETTINGS);
        } else if (System.getProperty(PostgresServer.PROPERTY, System.getenv(PostgresServer.VARIABLE)) == null) {
            own = PostgresProcess.embedded(SETTINGS);
        }
        if (own != null) {
            System.setProperty(PostgresServer.PROPERTY, own.jdbcUrl("postgres"));
        }
        return new DatabaseServer(own, PostgresServer.start());
    }

    PostgresServer server() {
        return server;
    }

    /** Whether it ends with us, so that nobody minds how it is set. */
    boolean isOurs() {
        return own != null;
    }

    /** Where one of its databases is from so far away. */
    String jdbcUrl(String near, int roundTripMicros) throws IOException, SQLException {
        if (roundTripMicros == 0) {
            return near;
        }
        Distance distance = distances.get(roundTripMicros);
        if (distance == null) {
            distance = Distance.to(server, roundTripMicros);
            distances.put(roundTripMicros, distance);
            String measured = String.format(
                    Locale.ROOT,
                    "%.0f µs, on loopback %.0f µs",
                    Distance.roundTripMicros(distance.jdbcUrl(server.jdbcUrl())),
                    Distance.roundTripMicros(server.jdbcUrl()));
            System.out.println("database " + Waits.millis(roundTripMicros) + " away: select 1 takes " + measured);
            roundTrips.put("select 1 at " + Waits.millis(roundTripMicros), measured);
        }
        return distance.jdbcUrl(near);
    }

    boolean processorIsSeen() {
        return processor.isPresent();
    }

    /** The processor's time that it has used; zero where that is not seen. */
    long processorNanos() throws IOException {
        return processor.isPresent() ? processor.get().nanos() : 0;
    }

    /** Its version, the settings that matter, and how far away it was. */
    Map<String, String> settings() throws SQLException {
        Map<String, String> settings = new LinkedHashMap<>();
        try (Connection connection = DriverManager.getConnection(server.jdbcUrl());
                Statement statement = connection.createStatement();
                ResultSet rows =
                        statement.executeQuery("select name, current_setting(name) from pg_settings where name in "
                                + "('server_version', 'fsync', 'synchronous_commit', 'shared_buffers', 'max_wal_size', 'full_page_writes', "
                                + "'wal_compression', 'autovacuum', 'jit') "
                                + "union all select 'jit_available', pg_jit_available()::text order by 1")) {
            while (rows.next()) {
                settings.put(rows.getString(1), rows.getString(2));
            }
        }
        settings.putAll(roundTrips);
        return settings;
    }

    @Override
    public void close() throws IOException {
        for (Distance distance : distances.values()) {
            distance.close();
        }
        server.close();
        if (own != null) {
            own.close();
        }
    }
}
