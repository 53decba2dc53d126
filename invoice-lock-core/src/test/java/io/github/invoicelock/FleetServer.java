package io.github.invoicelock;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.examples.process.JavaProcess;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import javax.sql.DataSource;

/** One server process of a fleet: bills until nothing is pending, one run after the other. */
final class FleetServer {
    static final int CALLS_AT_ONCE = 7;

    private FleetServer() {}

    /**
     * Runs until nothing is pending.
     *
     * @param arguments the database, the provider, the strategy, the scope, fleetCallsPerSecond, and whether it is one at a time for each
     *     customer
     * @throws Exception if a run fails
     */
    public static void main(String[] arguments) throws Exception {
        try (HikariDataSource pool = pool(arguments[0]);
                LockingInvoiceBiller biller = server(
                                pool,
                                FleetProvider.gateway(URI.create(arguments[1])),
                                LockStrategy.valueOf(arguments[2]),
                                LockScope.valueOf(arguments[3]),
                                Double.parseDouble(arguments[4]),
                                Boolean.parseBoolean(arguments[5]))
                        .build()) {
            System.out.println("READY");
            System.in.read();
            while (biller.status().inFlight() > 0 || somethingIsPending(pool)) {
                System.out.println(biller.billPending());
            }
            System.out.println("DONE");
        }
    }

    /** Starts one, which waits to be told to go. */
    static JavaProcess start(TestHost host, FleetProvider provider, double fleetCallsPerSecond, boolean oneAtATime)
            throws IOException {
        return JavaProcess.start(
                FleetServer.class,
                host.database().jdbcUrl(),
                provider.address().toString(),
                "NOWAIT",
                "THROUGH_CALL",
                String.valueOf(fleetCallsPerSecond),
                String.valueOf(oneAtATime));
    }

    static HikariDataSource pool(String jdbcUrl) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl);
        config.setMaximumPoolSize(CALLS_AT_ONCE + 2);
        config.setMinimumIdle(0);
        return new HikariDataSource(config);
    }

    static LockingInvoiceBiller.Builder server(
            DataSource pool,
            BillingGateway provider,
            LockStrategy strategy,
            LockScope scope,
            double fleetCallsPerSecond,
            boolean oneAtATime) {
        InvoiceTable invoices = InvoiceTable.named("invoices");
        return LockingInvoiceBiller.builder(pool, provider)
                .invoices(oneAtATime ? invoices.oneAtATimeFor("customer_id") : invoices)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(CALLS_AT_ONCE)
                .callTimeout(Duration.ofSeconds(5))
                .leaseMargin(Duration.ofSeconds(10))
                .fleetCallsPerSecond(fleetCallsPerSecond);
    }

    private static boolean somethingIsPending(HikariDataSource pool) throws java.sql.SQLException {
        try (java.sql.Connection connection = pool.getConnection();
                java.sql.Statement statement = connection.createStatement();
                java.sql.ResultSet row = statement.executeQuery("select exists (select from invoices where pending)")) {
            return row.next() && row.getBoolean(1);
        }
    }
}
