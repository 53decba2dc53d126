package io.github.invoicelock.examples.benchmarks;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.Queue;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The row's lock held through the call, and no journal: what most applications would write. Fast, and a server that dies between the
 * charge and its commit leaves an invoice that is billed again.
 */
final class RowLock implements Contestant {
    private static final int PAGE = 500;
    private static final String LOCK_NOT_AVAILABLE = "55P03";

    private final Job job;
    private final Provider provider;
    private final boolean skipsLocked;
    private final Queue<Long> candidates = new ArrayDeque<>();
    private final String billable;
    private long lastCandidate;
    private boolean noMoreCandidates;
    private @Nullable DataSource pool;

    RowLock(Job job, Provider provider, boolean skipsLocked) {
        this.job = job;
        this.provider = provider;
        this.skipsLocked = skipsLocked;
        this.billable = job.mix() == Mix.HALF_NOT_BILLABLE ? " and billable" : "";
    }

    @Override
    public void prepare(boolean first) {
        // A thread and a connection for each call.
        pool = job.pool(job.slots().connections());
    }

    @Override
    public void bill() throws Exception {
        long end = System.nanoTime() + job.longest().toNanos();
        Threads.run(job.slots().connections(), () -> {
            try (Connection connection = Objects.requireNonNull(pool).getConnection()) {
                connection.setAutoCommit(false);
                if (skipsLocked) {
                    billSkippingLocked(connection, end);
                } else {
                    billPages(connection, end);
                }
            }
            return null;
        });
    }

    /** One statement finds and locks. The position only moves forward, so that no thread reads the dead entries of the index again. */
    private void billSkippingLocked(Connection connection, long end) throws SQLException, InterruptedException {
        try (PreparedStatement lock =
                        connection.prepareStatement("select id, amount, currency, customer_id, description "
                                + "from invoices where pending and id > ?" + billable
                                + " order by id limit 1 for update skip locked");
                PreparedStatement mark = marking(connection)) {
            long position = 0;
            while (System.nanoTime() < end) {
                lock.setLong(1, position);
                long invoice = first(lock);
                if (invoice > 0) {
                    charge(connection, mark, invoice);
                } else {
                    connection.commit();
                    if (position == 0) {
                        return;
                    }
                }
                position = Math.max(0, invoice);
            }
        }
    }

    /** Pages of candidates without locks, then each by its id with NOWAIT: what another holds is left to it. */
    private void billPages(Connection connection, long end) throws SQLException, InterruptedException {
        try (PreparedStatement page = connection.prepareStatement(
                        "select id from invoices where pending and id > ?" + billable + " order by id limit " + PAGE);
                PreparedStatement lock =
                        connection.prepareStatement("select id, amount, currency, customer_id, description "
                                + "from invoices where id = ? and pending" + billable + " for update nowait");
                PreparedStatement mark = marking(connection)) {
            for (long candidate = next(page); candidate > 0 && System.nanoTime() < end; candidate = next(page)) {
                try {
                    lock.setLong(1, candidate);
                    long invoice = first(lock);
                    if (invoice > 0) {
                        charge(connection, mark, invoice);
                    } else {
                        connection.commit();
                    }
                } catch (SQLException e) {
                    connection.rollback();
                    if (!LOCK_NOT_AVAILABLE.equals(e.getSQLState())) {
                        throw e;
                    }
                }
            }
        }
    }

    private void charge(Connection connection, PreparedStatement mark, long invoice)
            throws SQLException, InterruptedException {
        provider.charge(invoice);
        mark.setLong(1, invoice);
        mark.executeUpdate();
        connection.commit();
    }

    private long next(PreparedStatement page) throws SQLException {
        synchronized (candidates) {
            if (candidates.isEmpty() && !noMoreCandidates) {
                page.setLong(1, lastCandidate);
                try (ResultSet rows = page.executeQuery()) {
                    while (rows.next()) {
                        lastCandidate = rows.getLong(1);
                        candidates.add(lastCandidate);
                    }
                }
                noMoreCandidates = candidates.isEmpty();
            }
            Long next = candidates.poll();
            return next == null ? 0 : next;
        }
    }

    private static PreparedStatement marking(Connection connection) throws SQLException {
        return connection.prepareStatement("update invoices set pending = false where id = ?");
    }

    /** The id of the first row; 0 if there is none. */
    private static long first(PreparedStatement statement) throws SQLException {
        try (ResultSet row = statement.executeQuery()) {
            return row.next() ? row.getLong(1) : 0;
        }
    }
}
