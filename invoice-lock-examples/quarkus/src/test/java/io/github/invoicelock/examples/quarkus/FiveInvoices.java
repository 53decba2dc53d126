package io.github.invoicelock.examples.quarkus;

import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;

/** A database with five invoices. */
public final class FiveInvoices implements QuarkusTestResourceLifecycleManager {
    private final PostgresDatabase database = PostgresServer.shared().createDatabase();

    @Override
    public Map<String, String> start() {
        try (Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "create table invoices (id bigint primary key, pending boolean not null default true, reference text)");
            statement.execute("insert into invoices (id) select generate_series(1, 5)");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return Map.of("quarkus.datasource.jdbc.url", database.jdbcUrl());
    }

    @Override
    public void stop() {
        database.close();
    }
}
