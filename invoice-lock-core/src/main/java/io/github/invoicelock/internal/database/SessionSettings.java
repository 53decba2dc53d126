package io.github.invoicelock.internal.database;

import java.time.Duration;
import java.util.List;

/**
 * What one transaction sets for itself (R9), always local to it, so that it works behind PgBouncer in transaction mode.
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

    /**
     * One round trip with BEGIN. Only numbers are put into the text.
     *
     * <p>{@code synchronous_commit}: R1, the claim must survive the crash of the server that was told so. {@code transaction_timeout}
     * (PostgreSQL 17) would cut a call short. {@code extra_float_digits} and {@code IntervalStyle}: R4, a snapshot is a row as text, which
     * must lose no digit and be read as it was written, whatever the host has left on a pooled connection.
     */
    String sql(Server server) {
        return "set transaction isolation level read committed, read write; "
                + (server.citus() ? onCitus(server) : onPostgres(server));
    }

    /** The locks are the workers': Citus hands on to them what is SET LOCAL, and only if it is told to. */
    private String onCitus(Server server) {
        StringBuilder sql = new StringBuilder("set local citus.propagate_set_commands = 'local'; ")
                .append("set local lock_timeout = ")
                .append(lockTimeout.toMillis())
                .append("; set local idle_in_transaction_session_timeout = ")
                .append(idleTimeout.toMillis());
        if (work == Work.CALL && server.version() >= 170000) {
            sql.append("; set local transaction_timeout = 0");
        }
        sql.append("; set local extra_float_digits = 1; set local intervalstyle = 'postgres'");
        // R1: a worker may be set otherwise than the coordinator.
        String commit = server.synchronousCommit();
        return sql.append("; set local synchronous_commit = ")
                .append("off".equals(commit) ? "on" : commit)
                .append("; set local plan_cache_mode = force_custom_plan")
                .toString();
    }

    private String onPostgres(Server server) {
        StringBuilder sql = new StringBuilder("select set_config('lock_timeout', '")
                .append(lockTimeout.toMillis())
                .append("', true), set_config('idle_in_transaction_session_timeout', '")
                .append(idleTimeout.toMillis())
                .append("', true), ");
        if (work != Work.CALL) {
            // No snapshot is taken or read in the transaction through the call.
            sql.append("set_config('extra_float_digits', '1', true), set_config('intervalstyle', 'postgres', true), ");
        } else if (server.version() >= 170000) {
            sql.append("set_config('transaction_timeout', '0', true), ");
        }
        for (String off :
                switch (work) {
                    case PAGES -> List.of("enable_sort", "enable_seqscan");
                    case MANY_ROWS -> List.of("enable_seqscan", "enable_hashjoin", "enable_mergejoin");
                    case ONE_ROW, CALL -> List.of("enable_seqscan");
                }) {
            sql.append("set_config('").append(off).append("', 'off', true), ");
        }
        boolean generic = work == Work.ONE_ROW || work == Work.CALL;
        sql.append("set_config('plan_cache_mode', '")
                .append(generic ? "force_generic_plan" : "force_custom_plan")
                .append("', true), ");
        return sql.append("case when current_setting('synchronous_commit') = 'off' ")
                .append("then set_config('synchronous_commit', 'on', true) end")
                .toString();
    }
}
