package io.github.invoicelock.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.examples.postgres.PostgresServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A database that is far away answers later, and as much at once as one that is near. */
class DistanceTest {
    private static final int ROUND_TRIP_MILLIS = 100;
    private static final int AT_ONCE = 20;

    private Distance distance;
    private String url;

    @BeforeEach
    void putItFarAway() throws Exception {
        distance = Distance.to(PostgresServer.shared(), (int) TimeUnit.MILLISECONDS.toMicros(ROUND_TRIP_MILLIS));
        url = distance.jdbcUrl(PostgresServer.shared().jdbcUrl());
    }

    @AfterEach
    void close() throws Exception {
        distance.close();
    }

    @Test
    void a_statement_takes_a_round_trip() throws Exception {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            assertThat(millisOf(() -> statement.execute("select 1"))).isGreaterThanOrEqualTo(ROUND_TRIP_MILLIS);
        }
    }

    @Test
    void what_is_long_comes_whole_and_each_part_is_as_late_as_the_first() throws Exception {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            long millis = millisOf(() -> {
                try (ResultSet row = statement.executeQuery("select repeat('1234567890', 2000000)")) {
                    row.next();
                    assertThat(row.getString(1)).hasSize(20_000_000);
                }
            });
            // Hundreds of parts, one after the other, would take as many halves of a round trip.
            assertThat(millis).isBetween((long) ROUND_TRIP_MILLIS, 30L * ROUND_TRIP_MILLIS);
        }
    }

    @Tag("thorough")
    @Test
    void several_sessions_do_not_wait_for_one_another() throws Exception {
        List<Connection> connections = new ArrayList<>();
        try {
            for (int i = 0; i < AT_ONCE; i++) {
                connections.add(DriverManager.getConnection(url));
            }
            AtomicInteger next = new AtomicInteger();
            long millis = millisOf(() -> Threads.run(AT_ONCE, () -> {
                try (Statement statement =
                        connections.get(next.getAndIncrement()).createStatement()) {
                    statement.execute("select 1");
                }
                return null;
            }));
            assertThat(millis).isLessThan(AT_ONCE * ROUND_TRIP_MILLIS / 2);
        } finally {
            for (Connection connection : connections) {
                connection.close();
            }
        }
    }

    private static long millisOf(Work work) throws Exception {
        long start = System.nanoTime();
        work.run();
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
    }

    private interface Work {
        void run() throws Exception;
    }
}
