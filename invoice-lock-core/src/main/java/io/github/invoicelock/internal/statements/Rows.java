package io.github.invoicelock.internal.statements;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;

/** The rows of an answer, one after the other; columns count from 0. For a statement on one row jOOQ's records would cost too much. */
public final class Rows {
    private final DSLContext tx;
    private final ResultSet rows;
    private final Prepared statement;

    public Rows(DSLContext tx, ResultSet rows, Prepared statement) {
        this.tx = tx;
        this.rows = rows;
        this.statement = statement;
    }

    /** Goes to the next row; false if there is none. */
    public boolean next() {
        return read(ResultSet::next);
    }

    /** Null where it is. */
    public @Nullable String text(int column) {
        return read(row -> row.getString(column + 1));
    }

    /** That is not null. */
    public long number(int column) {
        return read(row -> row.getLong(column + 1));
    }

    /** That is not null. */
    public boolean flag(int column) {
        return read(row -> row.getBoolean(column + 1));
    }

    /** Null where it is. */
    public @Nullable Instant time(int column) {
        OffsetDateTime time = read(row -> row.getObject(column + 1, OffsetDateTime.class));
        return time == null ? null : time.toInstant();
    }

    private <T extends @Nullable Object> T read(Reader<T> reader) {
        try {
            return reader.read(rows);
        } catch (SQLException e) {
            throw new DataAccessException(e.getMessage(), e);
        }
    }

    /** Reads something of the present row. */
    @FunctionalInterface
    private interface Reader<T extends @Nullable Object> {
        T read(ResultSet row) throws SQLException;
    }

    /** All of them as jOOQ's records, for what the host reads. */
    public Result<Record> records() {
        return tx.fetch(rows, columns());
    }

    /**
     * All of them, the first columns as jOOQ's record, for what the host reads. To take those out of a record of all columns would cost
     * more than to read them. The others are read here, by their numbers, while their record is looked at.
     */
    public Iterable<Record> records(int own) {
        Field<?>[] all = columns();
        // One at a time: the present row is the one that the last record was read from.
        return tx.fetchLazy(rows, Arrays.copyOf(all, all.length - own));
    }

    private Field<?>[] columns() {
        return read(row -> {
            Columns known = statement.columns();
            if (known == null || !known.describe(row)) {
                known = Columns.of(tx, row);
                statement.columns(known);
            }
            return known.fields();
        });
    }
}
