package io.github.invoicelock.internal.database;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.SetupException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.conf.Settings;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import org.postgresql.core.BaseConnection;
import org.postgresql.core.TransactionState;
import org.postgresql.util.PSQLException;

/**
 * The one door to the database: every transaction of the library begins and ends here, with the settings of R9, refused inside of
 * another's transaction (R13), and with errors told apart. Thread-safe.
 */
public final class Database {
    /** The SQLSTATE of a lock that another session holds. */
    public static final String LOCK_NOT_AVAILABLE = "55P03";

    // What an invoice contains has no business in a log: jOOQ would print results at DEBUG.
    private static final Settings SETTINGS = new Settings().withExecuteLogging(false);

    /** Where PostgreSQL finds that a prepared statement's columns are not the table's any more. */
    private static final Set<String> STALE =
            Set.of("RevalidateCachedQuery", "CheckVarSlotCompatibility", "tupledesc_match");

    /** More than a pool has. */
    private static final int MOST_CONNECTIONS = 100;

    private final DataSource dataSource;
    private final Server server;
    private final @Nullable Semaphore connections;
    private final SessionSettings momentary;
    private final Map<SessionSettings, String> before = new ConcurrentHashMap<>();

    private Database(DataSource dataSource, Server server, SessionSettings momentary, @Nullable Semaphore connections) {
        this.dataSource = dataSource;
        this.server = server;
        this.momentary = momentary;
        this.connections = connections;
    }

    /**
     * A door without a bound of its own on connections.
     *
     * @param dataSource the host's
     * @param server what the server said of itself
     * @param momentary for transactions that say nothing else
     * @return the door
     */
    public static Database of(DataSource dataSource, Server server, SessionSettings momentary) {
        return new Database(dataSource, server, momentary, null);
    }

    /**
     * The same door, through which only so many connections are out at a time. Nobody holds one while waiting for another.
     *
     * @param most positive
     * @return the narrower door
     */
    public Database atMost(int most) {
        return new Database(dataSource, server, momentary, new Semaphore(most, true));
    }

    /**
     * Whether rows are on several nodes (Citus), where none are locked but by statements that name one invoice.
     *
     * @return true on Citus
     */
    public boolean distributed() {
        return server.citus();
    }

    /**
     * Runs one momentary transaction, as {@link #inTransaction(SessionSettings, Function)} does.
     *
     * @param <T> the result's type
     * @param work must not commit
     * @return what the work returned
     */
    public <T extends @Nullable Object> T inTransaction(Function<DSLContext, T> work) {
        return inTransaction(momentary, work);
    }

    /**
     * Runs one momentary transaction, as {@link #inTransaction(SessionSettings, Request, BiFunction)} does.
     *
     * @param <A> the first request's answer
     * @param <T> the result's type
     * @param first what is asked first
     * @param work must not commit
     * @return what the work returned
     */
    public <A extends @Nullable Object, T extends @Nullable Object> T inTransaction(
            Request<A> first, BiFunction<DSLContext, A, T> work) {
        return inTransaction(momentary, first, work);
    }

    /**
     * Runs one transaction whose first request goes in one round trip with its settings: commits if the work returns, rolls back if it
     * throws.
     *
     * @param <A> the first request's answer
     * @param <T> the result's type
     * @param settings local to this transaction
     * @param first what is asked first
     * @param work must not commit
     * @return what the work returned
     * @throws LockNotAvailableException if another holds a row that was to be locked
     * @throws DatabaseException for every other database error
     */
    public <A extends @Nullable Object, T extends @Nullable Object> T inTransaction(
            SessionSettings settings, Request<A> first, BiFunction<DSLContext, A, T> work) {
        return bounded(() -> transact(tx -> work.apply(tx, first.in(tx, before(settings), ""))));
    }

    /**
     * Runs one momentary transaction of one request alone, as {@link #atOnce(SessionSettings, Request)} does.
     *
     * @param <T> the request's answer
     * @param request all that it does
     * @return the answer
     */
    public <T extends @Nullable Object> T atOnce(Request<T> request) {
        return atOnce(momentary, request);
    }

    /**
     * Runs one transaction of one request alone, in one round trip with its settings and its commit.
     *
     * @param <T> the request's answer
     * @param settings local to this transaction
     * @param request all that it does
     * @return the answer
     * @throws LockNotAvailableException if another holds a row that was to be locked
     * @throws DatabaseException for every other database error
     */
    public <T extends @Nullable Object> T atOnce(SessionSettings settings, Request<T> request) {
        return bounded(() -> transact(tx -> request.in(tx, before(settings), "; commit")));
    }

