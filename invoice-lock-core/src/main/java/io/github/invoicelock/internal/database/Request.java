package io.github.invoicelock.internal.database;

import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jooq.DSLContext;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;

/**
 * Something to be asked of the database: one statement, or several that go there and back in one round trip, one after the other.
 *
 * @param <T> what its rows are read as
 */
public abstract sealed class Request<T extends @Nullable Object> {
    private Request() {}

    /** One statement, and a value for each of its names; no nulls. */
    public static <T extends @Nullable Object> Request<T> of(
            Prepared statement, Map<String, ?> bound, Function<Rows, T> reader) {
        return new One<>(statement, bound, reader, false);
    }

    /** One statement that asks for a row's lock: SQLSTATEs 55P03 and 40001 are contention. */
    public static <T extends @Nullable Object> Request<T> locking(
            Prepared statement, Map<String, ?> bound, Function<Rows, T> reader) {
        return new One<>(statement, bound, reader, true);
    }

    /** Two requests in one round trip. The second sees what the first did, and in READ COMMITTED what others have committed since. */
    public static <A extends @Nullable Object, B extends @Nullable Object, T extends @Nullable Object> Request<T> both(
            Request<A> first, Request<B> second, BiFunction<A, B, T> both) {
        return new Two<>(first, second, both);
    }

    /**
     * Asks.
     *
     * @throws LockNotAvailableException if another holds a row that it asked for
     */
    public T in(DSLContext tx) {
        return in(tx, Prelude.NONE, "");
    }

    /** Asks between statements that answer nothing of interest, in the same round trip. */
    T in(DSLContext tx, Prelude before, String after) {
        return locks() ? Database.lockingRows(() -> ask(tx, before, after)) : ask(tx, before, after);
    }

    private T ask(DSLContext tx, Prelude before, String after) {
        return tx.connectionResult(connection -> {
            try (PreparedStatement statement = connection.prepareStatement(sql(before.sql(), after))) {
                // Read whole: where the driver reads by portals (defaultRowFetchSize), they end with a commit in the
                // same round trip.
                statement.setFetchSize(0);
                bind(connection, statement, 1);
                statement.execute();
                before.skip(statement);
                return read(tx, statement);
            } catch (SQLException e) {
                throw new DataAccessException(e.getMessage(), e);
            }
        });
    }

    abstract boolean locks();

    /** The same text for the same request: an equal one would be compared with it, character by character, at each asking. */
    abstract String sql(String before, String after);

    abstract int bind(Connection connection, PreparedStatement statement, int first) throws SQLException;

    abstract T read(DSLContext tx, PreparedStatement statement) throws SQLException;

    private static final class One<T extends @Nullable Object> extends Request<T> {
        private final Prepared statement;
        private final Map<String, ?> bound;
        private final Function<Rows, T> reader;
        private final boolean locks;

        private One(Prepared statement, Map<String, ?> bound, Function<Rows, T> reader, boolean locks) {
            this.locks = locks;
            this.statement = statement;
            this.bound = bound;
            this.reader = reader;
        }

        @Override
        boolean locks() {
            return locks;
        }

        @Override
        String sql(String before, String after) {
            return statement.sql(before, after);
        }

        @Override
        int bind(Connection connection, PreparedStatement prepared, int first) throws SQLException {
            return statement.bind(connection, prepared, first, bound);
        }

        @Override
        T read(DSLContext tx, PreparedStatement executed) throws SQLException {
            try (ResultSet rows = executed.getResultSet()) {
                return reader.apply(new Rows(tx, rows, statement));
            }
        }
    }

    private static final class Two<A extends @Nullable Object, B extends @Nullable Object, T extends @Nullable Object>
            extends Request<T> {
        private final Request<A> first;
        private final Request<B> second;
        private final BiFunction<A, B, T> both;

        private Two(Request<A> first, Request<B> second, BiFunction<A, B, T> both) {
            this.first = first;
            this.second = second;
            this.both = both;
        }

        @Override
        boolean locks() {
            return first.locks() || second.locks();
        }

        @Override
        String sql(String before, String after) {
            return first.sql(before, second.sql("; ", after));
        }

        @Override
        int bind(Connection connection, PreparedStatement prepared, int from) throws SQLException {
            return second.bind(connection, prepared, first.bind(connection, prepared, from));
        }

        @Override
        T read(DSLContext tx, PreparedStatement executed) throws SQLException {
            A a = first.read(tx, executed);
            executed.getMoreResults();
            return both.apply(a, second.read(tx, executed));
        }
    }
}
