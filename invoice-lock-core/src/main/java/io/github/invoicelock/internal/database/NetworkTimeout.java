package io.github.invoicelock.internal.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.LoggerFactory;

/** Bounds how long a connection waits for a server that says nothing (R17). */
final class NetworkTimeout {
    /** What stands for a connection that has no such bound. */
    private static final int UNKNOWN = -1;

    private final AtomicBoolean told = new AtomicBoolean();

    /** Says what it was. */
    int set(Connection connection, Duration bound) throws SQLException {
        try {
            int before = connection.getNetworkTimeout();
            connection.setNetworkTimeout(Runnable::run, (int) bound.toMillis());
            return before;
        } catch (SQLFeatureNotSupportedException | AbstractMethodError | UnsupportedOperationException e) {
            if (told.compareAndSet(false, true)) {
                tell(connection, e);
            }
            return UNKNOWN;
        }
    }

    static void restore(Connection connection, int before) throws SQLException {
        if (before != UNKNOWN && !connection.isClosed()) {
            connection.setNetworkTimeout(Runnable::run, before);
        }
    }

    private static void tell(Connection connection, Throwable e) {
        LoggerFactory.getLogger("io.github.invoicelock")
                .warn(
                        "{} knows no setNetworkTimeout ({}): a network that swallows packets would hang this server. Say socketTimeout in "
                                + "the JDBC URL, more than two minutes, or take a pool that knows it.",
                        connection.getClass().getName(),
                        e.toString());
    }
}
