package io.github.invoicelock;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.postgresql.jdbc.PgConnection;

/**
 * The door to the database, at which tests strike: before and after each connection, statement and commit of whatever is given
 * {@link #proxy()}. What runs behind it is what hosts run: the library cannot tell it from a pool.
 *
 * <pre>{@code
 * FaultyDataSource database = new FaultyDataSource(host.dataSource());
 * LockingInvoiceBiller server = host.running(host.server(database.proxy(), provider));
 * database.strikeOnce(after(COMMIT).of(CLAIM), connectionLost());
 * }</pre>
 */
final class FaultyDataSource {
    /** What is crossed. */
    enum Door {
        /** {@link DataSource#getConnection}. */
        CONNECTION,
        /** The execution of a statement, or of several in one text. */
        STATEMENT,
        /** {@code commit()}, a text that ends with one, or a statement in autocommit mode. */
        COMMIT
    }

    /** What a statement does to the two tables, as a host sees it. */
    enum Kind {
        /** Inserts into {@code billing_attempt}. */
        CLAIM,
        /** Updates an attempt with its next fence. */
        TAKE_OVER,
        /** Updates an attempt otherwise: what became of it. */
        OUTCOME,
        /** Updates invoices. */
        MARK,
        /** Locks invoices by {@code for update} or {@code for no key update}. */
        ROW_LOCK
    }

    /**
     * One crossing.
     *
     * @param door of what
     * @param before or after it has really happened; what fails is not crossed, and has no after
     * @param sql the statement's; empty at other doors
     * @param kinds the statement's; of a commit, those of all statements of its transaction
     * @param connection the real one; null before there is one
     */
    record Crossing(
            Door door,
            boolean before,
            String sql,
            Set<Kind> kinds,
            @Nullable Connection connection) {
        /** The lock of an invoice that is ours: it waits, and whose the attempt is is asked with it. */
        boolean locksForTheCall() {
            return door == Door.STATEMENT
                    && kinds.equals(EnumSet.of(Kind.ROW_LOCK))
                    && sql.contains("billing_attempt")
                    && !GIVES_WAY.matcher(sql).find();
        }
    }

    /** What happens there: it may throw, kill, wait or do anything else. */
    @FunctionalInterface
    interface Strike {
        void at(Crossing crossing) throws SQLException;
    }

    /** Some crossings. */
    @FunctionalInterface
    interface Place {
        boolean has(Crossing crossing);

        static Place before(Door door) {
            return crossing -> crossing.door() == door && crossing.before();
        }

        static Place after(Door door) {
            return crossing -> crossing.door() == door && !crossing.before();
        }

        /** Those of any of these kinds. */
        default Place of(Kind first, Kind... others) {
            Set<Kind> any = EnumSet.of(first, others);
            return such(crossing -> crossing.kinds().stream().anyMatch(any::contains));
        }

        default Place such(Predicate<Crossing> condition) {
            return crossing -> has(crossing) && condition.test(crossing);
        }
    }

    private static final String NAME = "((?:\"(?:[^\"]|\"\")+\"|\\w+)(?:\\.(?:\"(?:[^\"]|\"\")+\"|\\w+))*)";
    private static final Pattern INSERT = Pattern.compile("\\binsert\\s+into\\s+" + NAME);
    private static final Pattern UPDATE =
            Pattern.compile("\\bupdate\\s+(?:only\\s+)?" + NAME + "(?:\\s+(?:as\\s+)?\"\\w+\")?\\s+set\\b");
    private static final Pattern FROM = Pattern.compile("\\bfrom\\s+(?:only\\s+)?" + NAME);
    private static final Pattern LOCK = Pattern.compile("\\bfor\\s+(?:no\\s+key\\s+)?update\\b");
    private static final Pattern GIVES_WAY = Pattern.compile("\\bnowait\\b|\\bskip\\s+locked\\b");
    private static final Pattern NEXT_FENCE = Pattern.compile("\\bfence\"?\\s*\\+");
    private static final Pattern ENDS_WITH_COMMIT = Pattern.compile(";\\s*commit\\s*;?\\s*$");

