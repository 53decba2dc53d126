package io.github.invoicelock.internal.database;

import java.time.Duration;

/**
 * What one transaction sets for itself (R9), always local to it, so that it works behind PgBouncer in transaction mode.
 *
 * @param lockTimeout how long a statement waits for a lock; positive
 * @param idleTimeout how long the server lets the transaction sit idle: a server that is stopped in the middle of it, or whose network is
 *     gone, keeps no row for longer; positive
 * @param throughCall whether the provider is called meanwhile
 */
public record SessionSettings(Duration lockTimeout, Duration idleTimeout, boolean throughCall) {

    /** A lock that is ours to wait for is held for moments. */
    private static final Duration LOCK = Duration.ofSeconds(5);

    /**
     * For a transaction in which nobody is waited for but the database.
     *
     * @param idleTimeout positive
     * @return the settings
     */
    public static SessionSettings momentary(Duration idleTimeout) {
        return new SessionSettings(LOCK, idleTimeout, false);
    }

    /**
     * One round trip with BEGIN. Only numbers are put into the text.
     *
     * <p>{@code plan_cache_mode}: a generic plan that was cached while the tables were small would stay bad for the life of the
     * connection. {@code synchronous_commit}: R1, the claim must survive the crash of the server that was told so.
     * {@code transaction_timeout} (PostgreSQL 17) would cut a call short.
     */
    String sql(Server server) {
        return server.citus() ? onCitus(server) : onPostgres(server);
    }

    /** The locks are the workers': Citus hands on to them what is SET LOCAL, and only if it is told to. */
    private String onCitus(Server server) {
        StringBuilder sql = new StringBuilder("set transaction isolation level read committed, read write; ")
                .append("set local citus.propagate_set_commands = 'local'; ")
                .append("set local lock_timeout = ")
                .append(lockTimeout.toMillis())
                .append("; set local idle_in_transaction_session_timeout = ")
                .append(idleTimeout.toMillis());
        if (throughCall && server.version() >= 170000) {
            sql.append("; set local transaction_timeout = 0");
        }
        // R1: a worker may be set otherwise than the coordinator.
        String commit = server.synchronousCommit();
        return sql.append("; set local synchronous_commit = ")
                .append("off".equals(commit) ? "on" : commit)
                .append("; set local plan_cache_mode = force_custom_plan")
                .toString();
    }

    private String onPostgres(Server server) {
        StringBuilder sql = new StringBuilder("set transaction isolation level read committed, read write; select ");
        sql.append("set_config('lock_timeout', '")
                .append(lockTimeout.toMillis())
                .append("', true), ");
        sql.append("set_config('idle_in_transaction_session_timeout', '")
                .append(idleTimeout.toMillis())
                .append("', true), ");
        if (throughCall && server.version() >= 170000) {
            sql.append("set_config('transaction_timeout', '0', true), ");
        }
        return sql.append("set_config('plan_cache_mode', 'force_custom_plan', true), ")
                .append("case when current_setting('synchronous_commit') = 'off' ")
                .append("then set_config('synchronous_commit', 'on', true) end")
                .toString();
    }
}
