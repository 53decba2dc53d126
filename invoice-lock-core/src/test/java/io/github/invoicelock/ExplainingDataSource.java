package io.github.invoicelock;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A DataSource that asks PostgreSQL for the plan of every statement just before it is run, in the same transaction, with the same
 * settings and the same bound values.
 */
final class ExplainingDataSource {
    private static final Pattern PLANNED = Pattern.compile("^(set transaction|select|with|insert|update|delete)\\b");

    private final DataSource dataSource;
    /** Plans as JSON by statement; of many executions the last, which may be by a cached plan. */
    private final Map<String, String> plans = new ConcurrentHashMap<>();
    /** The first, when the tables may have been empty still. */
    private final Map<String, String> firstPlans = new ConcurrentHashMap<>();

    ExplainingDataSource(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    DataSource proxy() {
        return (DataSource) proxied(DataSource.class, (proxy, method, arguments) -> {
            Object result = invoke(method, dataSource, arguments);
            return result instanceof Connection connection ? explaining(connection) : result;
        });
    }

    /** The plans so far, of each statement the first and the last; they are forgotten. */
    Map<String, String> takePlans() {
        Map<String, String> taken = new TreeMap<>(plans);
        firstPlans.forEach((statement, first) -> taken.merge(statement, first, (last, f) -> f + "\n" + last));
        plans.clear();
        firstPlans.clear();
        return taken;
    }

    private Connection explaining(Connection connection) {
        return (Connection) proxied(Connection.class, (proxy, method, arguments) -> {
            Object result = invoke(method, connection, arguments);
            return method.getName().equals("prepareStatement") && result instanceof PreparedStatement statement
                    ? explaining(connection, String.valueOf(arguments == null ? "" : arguments[0]), statement)
                    : result;
        });
    }

    /** A value that was bound: by which method, at which mark. */
    private record Bound(Method method, List<Object> arguments) {}

    private PreparedStatement explaining(Connection connection, String sql, PreparedStatement statement) {
        List<Bound> bound = new ArrayList<>();
        return (PreparedStatement) proxied(PreparedStatement.class, (proxy, method, arguments) -> {
            if (method.getName().startsWith("set") && arguments != null && arguments[0] instanceof Integer) {
                bound.add(new Bound(method, new ArrayList<>(java.util.Arrays.asList(arguments))));
            }
            if (method.getName().startsWith("execute")
                    && arguments == null
                    && PLANNED.matcher(sql).find()) {
                explain(connection, sql, bound);
            }
            return invoke(method, statement, arguments);
        });
    }

    private void explain(Connection connection, String sql, List<Bound> bound) throws Throwable {
        int before = 0;
        for (String part : sql.split("; ", -1)) {
            int marks = (int) part.chars().filter(c -> c == '?').count();
            if (part.startsWith("set ") || part.startsWith("select set_config")) {
                if (marks == 0) {
                    try (java.sql.Statement settings = connection.createStatement()) {
                        settings.execute(part);
                    }
                }
            } else if (!part.startsWith("commit") && !part.startsWith("rollback")) {
                explainOne(connection, part, bound, before, marks);
            }
            before += marks;
        }
    }

    private void explainOne(Connection connection, String sql, List<Bound> bound, int before, int marks)
            throws Throwable {
        try (PreparedStatement explain = connection.prepareStatement("explain (format json) " + sql)) {
            for (Bound value : bound) {
                int mark = (Integer) value.arguments().get(0) - before;
                if (mark >= 1 && mark <= marks) {
                    Object[] arguments = value.arguments().toArray();
                    arguments[0] = mark;
                    invoke(value.method(), explain, arguments);
                }
            }
            try (ResultSet plan = explain.executeQuery()) {
                plan.next();
                plans.put(sql, plan.getString(1));
                firstPlans.putIfAbsent(sql, plan.getString(1));
            }
        } catch (SQLException e) {
            throw new IllegalStateException("No plan for: " + sql, e);
        }
    }

    private static Object proxied(Class<?> type, InvocationHandler handler) {
        return Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler);
    }

    private static @Nullable Object invoke(Method method, Object target, Object @Nullable [] arguments)
            throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }
}
