package io.github.invoicelock.examples.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.examples.process.JavaProcess;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Memory grows with the concurrency, never with how many invoices are pending. */
class MemoryTest {
    @ParameterizedTest
    @CsvSource({"SKIP_LOCKED, CLAIM_ONLY"})
    void a_hundred_thousand_pending_invoices_are_billed_in_64_megabytes(String strategy, String scope)
            throws Exception {
        int invoices = Integer.getInteger("memory.invoices", 100_000);
        try (PostgresDatabase database = PostgresServer.shared().createDatabase();
                Connection connection = database.dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "create table invoices (id int primary key, pending boolean not null default true, note text)");
            statement.execute("insert into invoices select g, true, repeat('x', 200) from generate_series(1, "
                    + invoices + ") g");
            statement.execute("create index on invoices (id) where pending");
            InvoiceLockSchema.migrate(database.dataSource());

            try (JavaProcess host = JavaProcess.start(
                    List.of("-Xmx64m", "-XX:+ExitOnOutOfMemoryError", "-XX:TieredStopAtLevel=4"),
                    BulkHost.class,
                    database.jdbcUrl(),
                    strategy,
                    scope)) {
                String twice = host.awaitLine("TWICE");
                String run = host.awaitLine("RUN");
                System.out.println(strategy + " " + scope + ": " + run);

                assertThat(twice).isEqualTo("0");
                assertThat(run).contains("billed=" + invoices + " ").contains("stopped=NONE_LEFT");
            }
            try (ResultSet left = statement.executeQuery("select count(*) from invoices where pending")) {
                left.next();
                assertThat(left.getInt(1)).isZero();
            }
        }
    }
}
