package io.github.invoicelock.internal.database;

import io.github.invoicelock.internal.errors.Waits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What one transaction sets for itself (R9), always local to it, so that it works behind PgBouncer in transaction mode; and how long each of
 * its waits may take (R17). This is the one place of the bounds. From the inside out: {@code lock_timeout} ends a wait for a lock,
 * {@code statement_timeout} ends a statement, and the client gives up on a server that says nothing. Each is longer than the one before,
 * so that the server gives up first, and says why.
 *
 * @param lockTimeout how long a statement waits for a lock; positive
 * @param idleTimeout how long the server lets the transaction sit idle: a server that is stopped in the middle of it, or whose network is
 *     gone, keeps no row for longer; positive
 * @param work what it is for
 */
public record SessionSettings(Duration lockTimeout, Duration idleTimeout, Work work) {
    /** What the statements of a transaction have in common. */
    public enum Work {
        /**
         * They read or claim pages in an order that an index has: planned each time, for a plan that was cached while the tables were small
         * would stay bad. Never sorted where an index can do it: with statistics that were taken when little was pending, reading all that
         * is pending and sorting it seems cheaper. Nor read from end to end: of a journal that had few rows when it was analysed, that
         * seems cheapest, for each invoice that is looked at, and others may fill it while the statement runs.
         */
        PAGES,
        /** They name many rows by their keys, planned each time; with stale statistics a hash over the whole table seems cheaper. */
        MANY_ROWS,
        /**
         * They name one row each by a key: one plan, by the index, is the best whatever the statistics say, and planning would cost more
         * than running.
         */
        ONE_ROW,
        /** As {@link #ONE_ROW}, and the provider is called meanwhile. */
        CALL
    }

    /** A lock that is ours to wait for is held for moments. */
    private static final Duration LOCK = Duration.ofSeconds(5);
    /** What a statement on one row may take beyond its wait for the lock. */
    private static final Duration ONE_ROW_TAKES = Duration.ofSeconds(10);
    /** What a statement on many rows may take: long enough for a large table that lacks its index, on a busy server. */
    private static final Duration MANY_ROWS_TAKE = Duration.ofSeconds(60);
    /** A {@code statement_timeout} of the role's that is shorter than ours holds, but leaves so much beyond a wait for a lock. */
    private static final Duration BEYOND_A_LOCK = Duration.ofSeconds(5);
    /** What the network may take beyond a statement. */
    private static final Duration BEYOND_A_STATEMENT = Duration.ofSeconds(5);
    /** Time-outs are 32 bits of milliseconds, in PostgreSQL and in Java: 24 days. */
    private static final Duration LONGEST = Duration.ofMillis(Integer.MAX_VALUE);

    /**
     * For a transaction in which nobody is waited for but the database.
     *
     * @param idleTimeout positive
     * @param work what it is for
     * @return the settings
     */
    public static SessionSettings momentary(Duration idleTimeout, Work work) {
        return new SessionSettings(LOCK, idleTimeout, work);
    }

    private Duration statementTimeout(Server server) {
        boolean oneRow = work == Work.ONE_ROW || work == Work.CALL;
        return statementTimeout(lockTimeout, oneRow ? ONE_ROW_TAKES : MANY_ROWS_TAKE, server.statementTimeout());
    }

    /** The same for a statement on one row that waits so long for its lock, where the role has no say. */
    static Duration statementTimeout(Duration lockTimeout) {
        return statementTimeout(lockTimeout, ONE_ROW_TAKES, Duration.ZERO);
    }

    private static Duration statementTimeout(Duration lockTimeout, Duration takes, Duration rolesOwn) {
        Duration ours = lockTimeout.plus(takes);
        Duration least = lockTimeout.plus(BEYOND_A_LOCK);
        Duration roles = rolesOwn.isZero() ? ours : rolesOwn;
        return shorter(LONGEST, shorter(ours, roles.compareTo(least) < 0 ? least : roles));
    }

    /** When the server gives up on a statement, and the client on a server that says nothing (R17). */
    Waits waits(Server server) {
        Duration statement = statementTimeout(server);
        return new Waits(statement, shorter(LONGEST, statement.plus(BEYOND_A_STATEMENT)));
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /**
     * In one round trip with BEGIN: constant text, so that it is prepared once. Only numbers, and literals that {@link Server} has quoted,
     * are put into it.
     *
     * <p>{@code synchronous_commit}: R1, the claim must survive the crash of the server that was told so. {@code transaction_timeout}
     * (PostgreSQL 17) would cut a call or a wait short. {@code extra_float_digits} and {@code IntervalStyle}: R4, a snapshot is a row as
     * text, which must lose no digit and be read as it was written, whatever the host has left on a pooled connection. {@code jit}: the
     * claims' estimated cost is high, and to compile them would take longer than to run them.
     */
    List<String> statements(Server server) {
        List<String> statements = new ArrayList<>();
        statements.add("set transaction isolation level read committed, read write");
        if (server.citus()) {
            onCitus(server, statements);
        } else {
            statements.add(onPostgres(server));
        }
        return statements;
    }

    /** The locks are the workers': Citus hands on to them what is SET LOCAL, and only if it is told to. */
    private void onCitus(Server server, List<String> statements) {
        statements.add("set local citus.propagate_set_commands = 'local'");
        statements.add("set local lock_timeout = " + lockTimeout.toMillis());
        statements.add(
                "set local statement_timeout = " + statementTimeout(server).toMillis());
        statements.add("set local idle_in_transaction_session_timeout = " + idleMillis());
        if (server.version() >= 170000) {
            statements.add("set local transaction_timeout = 0");
        }
        statements.add("set local extra_float_digits = 1");
        statements.add("set local intervalstyle = 'postgres'");
        statements.add("set local jit = off");
        // R1: a worker may be set otherwise than the coordinator.
        String commit = server.synchronousCommit();
        statements.add("set local synchronous_commit = " + ("off".equals(commit) ? "on" : commit));
        statements.add("set local plan_cache_mode = force_custom_plan");
        // What the host leaves behind is left on the coordinator only.
        statements.add("select num_nulls(" + server.held() + ")");
    }

    /** Two columns, so that its answer costs nothing. */
    private String onPostgres(Server server) {
        List<String> all = new ArrayList<>();
        all.add(set("statement_timeout", statementTimeout(server).toMillis()));
        all.add(set("idle_in_transaction_session_timeout", idleMillis()));
        if (server.version() >= 170000) {
            all.add(set("transaction_timeout", 0));
        }
        all.add(server.held());
        all.add(set("extra_float_digits", 1));
        all.add(set("intervalstyle", "postgres"));
        all.add(set("jit", "off"));
        for (String off :
                switch (work) {
                    case PAGES -> List.of("enable_sort", "enable_seqscan");
                    case MANY_ROWS -> List.of("enable_seqscan", "enable_hashjoin", "enable_mergejoin");
                    case ONE_ROW, CALL -> List.of("enable_seqscan");
                }) {
            all.add(set(off, "off"));
        }
        boolean generic = work == Work.ONE_ROW || work == Work.CALL;
        all.add(set("plan_cache_mode", generic ? "force_generic_plan" : "force_custom_plan"));
        all.add("case when current_setting('synchronous_commit') = 'off' then " + set("synchronous_commit", "on")
                + " end");
        return "select " + set("lock_timeout", lockTimeout.toMillis()) + ", num_nulls(" + String.join(", ", all) + ")";
    }

    private long idleMillis() {
        return shorter(LONGEST, idleTimeout).toMillis();
    }

    private static String set(String setting, Object value) {
        return "set_config('" + setting + "', '" + value + "', true)";
    }
}