    /**
     * Asks under other settings than those that the transaction began with, in the same round trip.
     *
     * @param <T> the answer
     * @param tx the transaction
     * @param settings for the rest of it; what the work of the first ones switched off stays off
     * @param request what is asked
     * @return the answer
     */
    public <T extends @Nullable Object> T ask(DSLContext tx, SessionSettings settings, Request<T> request) {
        return request.in(tx, before(settings), "");
    }

    /**
     * Runs one transaction: commits if the work returns, rolls back if it throws.
     *
     * @param <T> the result's type
     * @param settings local to this transaction
     * @param work must not commit
     * @return what the work returned
     * @throws LockNotAvailableException if another holds a row that was to be locked
     * @throws DatabaseException for every other database error
     */
    public <T extends @Nullable Object> T inTransaction(SessionSettings settings, Function<DSLContext, T> work) {
        return bounded(() -> transact(tx -> {
            begin(tx, settings);
            return work.apply(tx);
        }));
    }

    private <T extends @Nullable Object> T bounded(Supplier<T> transaction) {
        if (connections == null) {
            return transaction.get();
        }
        connections.acquireUninterruptibly();
        try {
            return transaction.get();
        } finally {
            connections.release();
        }
    }

    /**
     * Runs a transaction again that failed because the host altered its table: a statement over all columns, which a connection had
     * prepared before, answers with other columns now. Each failure has dropped what one connection of the pool had prepared.
     *
     * @param <T> the result's type
     * @param transaction a whole one, without effect outside of it: what failed was rolled back
     * @return what it returned
     */
    public static <T extends @Nullable Object> T withPlansAnew(Supplier<T> transaction) {
        for (int tries = 1; ; tries++) {
            try {
                return transaction.get();
            } catch (DatabaseException e) {
                if (tries == MOST_CONNECTIONS || !isStalePlan(e)) {
                    throw e;
                }
            }
        }
    }