    private final DataSource dataSource;
    private final List<Watch> watches = new CopyOnWriteArrayList<>();
    private final Map<String, Set<Kind>> known = new ConcurrentHashMap<>();

    private record Watch(Place place, int number, Strike strike, AtomicInteger crossed) {}

    FaultyDataSource(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    /** What the biller is given. */
    DataSource proxy() {
        return proxied(DataSource.class, (proxy, method, arguments) -> {
            if (!method.getName().equals("getConnection")) {
                return invoke(method, dataSource, arguments);
            }
            cross(Door.CONNECTION, true, "", EnumSet.noneOf(Kind.class), null);
            Connection connection =
                    (Connection) java.util.Objects.requireNonNull(invoke(method, dataSource, arguments));
            cross(Door.CONNECTION, false, "", EnumSet.noneOf(Kind.class), connection);
            return proxied(Connection.class, new Session(connection));
        });
    }

    /** Strikes from now on whenever this place is crossed. */
    void strikeEach(Place place, Strike strike) {
        watches.add(new Watch(place, 0, strike, new AtomicInteger()));
    }

    /** Strikes when this place is crossed next, and never again. */
    void strikeOnce(Place place, Strike strike) {
        strikeAt(1, place, strike);
    }

    /** Strikes when this place is crossed for the n-th time from now on, and never again. */
    void strikeAt(int n, Place place, Strike strike) {
        watches.add(new Watch(place, n, strike, new AtomicInteger()));
    }

    // ---- what happens there

    /** The network is gone: nothing that is not done is done, and the caller hears nothing of what is. */
    static Strike connectionLost() {
        return crossing -> {
            Connection connection = crossing.connection();
            if (connection != null) {
                connection.unwrap(PgConnection.class).abort(Runnable::run);
            }
            throw lost();
        };
    }

    /** The thread stands still. */
    static Strike standStill(Moment arrived, Moment goOn) {
        return crossing -> {
            arrived.reach();
            goOn.await();
        };
    }

    /** The process is gone. */
    static Strike halt() {
        return crossing -> Runtime.getRuntime().halt(137);
    }

    /** As the driver puts it. */
    static SQLException lost() {
        return new SQLException("An I/O error occurred while sending to the backend.", "08006");
    }

    // ---- the door

    private void cross(Door door, boolean before, String sql, Set<Kind> kinds, @Nullable Connection connection)
            throws SQLException {
        Crossing crossing = new Crossing(door, before, sql, EnumSet.copyOf(kinds), connection);
        // Each counts before one strikes: a strike that waits must not keep others from counting.
        List<Strike> strikes = new ArrayList<>();
        for (Watch watch : watches) {
            if (watch.place().has(crossing)) {
                int now = watch.crossed().incrementAndGet();
                if (watch.number() == 0 || now == watch.number()) {
                    strikes.add(watch.strike());
                }
            }
        }
        for (Strike strike : strikes) {
            strike.at(crossing);
        }
    }

    /** The kinds of a statement's text; of several statements in one text, all of theirs. */
    Set<Kind> kindsOf(String sql) {
        return known.computeIfAbsent(sql, FaultyDataSource::classified);
    }

    private static Set<Kind> classified(String sql) {
        Set<Kind> kinds = EnumSet.noneOf(Kind.class);
        for (String part : sql.toLowerCase(java.util.Locale.ROOT).split(";", -1)) {
            Matcher insert = INSERT.matcher(part);
            while (insert.find()) {
                if (isJournal(insert.group(1))) {
                    kinds.add(Kind.CLAIM);
                }
            }
            Matcher update = UPDATE.matcher(part);
            while (update.find()) {
                if (!isJournal(update.group(1))) {
                    kinds.add(Kind.MARK);
                } else {
                    kinds.add(NEXT_FENCE.matcher(part).find() ? Kind.TAKE_OVER : Kind.OUTCOME);
                }
            }
            Matcher from = FROM.matcher(part);
            if (LOCK.matcher(part).find() && from.find() && !isJournal(from.group(1))) {
                kinds.add(Kind.ROW_LOCK);
            }
        }
        return kinds;
    }

    private static boolean isJournal(String name) {
        return name.replace("\"", "").endsWith("billing_attempt");
    }

    /** A connection as it was lent. */
    private final class Session implements InvocationHandler {
        private final Connection connection;
        private final Set<Kind> transaction = EnumSet.noneOf(Kind.class);
        private boolean begun;

        private Session(Connection connection) {
            this.connection = connection;
        }

        @Override
        public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments) throws Throwable {
            return switch (method.getName()) {
                case "commit" -> committing(method, arguments);
                case "setAutoCommit" ->
                    begun && arguments != null && Boolean.TRUE.equals(arguments[0])
                            ? committing(method, arguments)
                            : pass(method, arguments);
                case "rollback" -> {
                    if (arguments == null) {
                        ended();
                    }
                    yield pass(method, arguments);
                }
                case "prepareStatement" -> statement(PreparedStatement.class, proxy, method, arguments);
                case "prepareCall" -> statement(CallableStatement.class, proxy, method, arguments);
                case "createStatement" -> statement(Statement.class, proxy, method, arguments);
                default -> pass(method, arguments);
            };
        }

        private @Nullable Object pass(Method method, Object @Nullable [] arguments) throws Throwable {
            return FaultyDataSource.invoke(method, connection, arguments);
        }

        private void ended() {
            transaction.clear();
            begun = false;
        }

        private @Nullable Object committing(Method method, Object @Nullable [] arguments) throws Throwable {
            Set<Kind> kinds = EnumSet.copyOf(transaction);
            cross(Door.COMMIT, true, "", kinds, connection);
            Object result = pass(method, arguments);
            ended();
            cross(Door.COMMIT, false, "", kinds, connection);
            return result;
        }

        private <T extends Statement> T statement(
                Class<T> type, Object proxy, Method method, Object @Nullable [] arguments) throws Throwable {
            Object statement = java.util.Objects.requireNonNull(pass(method, arguments));
            String prepared = arguments != null && arguments[0] instanceof String sql ? sql : "";
            StringBuilder batch = new StringBuilder();
            return proxied(type, (self, called, values) -> {
                String name = called.getName();
                String text = values != null && values[0] instanceof String sql ? sql : prepared;
                if (name.equals("getConnection")) {
                    return proxy;
                }
                if (name.equals("addBatch")) {
                    batch.append(text).append(';');
                }
                return name.startsWith("execute")
                        ? executing(name.endsWith("Batch") ? batch.toString() : text, called, statement, values)
                        : FaultyDataSource.invoke(called, statement, values);
            });
        }

        private @Nullable Object executing(String sql, Method method, Object statement, Object @Nullable [] arguments)
                throws Throwable {
            Set<Kind> kinds = kindsOf(sql);
            boolean commits =
                    connection.getAutoCommit() || ENDS_WITH_COMMIT.matcher(sql).find();
            transaction.addAll(kinds);
            begun = !commits;
            Set<Kind> all = EnumSet.copyOf(transaction);
            cross(Door.STATEMENT, true, sql, kinds, connection);
            if (commits) {
                cross(Door.COMMIT, true, sql, all, connection);
            }
            Object result = FaultyDataSource.invoke(method, statement, arguments);
            cross(Door.STATEMENT, false, sql, kinds, connection);
            if (commits) {
                ended();
                cross(Door.COMMIT, false, sql, all, connection);
            }
            return result;
        }
    }

    private static <T> T proxied(Class<T> type, InvocationHandler handler) {
        return type.cast(
                Proxy.newProxyInstance(FaultyDataSource.class.getClassLoader(), new Class<?>[] {type}, handler));
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
