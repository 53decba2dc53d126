package io.github.invoicelock.internal.statements;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Time;
import java.sql.Types;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.Arrays;
import org.jooq.Binding;
import org.jooq.BindingGetResultSetContext;
import org.jooq.BindingGetSQLInputContext;
import org.jooq.BindingGetStatementContext;
import org.jooq.BindingRegisterContext;
import org.jooq.BindingSQLContext;
import org.jooq.BindingSetSQLOutputContext;
import org.jooq.BindingSetStatementContext;
import org.jooq.Converter;
import org.jooq.DSLContext;
import org.jooq.DataType;
import org.jooq.Field;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.PgResultSet;

/**
 * The columns of an answer, and how their values are read: as jOOQ reads them, but for those that it cannot read (infinite times, numbers
 * that are none), or not exactly (the fraction of a time), or only while the connection is open (arrays of the host's own types), or
 * differently in sessions of different time zones. One such value in one invoice must not end every run.
 */
public final class Columns {
    /** Its number in {@code pg_type}. */
    private static final int MONEY = 790;

    private final Field<?>[] fields;
    private final String[] names;
    private final int[] types;

    private Columns(Field<?>[] fields, String[] names, int[] types) {
        this.fields = fields;
        this.names = names;
        this.types = types;
    }

    /** Asks jOOQ what it sees. */
    public static Columns of(DSLContext tx, ResultSet rows) throws SQLException {
        Field<?>[] seen = tx.fetchLazy(rows).fields();
        Field<?>[] fields = new Field<?>[seen.length];
        String[] names = new String[seen.length];
        int[] types = types(rows, seen.length);
        for (int i = 0; i < seen.length; i++) {
            names[i] = rows.getMetaData().getColumnLabel(i + 1);
            fields[i] = types[i] == MONEY
                    // The driver takes it for a Double, and fails from 1,000.00 on.
                    ? reading(seen[i], SQLDataType.VARCHAR, ResultSet::getString)
                    : exact(seen[i], rows.getMetaData().getColumnType(i + 1) == Types.ARRAY);
        }
        return new Columns(fields, names, types);
    }

    public Field<?>[] fields() {
        return fields;
    }

    /** The host may have altered its table since: a column's type, too. */
    public boolean describe(ResultSet rows) throws SQLException {
        if (rows.getMetaData().getColumnCount() != fields.length || !Arrays.equals(types, types(rows, fields.length))) {
            return false;
        }
        for (int i = 0; i < fields.length; i++) {
            if (!names[i].equals(rows.getMetaData().getColumnLabel(i + 1))) {
                return false;
            }
        }
        return true;
    }

    /** By PostgreSQL's own numbers: to JDBC an enum and a text are the same. */
    private static int[] types(ResultSet rows, int count) throws SQLException {
        PgResultSet own = rows.isWrapperFor(PgResultSet.class) ? rows.unwrap(PgResultSet.class) : null;
        int[] types = new int[count];
        for (int i = 0; i < count; i++) {
            types[i] = own == null ? rows.getMetaData().getColumnType(i + 1) : own.getColumnOID(i + 1);
        }
        return types;
    }

    private static Field<?> exact(Field<?> field, boolean array) {
        Class<?> type = field.getType();
        if (type == OffsetDateTime.class) {
            return reading(field, field.getDataType(), (row, i) -> row.getObject(i, OffsetDateTime.class));
        }
        if (type == Time.class) {
            return reading(field, SQLDataType.LOCALTIME, (row, i) -> row.getObject(i, LocalTime.class));
        }
        if (type == BigDecimal.class) {
            return reading(field, field.getDataType(), ResultSet::getObject);
        }
        if (type == BigInteger.class) {
            return reading(
                    field,
                    field.getDataType(),
                    (row, i) ->
                            row.getObject(i) instanceof BigDecimal number ? number.toBigInteger() : row.getObject(i));
        }
        return array && !type.isArray() ? reading(field, field.getDataType(), Columns::elements) : field;
    }

    private static @Nullable Object elements(ResultSet row, int index) throws SQLException {
        Array array = row.getArray(index);
        try {
            return array == null ? null : array.getArray();
        } catch (SQLException e) {
            // An array of money: the driver takes its elements for numbers.
            return row.getString(index);
        }
    }

    @SuppressWarnings("unchecked")
    private static <T> Field<T> reading(Field<?> field, DataType<T> type, Reader reader) {
        return DSL.field(
                field.getQualifiedName(),
                type.asConvertedDataType(new ExactBinding<>((Binding<T, T>) type.getBinding(), reader)));
    }

    /** Reads a value of one column of the present row. */
    @FunctionalInterface
    private interface Reader {
        @Nullable
        Object read(ResultSet row, int index) throws SQLException;
    }

    /** As jOOQ's own, but for reading. */
    private record ExactBinding<T>(Binding<T, T> binding, Reader reader) implements Binding<T, T> {
        @Override
        @SuppressWarnings("unchecked") // a number that is none is a Double, as the driver has it, among BigDecimals
        public void get(BindingGetResultSetContext<T> context) throws SQLException {
            context.value((T) reader.read(context.resultSet(), context.index()));
        }

        @Override
        public Converter<T, T> converter() {
            return binding.converter();
        }

        @Override
        public void sql(BindingSQLContext<T> context) throws SQLException {
            binding.sql(context);
        }

        @Override
        public void register(BindingRegisterContext<T> context) throws SQLException {
            binding.register(context);
        }

        @Override
        public void set(BindingSetStatementContext<T> context) throws SQLException {
            binding.set(context);
        }

        @Override
        public void set(BindingSetSQLOutputContext<T> context) throws SQLException {
            binding.set(context);
        }

        @Override
        public void get(BindingGetStatementContext<T> context) throws SQLException {
            binding.get(context);
        }

        @Override
        public void get(BindingGetSQLInputContext<T> context) throws SQLException {
            binding.get(context);
        }
    }
}
