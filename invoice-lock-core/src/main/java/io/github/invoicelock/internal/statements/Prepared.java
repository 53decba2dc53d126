package io.github.invoicelock.internal.statements;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jooq.DSLContext;
import org.jooq.Param;
import org.jooq.Query;
import org.jooq.SQLDialect;
import org.jooq.conf.Settings;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * A statement that jOOQ has rendered once. Only what is bound varies, never the text, so that neither jOOQ renders nor the driver and
 * the server parse it again: for a statement on one row that costs more than running it. Thread-safe.
 */
public final class Prepared {
    /** No statement has it in its text, so that it finds what jOOQ numbered or named. */
    private static final String MARK = "\u0001";

    private static final Pattern MARKED = Pattern.compile(MARK + "(\\w+)");

    private final String sql;
    /** The names of the parameters in the order of their marks; null where the value is part of the statement. */
    private final List<@Nullable String> names = new ArrayList<>();

    private final List<@Nullable Object> values = new ArrayList<>();
    private final Map<Between, String> longer = new ConcurrentHashMap<>();
    private volatile @Nullable Columns columns;

    /** What goes to the server with it, in the same round trip. */
    private record Between(String before, String after) {}

    private Prepared(Query query) {
        DSLContext renderer = DSL.using(SQLDialect.POSTGRES, new Settings().withRenderNamedParamPrefix(MARK));
        Iterator<? extends Param<?>> unnamed = renderer.extractParams(query).values().stream()
                .filter(parameter -> !parameter.isInline() && parameter.getParamName() == null)
                .iterator();
        Matcher marks = MARKED.matcher(renderer.renderNamedParams(query));
        StringBuilder text = new StringBuilder();
        while (marks.find()) {
            marks.appendReplacement(text, "?");
            boolean named = !Character.isDigit(marks.group(1).charAt(0));
            names.add(named ? marks.group(1) : null);
            values.add(named ? null : unnamed.next().getValue());
        }
        this.sql = marks.appendTail(text).toString();
        if (unnamed.hasNext()) {
            throw new IllegalStateException("A value without a mark in: " + sql);
        }
    }

    /** Renders a statement that returns rows; what varies is a {@code DSL.param} whose name is a plain word. */
    public static Prepared of(Query query) {
        return new Prepared(query);
    }

    /** Its text, for EXPLAIN. */
    public String sql() {
        return sql;
    }

    /** Its text between others that are few. */
    public String sql(String before, String after) {
        return longer.computeIfAbsent(new Between(before, after), b -> b.before() + sql + b.after());
    }

    /** The columns of its rows, as they were the last time; null before the first. */
    @Nullable
    public Columns columns() {
        return columns;
    }

    public void columns(Columns seen) {
        this.columns = seen;
    }

    /** Binds its values from a mark on, and says behind which. */
    public int bind(Connection connection, PreparedStatement statement, int first, Map<String, ?> bound)
            throws SQLException {
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            Object value = name == null ? values.get(i) : bound.get(name);
            if (name != null && value == null) {
                throw new IllegalStateException("No value for " + name + " in: " + sql);
            }
            bind(connection, statement, first + i, value);
        }
        return first + names.size();
    }

    private static void bind(Connection connection, PreparedStatement statement, int index, @Nullable Object value)
            throws SQLException {
        if (value == null) {
            statement.setNull(index, Types.VARCHAR);
        } else if (value instanceof String text) {
            statement.setString(index, text);
        } else if (value instanceof String[] texts) {
            statement.setArray(index, connection.createArrayOf("text", texts));
        } else if (value instanceof Long[] numbers) {
            statement.setArray(index, connection.createArrayOf("bigint", numbers));
        } else if (value instanceof Boolean[] flags) {
            statement.setArray(index, connection.createArrayOf("boolean", flags));
        } else {
            statement.setObject(index, value);
        }
    }
}
