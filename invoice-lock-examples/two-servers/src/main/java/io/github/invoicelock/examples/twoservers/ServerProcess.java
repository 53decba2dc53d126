package io.github.invoicelock.examples.twoservers;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.LockingInvoiceBiller;
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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One server, a process of its own: wakes when it is told, bills in one way, and says what it met. */
final class ServerProcess {
    private static final int ROUNDS = 3;
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final HikariDataSource dataSource;
    private final URI provider;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final int dieAfter;
    private int charged;
    private int contended;

    private ServerProcess(HikariDataSource dataSource, URI provider, int dieAfter) {
        this.dataSource = dataSource;
        this.provider = provider;
        this.dieAfter = dieAfter;
    }

    /**
     * Runs one server.
     *
     * @param arguments the way, the database, the provider, and after how many charges to die (zero: never)
     * @throws Exception if anything goes wrong
     */
    public static void main(String[] arguments) throws Exception {
        Way way = Way.valueOf(arguments[0]);
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(arguments[1]);
        config.setMaximumPoolSize(3);
        try (HikariDataSource dataSource = new HikariDataSource(config)) {
            ServerProcess server =
                    new ServerProcess(dataSource, URI.create(arguments[2]), Integer.parseInt(arguments[3]));
            if (way.cure()) {
                server.billWithInvoiceLock(way);
            } else {
                server.wake();
                switch (way) {
                    case NAIVE -> server.billNaively(false);
                    case KEYS_ALONE -> {
                        for (int round = 0; round < ROUNDS; round++) {
                            server.billNaively(true);
                        }
                    }
                    case ONE_SERVER -> server.billNaively(false);
                    default -> server.billUnderRowLocks();
                }
            }
            System.out.println("RESULT " + server.contended);
        }
    }

    /** As a daily task does: every server at the same moment. */
    private void wake() throws IOException {
        try (Connection warm = dataSource.getConnection()) {
            warm.isValid(1);
        } catch (SQLException e) {
            throw new IOException(e);
        }
        System.out.println("READY");
        if (System.in.read() < 0) {
            System.exit(0); // the example has ended, or this server is not the designated one
        }
    }

    private void billWithInvoiceLock(Way way) throws IOException, SQLException {
        BillingGateway gateway = mortal(new HostApplication.HttpGateway(client, provider));
        try (LockingInvoiceBiller biller = HostApplication.biller(dataSource, gateway, way.strategy())) {
            wake();
            // What HostApplication.schedule does, in a hurry and until the day's work is done.
            count(biller.billPending());
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (!pending().isEmpty() && System.nanoTime() < end) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
                biller.recover();
            }
        }
    }

    private void count(BillingRun run) {
        contended += run.contended();
    }

    /** The server dies right after the provider has charged, and before it could write that down. */
    private BillingGateway mortal(HostApplication.HttpGateway gateway) {
        return new BillingGateway() {
            @Override
            public BillingOutcome bill(BillingRequest request) throws IOException, InterruptedException {
                BillingOutcome outcome = gateway.bill(request);
                dieIfTold();
                return outcome;
            }

            @Override
            public boolean canBeAsked() {
                return gateway.canBeAsked();
            }

            @Override
            public BillingOutcome find(BillingRequest request) throws IOException, InterruptedException {
                return gateway.find(request);
            }

            @Override
            public Duration idempotencyWindow() {
                return gateway.idempotencyWindow();
            }
        };
    }

    private void dieIfTold() {
        charged++;
        if (charged == dieAfter) {
            Runtime.getRuntime().halt(137);
        }
    }

    /** Reads what is pending, calls, marks. */
    private void billNaively(boolean withKeys) throws SQLException, IOException, InterruptedException {
        for (int invoice : pending()) {
            if (charge(invoice, withKeys ? "invoice-" + invoice : null)) {
                execute("update invoices set pending = false where id = " + invoice);
            }
        }
    }

    /** FOR UPDATE NOWAIT through the call, and nothing else. */
    private void billUnderRowLocks() throws SQLException, IOException, InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        List<Integer> left = pending();
        while (!left.isEmpty() && System.nanoTime() < end) {
            for (int invoice : left) {
                billUnderRowLock(invoice);
            }
            left = pending();
        }
    }

    private void billUnderRowLock(int invoice) throws SQLException, IOException, InterruptedException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            try (ResultSet row = statement.executeQuery(
                    "select 1 from invoices where id = " + invoice + " and pending for update nowait")) {
                if (row.next() && charge(invoice, null)) {
                    dieIfTold();
                    statement.execute("update invoices set pending = false where id = " + invoice);
                }
                connection.commit();
            } catch (SQLException e) {
                connection.rollback();
                if (!"55P03".equals(e.getSQLState())) {
                    throw e;
                }
                contended++;
            } finally {
                connection.setAutoCommit(true);
            }
        }
    }

    private boolean charge(int invoice, @Nullable String key) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(provider.resolve("/charges?invoice=" + invoice))
                .POST(HttpRequest.BodyPublishers.noBody());
        if (key != null) {
            request.header("Idempotency-Key", key);
        }
        return client.send(request.build(), HttpResponse.BodyHandlers.discarding())
                        .statusCode()
                == 200;
    }

    private List<Integer> pending() throws SQLException {
        List<Integer> pending = new ArrayList<>();
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select id from invoices where pending order by id")) {
            while (rows.next()) {
                pending.add(rows.getInt(1));
            }
        }
        return pending;
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
