package io.github.invoicelock.examples.frameworks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What a host brings along: a pool, a table with five invoices, and a provider that remembers keys. */
final class Shop implements AutoCloseable {
    private final PostgresDatabase database = PostgresServer.shared().createDatabase();
    private final Set<String> charges = ConcurrentHashMap.newKeySet();
    private final HikariDataSource pool = new HikariDataSource();

    private Shop() {
        pool.setJdbcUrl(database.jdbcUrl());
        pool.setMaximumPoolSize(9);
    }

    static Shop withFiveInvoices() throws SQLException {
        Shop shop = new Shop();
        try (Connection connection = shop.pool.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "create table invoices (id bigint primary key, pending boolean not null default true, reference text)");
            statement.execute("insert into invoices (id) select generate_series(1, 5)");
        }
        return shop;
    }

    HikariDataSource pool() {
        return pool;
    }

    BillingGateway gateway() {
        return new BillingGateway() {
            @Override
            public BillingOutcome bill(BillingRequest request) {
                charges.add(request.idempotencyKey());
                return BillingOutcome.billed("ch_" + request.idempotencyKey());
            }

            @Override
            public Duration idempotencyWindow() {
                return Duration.ofHours(23);
            }
        };
    }

    void awaitEachBilledOnce() {
        await().atMost(Duration.ofMinutes(1))
                .untilAsserted(() -> assertThat(pending()).isZero());
        assertThat(charges).hasSize(5);
    }

    private int pending() throws SQLException {
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select count(*) from invoices where pending")) {
            row.next();
            return row.getInt(1);
        }
    }

    @Override
    public void close() {
        pool.close();
        database.close();
    }
}
