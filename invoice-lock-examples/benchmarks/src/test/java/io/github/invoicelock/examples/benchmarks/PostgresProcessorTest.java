package io.github.invoicelock.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.invoicelock.examples.postgres.PostgresServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/** The processor time that PostgreSQL used. */
class PostgresProcessorTest {
    private static final long AT_LEAST_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    @Test
    void a_session_s_time_is_counted_while_it_lives_and_when_it_has_ended() throws Exception {
        Optional<PostgresProcessor> seen = PostgresProcessor.of(PostgresServer.shared());
        assumeTrue(seen.isPresent(), "PostgreSQL runs on another machine, or in a container");
        PostgresProcessor processor = seen.orElseThrow();
        long before = processor.nanos();
        long whileItLives;
        long session;

        try (Connection connection =
                        DriverManager.getConnection(PostgresServer.shared().jdbcUrl());
                Statement statement = connection.createStatement()) {
            statement.execute("select count(*) from generate_series(1, 3000000) g where g % 7 = 3");
            whileItLives = processor.nanos();
            session = connection.unwrap(PGConnection.class).getBackendPID();
        }
        // Until its server has taken note of its end, its time is neither its own nor the server's.
        ProcessHandle.of(session).ifPresent(process -> process.onExit().join());
        long afterwards = processor.nanos();

        assertThat(whileItLives - before).isGreaterThan(AT_LEAST_NANOS);
        // Some ticks of each are not told when it ends.
        assertThat(afterwards - before).isGreaterThan(AT_LEAST_NANOS / 2);
    }
}
