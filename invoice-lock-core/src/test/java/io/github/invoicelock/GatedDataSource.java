package io.github.invoicelock;

import java.io.PrintWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A pool whose connections can be withheld for a while, or refused. */
final class GatedDataSource implements DataSource {
    private final DataSource pool;
    private final AtomicReference<@Nullable CountDownLatch> gate = new AtomicReference<>();
    private volatile boolean away;

    GatedDataSource(DataSource pool) {
        this.pool = pool;
    }

    /** Who asks for a connection waits from now on. */
    void shut() {
        gate.set(new CountDownLatch(1));
    }

    void open() {
        CountDownLatch shut = gate.getAndSet(null);
        if (shut != null) {
            shut.countDown();
        }
    }

    /** Who asks for a connection is told that there is none. */
    void away(boolean now) {
        away = now;
    }

    @Override
    public Connection getConnection() throws SQLException {
        CountDownLatch shut = gate.get();
        if (shut != null) {
            try {
                shut.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new SQLException("Interrupted while waiting for a connection", "08001", e);
            }
        }
        if (away) {
            throw new SQLException("The connection attempt failed.", "08001");
        }
        return pool.getConnection();
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        throw new SQLFeatureNotSupportedException();
    }

    @Override
    public @Nullable PrintWriter getLogWriter() throws SQLException {
        return pool.getLogWriter();
    }

    @Override
    public void setLogWriter(@Nullable PrintWriter out) throws SQLException {
        pool.setLogWriter(out);
    }

    @Override
    public void setLoginTimeout(int seconds) throws SQLException {
        pool.setLoginTimeout(seconds);
    }

    @Override
    public int getLoginTimeout() throws SQLException {
        return pool.getLoginTimeout();
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        return pool.getParentLogger();
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        throw new SQLFeatureNotSupportedException(type.getName());
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return false;
    }
}
