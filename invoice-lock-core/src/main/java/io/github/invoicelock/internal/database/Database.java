package io.github.invoicelock.internal.database;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.internal.errors.Errors;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.errors.SqlStates;
import java.sql.Connection;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.SQLDialect;
import org.jooq.conf.Settings;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * The one door to the database: every transaction of the library begins and ends here, with the settings of R9, refused inside of
 * another's transaction (R13), and with errors told apart. Thread-safe.
 */
public final class Database {
    // What an invoice contains has no business in a log: jOOQ would print results at DEBUG.
    private static final Settings SETTINGS = new Settings().withExecuteLogging(false);

    private static final String COMMIT = "; commit";

    private final Connections connections;
    private final Server server;
    private final SessionSettings momentary;
    private final Semaphore connectionsLeft;
    private final Map<SessionSettings, Prelude> preludes = new ConcurrentHashMap<>();

    private Database(Connections connections, Server server, SessionSettings momentary, int atMost) {
        this.connections = connections;
        this.server = server;
        this.momentary = momentary;
        this.connectionsLeft = new Semaphore(atMost, true);
    }

    /** A door without a bound of its own on connections. */
    public static Database of(DataSource dataSource, Server server, SessionSettings momentary) {
        return new Database(new Connections(dataSource, server), server, momentary, Integer.MAX_VALUE);
    }

    /**
     * The same door, through which only so many connections are out at a time. Nobody holds one while waiting for another, nor through a
     * call: what a transaction waits for is bounded (R17), and with it the wait for a connection.
     */
    public Database atMost(int most) {
        return new Database(connections, server, momentary, most);
    }

    /** Whether rows are on several nodes (Citus), where none are locked but by statements that name one invoice. */
    public boolean distributed() {
        return server.citus();
    }

    /** How a text of the host's is made one that this database can store. */
    public StorableText storableText() {
        return StorableText.on(server);
    }

    /** Runs one momentary transaction, as {@link #inTransaction(SessionSettings, Function)} does. */
    public <T extends @Nullable Object> T inTransaction(Function<DSLContext, T> work) {
        return inTransaction(momentary, work);
    }

    /** Runs one momentary transaction, as {@link #inTransaction(SessionSettings, Request, BiFunction)} does. */
    public <A extends @Nullable Object, T extends @Nullable Object> T inTransaction(
            Request<A> first, BiFunction<DSLContext, A, T> work) {
        return inTransaction(momentary, first, work);
    }

    /**
     * Runs one transaction: commits if the work returns, rolls back if it throws. The work must not commit.
     *
     * @throws LockNotAvailableException if another holds a row that was to be locked
     * @throws DatabaseException for every other database error
     */
    public <T extends @Nullable Object> T inTransaction(SessionSettings settings, Function<DSLContext, T> work) {
        return transact(settings, tx -> {
            prelude(settings).run(tx);
            return work.apply(tx);
        });
    }

    /** The same, with its first request in one round trip with its settings. */
    public <A extends @Nullable Object, T extends @Nullable Object> T inTransaction(
            SessionSettings settings, Request<A> first, BiFunction<DSLContext, A, T> work) {
        return transact(settings, tx -> work.apply(tx, first.in(tx, prelude(settings), "")));
    }

    /** Runs one momentary transaction of one request alone, as {@link #atOnce(SessionSettings, Request)} does. */
    public <T extends @Nullable Object> T atOnce(Request<T> request) {
        return atOnce(momentary, request);
    }

    /** Runs one transaction of one request alone, in one round trip with its settings and its commit. Errors as of a transaction. */
    public <T extends @Nullable Object> T atOnce(SessionSettings settings, Request<T> request) {
        return transact(settings, tx -> request.in(tx, prelude(settings), COMMIT));
    }

    /** Asks a transaction's last request, in one round trip with its commit: nothing may follow in it. */
    public static <T extends @Nullable Object> T askAndCommit(DSLContext tx, Request<T> last) {
        return last.in(tx, Prelude.NONE, COMMIT);
    }

    /**
     * The same under other settings than those that the transaction began with, in the same round trip. What the first ones switched off
     * stays off.
     */
    public <T extends @Nullable Object> T askAndCommit(DSLContext tx, SessionSettings settings, Request<T> last) {
        tx.connection(connection ->
                connections.bound(connection, settings.waits(server).silence()));
        return last.in(tx, prelude(settings), COMMIT);
    }

    private <T extends @Nullable Object> T transact(SessionSettings settings, Function<DSLContext, T> work) {
        connectionsLeft.acquireUninterruptibly();
        try {
            return connections.transact(settings.waits(server), connection -> work.apply(over(connection)));
        } finally {
            connectionsLeft.release();
        }
    }

    private Prelude prelude(SessionSettings settings) {
        return preludes.computeIfAbsent(settings, s -> Prelude.of(s.statements(server)));
    }

    /** jOOQ over a connection whose transaction is the host's: nothing is set, committed or closed here. */
    public static DSLContext over(Connection connection) {
        return DSL.using(connection, SQLDialect.POSTGRES, SETTINGS);
    }

    /** Runs statements in the host's transaction, with the same errors as {@link #inTransaction}. */
    public static <T extends @Nullable Object> T translatingErrors(Supplier<T> work) {
        try {
            return work.get();
        } catch (DataAccessException e) {
            throw Errors.translated(e);
        }
    }

    /**
     * Asks for row locks: here alone SQLSTATEs 55P03 and 40001 are contention. Elsewhere they are errors like any other: a table that is
     * being altered, say.
     */
    static <T extends @Nullable Object> T lockingRows(Supplier<T> statement) {
        try {
            return statement.get();
        } catch (DataAccessException e) {
            if (SqlStates.contended(e)) {
                throw new LockNotAvailableException(e);
            }
            throw e;
        }
    }

    /**
     * Works in the host's transaction, waiting for a lock no longer than so. Whatever comes of it, the host's transaction can go on, with its
     * own settings: if the work is not kept, or fails, as if nothing had been tried, and without a lock of it. The work takes its lock,
     * then says whether what it did is to be kept.
     *
     * @return false if another holds the lock, or the work said so
     */
    public static boolean tryPatiently(DSLContext tx, Duration patience, BooleanSupplier work) {
        return translatingErrors(() -> new HostTransaction(tx).tryPatiently(patience, work));
    }
}
