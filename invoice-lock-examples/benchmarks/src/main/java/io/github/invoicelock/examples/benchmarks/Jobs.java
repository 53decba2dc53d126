package io.github.invoicelock.examples.benchmarks;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/** What the schedulers have in common: a job for each invoice, which charges it and marks it. */
final class Jobs {
    private static final long LOOK_EVERY_MILLIS = 20;

    private final Job job;
    private final Provider provider;
    private final DataSource pool;

    Jobs(Job job, Provider provider, DataSource pool) {
        this.job = job;
        this.provider = provider;
        this.pool = pool;
    }

    /** The host's work: as short as it can be. */
    void bill(long invoice) throws SQLException, InterruptedException {
        provider.charge(invoice);
        try (Connection connection = pool.getConnection();
                PreparedStatement mark =
                        connection.prepareStatement("update invoices set pending = false where id = ?")) {
            mark.setLong(1, invoice);
            mark.executeUpdate();
        }
    }

    /** The invoices to make jobs of. */
    List<Long> pending() throws SQLException {
        List<Long> ids = new ArrayList<>();
        try (Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select id from invoices where pending order by id")) {
            while (rows.next()) {
                ids.add(rows.getLong(1));
            }
        }
        return ids;
    }

    /** Until no invoice is pending, or the time is over. */
    void awaitDone() throws SQLException {
        long end = System.nanoTime() + job.longest().toNanos();
        try (Connection connection = pool.getConnection();
                PreparedStatement look =
                        connection.prepareStatement("select exists (select from invoices where pending)")) {
            boolean left = true;
            while (left && System.nanoTime() < end) {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_EVERY_MILLIS));
                try (ResultSet row = look.executeQuery()) {
                    row.next();
                    left = row.getBoolean(1);
                }
            }
        }
    }
}
