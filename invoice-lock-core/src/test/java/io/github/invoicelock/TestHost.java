package io.github.invoicelock;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A host application: a database of its own with a table of invoices, a journal, and a pool. */
final class TestHost implements AutoCloseable {
    private final PostgresDatabase database;
    private final HikariDataSource pool;
    private final List<AutoCloseable> open = new ArrayList<>();
    private final ReentrantLock keptIsFree = new ReentrantLock();
    /** A new session costs as much as forty statements. */
    private @Nullable Connection kept;

    TestHost() {
        this(16, true);
    }

    TestHost(int connections, boolean autoCommit) {
        this(PostgresServer.shared().createDatabaseLike(Template.DATABASE), connections, autoCommit);
        // Keys are made of it: no two hosts have the same.
        sql("update invoice_lock.installation set id = gen_random_uuid()");
    }

    private TestHost(PostgresDatabase database, int connections, boolean autoCommit) {
        this.database = database;
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(database.jdbcUrl());
        config.setMaximumPoolSize(connections);
        config.setMinimumIdle(0);
        config.setAutoCommit(autoCommit);
        config.setConnectionTimeout(20_000);
        pool = new HikariDataSource(config);
    }

    /** What every host has: written once for each JVM of tests, for it takes half of a short test's time. */
    private static void install(PostgresDatabase database) {
        DataSource direct = database.directDataSource(); // nobody may be connected when it is copied
        sql(
                direct,
                "create table invoices (id bigint primary key, pending boolean not null default true, amount numeric(12, 2) not null default 10.50, "
                        + "due_date date, state text not null default 'open', reference text, billed_at timestamptz)");
        sql(direct, "create index on invoices (id) where pending");
        InvoiceLockSchema.migrate(direct); // as docs/operations.md says
    }

    private static final class Template {
        private static final PostgresDatabase DATABASE = PostgresServer.shared().createDatabase();

        static {
            install(DATABASE);
        }
    }

    /** A host with so many pending invoices, 1, 2, …. */
    static TestHost withInvoices(int count) {
        TestHost host = new TestHost();
        host.invoices(count);
        return host;
    }

    /** A host whose database stores text in another encoding, as PostgreSQL names it. */
    static TestHost withEncoding(String encoding) {
        PostgresDatabase database = PostgresServer.shared().createDatabase(encoding);
        install(database);
        return new TestHost(database, 16, true);
    }

    void invoices(int count) {
        sql("insert into invoices (id, amount) select g, g * 1.10 from generate_series(1, " + count + ") g");
    }

    HikariDataSource dataSource() {
        return pool;
    }

    PostgresDatabase database() {
        return database;
    }

    /** A server of this host, with the time-outs of a test. */
    LockingInvoiceBiller.Builder server(BillingGateway provider) {
        return server(pool, provider);
    }

    /** The same over another DataSource. */
    LockingInvoiceBiller.Builder server(DataSource dataSource, BillingGateway provider) {
        return LockingInvoiceBiller.builder(dataSource, provider)
                .callTimeout(Duration.ofSeconds(10))
                .leaseMargin(Duration.ofSeconds(2))
                .waitTimeout(Duration.ofSeconds(10));
    }

    /** With slots for a thousand calls: two claim for one run, hundreds by one statement, and servers take turns at it. */
    LockingInvoiceBiller.Builder serverThatClaimsHundreds(BillingGateway provider, LockStrategy strategy) {
        return serverThatClaimsHundreds(pool, provider, strategy);
    }

    /** The same over another DataSource. */
    LockingInvoiceBiller.Builder serverThatClaimsHundreds(
            DataSource dataSource, BillingGateway provider, LockStrategy strategy) {
        return server(dataSource, provider)
                // A thousand threads may take long to start.
                .callTimeout(Duration.ofSeconds(60))
                .leaseMargin(Duration.ofSeconds(60))
                .lockStrategy(strategy)
                .lockScope(LockScope.CLAIM_ONLY)
                .concurrency(1_000);
    }

    /** Closed with the host, before its pool. */
    LockingInvoiceBiller running(LockingInvoiceBiller.Builder builder) {
        LockingInvoiceBiller biller = builder.build();
        open.add(biller);
        return biller;
    }

    /** A connection of the host's own, outside of the pool; closed with the host. */
    Connection connection() {
        try {
            Connection connection = database.dataSource().getConnection();
            open.add(connection);
            return connection;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A transaction of the host's own that holds an invoice's row. */
    Connection holding(long invoiceId) {
        Connection connection = connection();
        try {
            connection.setAutoCommit(false);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        execute(connection, "select 1 from invoices where id = " + invoiceId + " for update");
        return connection;
    }

    void sql(String sql) {
        if (sql.startsWith("set ")) {
            sql(database.dataSource(), sql);
        } else {
            between(connection -> {
                execute(connection, sql);
                return "";
            });
        }
    }

    @FunctionalInterface
    private interface Work {
        @Nullable
        String over(Connection connection) throws SQLException;
    }

    /** Over the connection that is kept for what a test asks for between its steps, or over another while that is used. */
    private @Nullable String between(Work work) {
        if (keptIsFree.tryLock()) {
            try {
                return work.over(kept());
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            } finally {
                keptIsFree.unlock();
            }
        }
        try (Connection connection = database.dataSource().getConnection()) {
            return work.over(connection);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Tests end sessions, and servers. */
    private Connection kept() throws SQLException {
        Connection usable = kept;
        if (usable == null || !usable.isValid(10)) {
            usable = database.dataSource().getConnection();
            kept = usable;
        }
        return usable;
    }

    private static void sql(DataSource dataSource, String sql) {
        try (Connection connection = dataSource.getConnection()) {
            execute(connection, sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    static void execute(Connection connection, String sql) {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    /** The first column of the first row, as text. */
    @Nullable
    String one(String sql) {
        return between(connection -> one(connection, sql));
    }

    /** The same over a connection of the host's. */
    static @Nullable String one(Connection connection, String sql) {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    int count(String table, String condition) {
        return Integer.parseInt(String.valueOf(one("select count(*) from " + table + " where " + condition)));
    }

    boolean pending(long invoiceId) {
        return "t".equals(one("select pending from invoices where id = " + invoiceId));
    }

    @Nullable
    String state(long invoiceId) {
        return one("select state from invoice_lock.billing_attempt where invoice_id = '" + invoiceId
                + "' order by number desc limit 1");
    }

    /** Moves the clock of an invoice's attempts: everything in the journal happened so much earlier. */
    void letTimePass(long invoiceId, Duration time) {
        String seconds = time.toMillis() / 1000.0 + " * interval '1 second'";
        sql("update invoice_lock.billing_attempt set started_at = started_at - " + seconds + ", due_at = due_at - "
                + seconds + ", lease_until = lease_until - " + seconds + " where invoice_id = '" + invoiceId + "'");
    }

    @Override
    public void close() {
        for (AutoCloseable each : open) {
            try {
                each.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
        pool.close();
        leave();
        database.close();
    }

    /** Closes the connection of the host's own, for what nobody may be connected to. */
    void leave() {
        keptIsFree.lock();
        try {
            if (kept != null) {
                kept.close();
                kept = null;
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        } finally {
            keptIsFree.unlock();
        }
    }
}