    /** By the server's routine, as the driver tells it: the message is in the server's language. */
    private static boolean isStalePlan(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof PSQLException error && error.getServerErrorMessage() != null) {
                return STALE.contains(
                        String.valueOf(error.getServerErrorMessage().getRoutine()));
            }
        }
        return false;
    }

    /**
     * jOOQ over a connection whose transaction is the host's: nothing is set, committed or closed here.
     *
     * @param connection the host's, in a transaction
     * @return for statements in that transaction
     */
    public static DSLContext over(Connection connection) {
        return DSL.using(connection, SQLDialect.POSTGRES, SETTINGS);
    }

    /**
     * Runs statements in the host's transaction, with the same errors as {@link #inTransaction}.
     *
     * @param <T> the result's type
     * @param work the statements
     * @return what the work returned
     */
    public static <T extends @Nullable Object> T translatingErrors(Supplier<T> work) {
        try {
            return work.get();
        } catch (DataAccessException e) {
            throw translated(e.sqlState(), e);
        }
    }

    /**
     * Asks for row locks: here alone SQLSTATE 55P03 is contention. Elsewhere it is an error like any other: a table that is being
     * altered, say.
     *
     * @param <T> the result's type
     * @param statement the one that locks
     * @return what it returned
     * @throws LockNotAvailableException if another holds a row that it asked for
     */
    static <T extends @Nullable Object> T lockingRows(Supplier<T> statement) {
        try {
            return statement.get();
        } catch (DataAccessException e) {
            if (LOCK_NOT_AVAILABLE.equals(e.sqlState())) {
                throw new LockNotAvailableException(e);
            }
            throw e;
        }
    }

    /**
     * Works in the host's transaction, waiting for a lock no longer than so; the host's own {@code lock_timeout} stays what it was.
     *
     * @param tx over the host's connection
     * @param patience positive
     * @param work takes its lock, then says whether what it did is to be kept
     * @return false if another holds the lock, or the work said so: the host's transaction goes on as if nothing had been tried, and
     *     holds no lock of it
     */
    public static boolean tryPatiently(DSLContext tx, java.time.Duration patience, BooleanSupplier work) {
        Record before = tx.fetchSingle(
                "select current_setting('lock_timeout'), current_setting('citus.propagate_set_commands', true)");
        tx.execute("savepoint invoice_lock");
        boolean kept;
        try {
            if (before.get(1) != null) {
                tx.execute("set local citus.propagate_set_commands = 'local'");
            }
            setLockTimeout(tx, patience.toMillis() + "ms");
            kept = work.getAsBoolean();
        } catch (LockNotAvailableException e) {
            kept = false;
        } catch (DataAccessException e) {
            if (!LOCK_NOT_AVAILABLE.equals(e.sqlState())) {
                throw translated(e.sqlState(), e);
            }
            kept = false;
        }
        if (kept) {
            setLockTimeout(tx, before.get(0, String.class));
            if (before.get(1) != null) {
                tx.execute("set local citus.propagate_set_commands = {0}", DSL.inline(before.get(1, String.class)));
            }
            tx.execute("release savepoint invoice_lock");
        } else {
            tx.execute("rollback to savepoint invoice_lock");
        }
        return kept;
    }

    private static void setLockTimeout(DSLContext tx, String value) {
        // SET, not set_config(): Citus hands only the former on to its workers.
        tx.execute("set local lock_timeout = {0}", DSL.inline(value));
    }

    private <T extends @Nullable Object> T transact(Function<DSLContext, T> work) {
        try (Connection connection = connection()) {
            boolean autoCommit = connection.getAutoCommit();
            refuseOpenTransaction(connection, autoCommit);
            if (autoCommit) {
                connection.setAutoCommit(false);
            }
            Throwable failure = null;
            try {
                T result = work.apply(over(connection));
                connection.commit();
                return result;
            } catch (Throwable e) {
                failure = e;
                rollback(connection, e);
                if (isStalePlan(e)) {
                    forgetPlans(connection, e);
                }
                throw e;
            } finally {
                if (autoCommit) {
                    restoreAutoCommit(connection, failure);
                }
            }
        } catch (DataAccessException e) {
            throw translated(e.sqlState(), e);
        } catch (SQLException e) {
            throw translated(e.getSQLState(), e);
        }
    }

    private Connection connection() {
        try {
            return dataSource.getConnection();
        } catch (SQLException e) {
            throw new DatabaseException(
                    "The DataSource gave no connection (SQLSTATE " + e.getSQLState() + "): " + e.getMessage()
                            + ". If its pool is exhausted, make it larger: with lockScope THROUGH_CALL a biller needs one more than "
                            + "concurrency, with CLAIM_ONLY at most 4.",
                    e.getSQLState(),
                    e);
        }
    }

    // R13: the commit of another's transaction would not be ours to give, and R1 would be a lie.
    private void refuseOpenTransaction(Connection connection, boolean autoCommit) throws SQLException {
        if (hasBegun(connection) || (server.autoCommit() && !autoCommit)) {
            throw openTransaction();
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

    private void begin(DSLContext tx, SessionSettings settings) {
        execute(tx, settings.sql(server));
    }

    private static void execute(DSLContext tx, String sql) {
        tx.connection(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                statement.execute();
            }
        });
    }

    private String before(SessionSettings settings) {
        return before.computeIfAbsent(settings, s -> s.sql(server) + "; ");
    }

    private static void rollback(Connection connection, Throwable cause) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    private static void forgetPlans(Connection connection, Throwable cause) {
        try (PreparedStatement statement = connection.prepareStatement("deallocate all")) {
            statement.execute();
            connection.commit();
        } catch (SQLException e) {
            cause.addSuppressed(e);
        }
    }

    private static void restoreAutoCommit(Connection connection, @Nullable Throwable failure) throws SQLException {
        try {
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            // After a commit the transaction is done and nothing is lost: only the connection is broken, which its pool
            // will notice.
            if (failure != null) {
                failure.addSuppressed(e);
            }
        }
    }

    private static RuntimeException translated(@Nullable String sqlState, Exception cause) {
        Throwable root = cause;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        if (LOCK_NOT_AVAILABLE.equals(sqlState)) {
            return new DatabaseException(
                    "A lock was not free within lock_timeout (SQLSTATE 55P03), because another session holds a table (ALTER TABLE, VACUUM "
                            + "FULL, LOCK TABLE) or a row for longer than that; try again when it has ended. The database says: "
                            + root.getMessage(),
                    sqlState,
                    cause);
        }
        return new DatabaseException(
                "The database answered with an error (SQLSTATE " + sqlState + "): " + root.getMessage(),
                sqlState,
                cause);
    }
}
