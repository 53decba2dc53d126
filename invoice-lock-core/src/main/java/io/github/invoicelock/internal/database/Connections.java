package io.github.invoicelock.internal.database;

import io.github.invoicelock.SetupException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Takes connections from the host's DataSource and gives them back as they came. One is refused that is in a transaction (R13), none waits
 * without a bound (R17), and one that is lost is not waited for again.
 */
final class Connections {
    /** The driver by itself waits for ever for a server that accepts a connection and says nothing. */
    private static final int SECONDS_TO_CONNECT = 15;

    private final DataSource dataSource;
    private final boolean autoCommit;
    private final NetworkTimeout networkTimeout = new NetworkTimeout();

    Connections(DataSource dataSource, Server server) {
        this.dataSource = bounded(dataSource);
        this.autoCommit = server.autoCommit();
    }

    /** R17: the driver's own DataSource, where the host has set no loginTimeout. A pool has a bound of its own. */
    static DataSource bounded(DataSource dataSource) {
        if (dataSource.getClass() != PGSimpleDataSource.class
                || ((PGSimpleDataSource) dataSource).getLoginTimeout() != 0) {
            return dataSource;
        }
        PGSimpleDataSource host = (PGSimpleDataSource) dataSource;
        PGSimpleDataSource same = new PGSimpleDataSource();
        same.setURL(host.getURL());
        same.setUser(host.getUser());
        same.setPassword(host.getPassword());
        same.setLoginTimeout(SECONDS_TO_CONNECT);
        return same;
    }

    /** A connection that is out, and how it came. */
    private record Taken(Connection connection, boolean autoCommits, int networkTimeout) {}

    /** Commits if the work returns, rolls back if it throws. No wait is longer than {@code silence}. */
    <T extends @Nullable Object> T transact(Duration silence, Function<Connection, T> work) {
        try {
            Taken taken = take(silence);
            Throwable failure = null;
            try {
                if (taken.autoCommits()) {
                    taken.connection().setAutoCommit(false);
                }
                T result = work.apply(taken.connection());
                taken.connection().commit();
                return result;
            } catch (Throwable e) {
                failure = e;
                end(taken.connection(), e);
                throw e;
            } finally {
                giveBack(taken, failure);
            }
        } catch (DataAccessException | SQLException e) {
            throw Errors.translated(e, silence);
        }
    }

    /** Bounds what the rest of a transaction waits for. */
    void bound(Connection connection, Duration silence) throws SQLException {
        networkTimeout.set(connection, silence);
    }

    private Connection connection() {
        try {
            return dataSource.getConnection();
        } catch (SQLException e) {
            throw Errors.noConnection(e);
        }
    }

    private Taken take(Duration silence) throws SQLException {
        Connection connection = connection();
        Taken taken = null;
        try {
            boolean autoCommits = connection.getAutoCommit();
            // R13: the commit of another's transaction would not be ours to give, and R1 would be a lie.
            if (hasBegun(connection) || (autoCommit && !autoCommits)) {
                throw openTransaction();
            }
            taken = new Taken(connection, autoCommits, networkTimeout.set(connection, silence));
            return taken;
        } finally {
            if (taken == null) {
                connection.close();
            }
        }
    }

    static boolean hasBegun(Connection connection) throws SQLException {
        return connection.isWrapperFor(BaseConnection.class)
                && connection.unwrap(BaseConnection.class).getTransactionState() != TransactionState.IDLE;
    }

    static SetupException openTransaction() {
        return new SetupException(
                "The DataSource gave a connection that is in an open transaction; what is journaled before the provider is called "
                        + "would not be committed. Call the biller outside of your transaction (not under @Transactional), or give it "
                        + "a DataSource that is not transaction-aware.");
    }

    /**
     * A connection that is lost is cut: to roll it back would be to wait once more for a server that says nothing. So is one that cannot be
     * rolled back: to switch autocommit on would commit.
     */
    private static void end(Connection connection, Throwable cause) {
        try {
            if (SqlStates.connectionLost(cause)) {
                cut(connection, cause);
                return;
            }
            connection.rollback();
            if (SqlStates.stalePlan(cause)) {
                forgetPlans(connection);
            }
        } catch (SQLException e) {
            cause.addSuppressed(e);
            cut(connection, cause);
        }
    }

    private static void cut(Connection connection, Throwable cause) {
        try {
            if (!connection.isClosed()) {
                connection.abort(Runnable::run);
            }
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    private static void forgetPlans(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement("deallocate all")) {
            statement.execute();
            connection.commit();
        }
    }

    /** After a commit the transaction is done and nothing is lost: at worst the connection is broken, which its pool will notice. */
    private static void giveBack(Taken taken, @Nullable Throwable failure) {
        try (Connection connection = taken.connection()) {
            if (connection.isClosed()) {
                return;
            }
            if (taken.autoCommits()) {
                connection.setAutoCommit(true);
            }
            NetworkTimeout.restore(connection, taken.networkTimeout());
        } catch (SQLException e) {
            if (failure != null) {
                failure.addSuppressed(e);
            }
        }
    }
}
