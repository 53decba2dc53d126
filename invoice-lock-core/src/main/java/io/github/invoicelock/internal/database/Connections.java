package io.github.invoicelock.internal.database;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.errors.Errors;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.errors.Waits;
import io.github.invoicelock.internal.errors.WorkFailure;
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
        this.dataSource = dataSource;
        this.autoCommit = server.autoCommit();
    }

    /**
     * R17: bounds the driver's own DataSource, where the host has set no loginTimeout. A pool has a bound of its own. It is asked each time,
     * since the host may have changed its user or password.
     */
    static Connection connect(DataSource dataSource) throws SQLException {
        if (dataSource.getClass() != PGSimpleDataSource.class
                || ((PGSimpleDataSource) dataSource).getLoginTimeout() != 0) {
            return dataSource.getConnection();
        }
        PGSimpleDataSource host = (PGSimpleDataSource) dataSource;
        PGSimpleDataSource same = new PGSimpleDataSource();
        same.setURL(host.getURL());
        same.setUser(host.getUser());
        same.setPassword(host.getPassword());
        same.setLoginTimeout(SECONDS_TO_CONNECT);
        return same.getConnection();
    }

    /** A connection that is out, and how it came. */
    private record Taken(Connection connection, boolean autoCommits, int networkTimeout) {}

    /** Commits if the work returns, rolls back if it throws. No wait is longer than said. */
    <T extends @Nullable Object> T transact(Waits waits, Function<Connection, T> work) {
        try {
            Taken taken = take(waits.silence());
            Throwable failure = null;
            boolean ended = false;
            try {
                if (taken.autoCommits()) {
                    taken.connection().setAutoCommit(false);
                }
                T result = work.apply(taken.connection());
                taken.connection().commit();
                ended = true;
                return result;
            } catch (Throwable e) {
                failure = e;
                ended = rolledBack(taken.connection(), e);
                throw e;
            } finally {
                giveBack(taken, ended, failure);
            }
        } catch (DataAccessException | SQLException e) {
            throw Errors.translated(e, waits);
        }
    }

    /** Bounds what the rest of a transaction waits for. */
    void bound(Connection connection, Duration silence) throws SQLException {
        networkTimeout.set(connection, silence);
    }

    private Connection connection() {
        try {
            return connect(dataSource);
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
     * Says whether the connection may be used again. One that is lost is not rolled back: that would be to wait once more for a server that
     * says nothing. Nor is one that another thread may still use.
     */
    private static boolean rolledBack(Connection connection, Throwable cause) {
        try {
            if (SqlStates.connectionLost(cause) || inUse(cause)) {
                return false;
            }
            connection.rollback();
            if (SqlStates.stalePlan(cause)) {
                forgetPlans(connection);
            }
            return true;
        } catch (Throwable e) {
            // R20: an Error of the host's connection, too, must not hide what failed before.
            alsoFailed(cause, e);
            return false;
        }
    }

    private static boolean inUse(Throwable cause) {
        return SqlStates.causes(cause).anyMatch(each -> each instanceof WorkFailure work && work.connectionInUse());
    }

    private static void forgetPlans(Connection connection) throws SQLException {
        try (var statement = connection.prepareStatement("deallocate all")) {
            statement.execute();
            connection.commit();
        }
    }

    /**
     * A connection whose transaction has not ended is cut: to switch autocommit on would commit it. After a commit nothing is lost: at worst
     * the connection is broken, which its pool will notice.
     */
    private static void giveBack(Taken taken, boolean ended, @Nullable Throwable failure) {
        try (Connection connection = taken.connection()) {
            if (connection.isClosed()) {
                return;
            }
            if (!ended) {
                connection.abort(Runnable::run);
                return;
            }
            if (taken.autoCommits()) {
                connection.setAutoCommit(true);
            }
            NetworkTimeout.restore(connection, taken.networkTimeout());
        } catch (Throwable e) {
            alsoFailed(failure, e);
        }
    }

    private static void alsoFailed(@Nullable Throwable failure, Throwable e) {
        if (failure != null && failure != e) {
            failure.addSuppressed(e);
        }
    }
}
