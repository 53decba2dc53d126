package io.github.invoicelock.examples.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A server's connections. They are kept from one repetition to the next, as a host keeps its own for weeks: a new session has its catalog
 * to read and its statements to plan, which took some 40 ms of the processor. Used by one thread.
 */
final class Connections implements AutoCloseable {
    private final String jdbcUrl;
    private @Nullable HikariDataSource pool;

    Connections(String jdbcUrl) {
        this.jdbcUrl = jdbcUrl;
    }

    String jdbcUrl() {
        return jdbcUrl;
    }

    /** Always the same one; full before the clock starts. */
    DataSource pool(int connections) {
        HikariDataSource kept = pool;
        if (kept == null) {
            HikariConfig config = new HikariConfig();
            config.setJdbcUrl(jdbcUrl);
            config.setMaximumPoolSize(connections);
            config.setConnectionTimeout(Duration.ofSeconds(60).toMillis());
            // How long the servers wait until it is full.
            config.setInitializationFailTimeout(Duration.ofSeconds(60).toMillis());
            kept = new HikariDataSource(config);
            pool = kept;
        }
        if (kept.getMaximumPoolSize() != connections) {
            throw new IllegalStateException(
                    "The pool has " + kept.getMaximumPoolSize() + " connections; " + connections + " were asked for.");
        }
        return kept;
    }

    /** Has each session report what it counted, which it would put off for up to ten seconds. */
    void reportStatistics() throws SQLException {
        inEachSession(statement -> statement.execute("select pg_stat_force_next_flush()"));
    }

    /** Does the same in each of them, all of which are there. */
    void inEachSession(Work work) throws SQLException {
        if (pool == null) {
            return;
        }
        List<Connection> all = new ArrayList<>();
        try {
            for (int i = 0; i < pool.getMaximumPoolSize(); i++) {
                Connection connection = pool.getConnection();
                all.add(connection);
                try (Statement statement = connection.createStatement()) {
                    work.on(statement);
                }
            }
        } finally {
            for (Connection connection : all) {
                connection.close();
            }
        }
    }

    /** What is done in a session. */
    @FunctionalInterface
    interface Work {
        void on(Statement statement) throws SQLException;
    }

    @Override
    public void close() {
        if (pool != null) {
            pool.close();
        }
    }
}
