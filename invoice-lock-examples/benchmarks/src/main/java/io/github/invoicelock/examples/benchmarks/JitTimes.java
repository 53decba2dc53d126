package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.benchmarks.Claims.Strategy;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import java.io.IOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Claims of 500 on a server that compiles statements, as it does unless it is told not to, and with {@code jit = off} on the server: in turn,
 * from the same tables, by a biller and sessions of their own, which have seen no other setting when they claim.
 */
final class JitTimes {
    private static final int WARM_UP = 5;
    private static final int CONNECTIONS = 4;
    private static final String OFF = "off";
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);
    private static final long LOOK_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final DatabaseServer postgres;
    private final Stock stock;
    private final int size;
    private final int rounds;
    private long front;

    private JitTimes(DatabaseServer postgres, Stock stock, int size, int rounds) {
        this.postgres = postgres;
        this.stock = stock;
        this.size = size;
        this.rounds = rounds;
    }

    /**
     * Measures both.
     *
     * @throws IllegalStateException if the server is not ours to set, or cannot compile
     */
    static JitTime measure(DatabaseServer postgres, int size, int rounds) throws SQLException, IOException {
        String remedy =
                " Name the directory of an installed PostgreSQL that has LLVM: postgres=/usr/lib/postgresql/15.";
        if (!postgres.isOurs()) {
            throw new IllegalStateException("The server is not ours to set." + remedy);
        }
        if (!"true".equals(postgres.settings().get("jit_available"))) {
            throw new IllegalStateException("This PostgreSQL has no LLVM." + remedy);
        }
        try (PostgresDatabase database = postgres.server().createDatabase()) {
            Stock stock = new Stock(database.dataSource());
            stock.create();
            stock.supplyHalfSettled(1, 2L * size, false);
            stock.vacuumOnceAndNeverAgain();
            return new JitTimes(postgres, stock, size, rounds).measure(database.jdbcUrl());
        }
    }

    private JitTime measure(String jdbcUrl) throws SQLException {
        String byDefault = postgres.settings().getOrDefault("jit", "?");
        try (Side usual = new Side(jdbcUrl, byDefault);
                Side off = new Side(jdbcUrl, OFF)) {
            for (int round = 0; round < WARM_UP + rounds; round++) {
                // In turn the first.
                for (Side side : round % 2 == 0 ? List.of(usual, off) : List.of(off, usual)) {
                    long passed = side.measure(round >= WARM_UP);
                    stock.takeOut(passed);
                    stock.supplyHalfSettled(2L * size + front + 1, 2L * size + passed, false);
                    front = passed;
                }
            }
            return JitTime.of(size, byDefault, usual.claims, off.claims);
        } finally {
            set(byDefault);
        }
    }

    /** The whole server's, as in postgresql.conf. */
    private void set(String jit) throws SQLException {
        try (Connection connection =
                        DriverManager.getConnection(postgres.server().jdbcUrl());
                Statement statement = connection.createStatement()) {
            statement.execute("alter system set jit = " + jit);
            statement.execute("select pg_reload_conf()");
        }
    }

    /** One of both. */
    private final class Side implements AutoCloseable {
        private final String jit;
        private final Connections connections;
        private final Claims claims;

        private Side(String jdbcUrl, String jit) throws SQLException {
            this.jit = jit;
            set(jit);
            connections = new Connections(jdbcUrl);
            connections.pool(CONNECTIONS);
            awaitSetting();
            claims = new Claims(connections.pool(CONNECTIONS), Strategy.CLAIM_OF_500);
        }

        private long measure(boolean counts) throws SQLException {
            set(jit);
            awaitSetting();
            return claims.measure(counts);
        }

        /** A session hears of it by a signal, which may take a moment. */
        private void awaitSetting() throws SQLException {
            long end = System.nanoTime() + PATIENCE_NANOS;
            connections.inEachSession(statement -> {
                while (!jit.equals(shown(statement))) {
                    if (System.nanoTime() > end) {
                        throw new IllegalStateException("A session has not heard of jit = " + jit + ".");
                    }
                    LockSupport.parkNanos(LOOK_EVERY_NANOS);
                }
            });
        }

        private static String shown(Statement statement) throws SQLException {
            try (ResultSet row = statement.executeQuery("show jit")) {
                row.next();
                return row.getString(1);
            }
        }

        @Override
        public void close() {
            claims.close();
            connections.close();
        }
    }
}
