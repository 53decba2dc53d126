package io.github.invoicelock.internal.database;

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

    Rows(DSLContext tx, ResultSet rows, Prepared statement) {
        this.tx = tx;
        this.rows = rows;
        this.statement = statement;
    }

    /**
     * Goes to the next row.
     *
     * @return false if there is none
     */
    public boolean next() {
        try {
            return rows.next();
        } catch (SQLException e) {
            throw new DataAccessException(e.getMessage(), e);
        }
    }

    /**
     * A text.
     *
     * @param column from 0
     * @return null where it is
     */
    public @Nullable String text(int column) {
        try {
            return rows.getString(column + 1);
        } catch (SQLException e) {
            throw new DataAccessException(e.getMessage(), e);
        }
    }

    /**
     * A number that is not null.
     *
     * @param column from 0
     * @return the number
     */
    public long number(int column) {
        try {
            return rows.getLong(column + 1);
        } catch (SQLException e) {
            throw new DataAccessException(e.getMessage(), e);
        }
    }

    /**
     * A boolean that is not null.
     *
     * @param column from 0
     * @return the boolean
     */
    public boolean flag(int column) {
        try {
            return rows.getBoolean(column + 1);
        } catch (SQLException e) {
            throw new DataAccessException(e.getMessage(), e);
        }
    }

    /**
     * A moment.
     *
     * @param column from 0
     * @return null where it is
     */
    public @Nullable Instant time(int column) {
        try {
            OffsetDateTime time = rows.getObject(column + 1, OffsetDateTime.class);
            return time == null ? null : time.toInstant();
        } catch (SQLException e) {
            throw new DataAccessException(e.getMessage(), e);
        }
    }

    /**
     * All of them as jOOQ's records, for what the host reads.
     *
     * @return with the types that the columns have
     */
    public Result<Record> records() {
        return tx.fetch(rows, columns());
    }

    /**
     * All of them, the first columns as jOOQ's record, for what the host reads. To take those out of a record of all columns would cost
     * more than to read them. The others are read here, by their numbers, while their record is looked at.
     *
     * @param own how many columns come after the host's
     * @return the records, to be gone through once
     */
    public Iterable<Record> records(int own) {
        Field<?>[] all = columns();
        // One at a time: the present row is the one that the last record was read from.
        return tx.fetchLazy(rows, Arrays.copyOf(all, all.length - own));
    }

    private Field<?>[] columns() {
        try {
            Columns known = statement.columns();
            if (known == null || !known.describe(rows)) {
                known = Columns.of(tx, rows);
                statement.columns(known);
            }
            return known.fields();
        } catch (SQLException e) {
            throw new DataAccessException(e.getMessage(), e);
        }
    }
}
