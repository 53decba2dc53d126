package io.github.invoicelock.internal.database;

import io.github.invoicelock.SetupException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/**
 * What the database server said of itself when the biller was built.
 *
 * @param version as {@code server_version_num} has it: 170006 for 17.6
 * @param citus whether the Citus extension is there
 * @param autoCommit whether the DataSource hands out connections in autocommit mode
 * @param role the role that the library works as
 * @param synchronousCommit what {@code synchronous_commit} is
 * @param searchPath where unqualified names are looked for
 */
public record Server(
        int version,
        boolean citus,
        boolean autoCommit,
        String role,
        String synchronousCommit,
        String searchPath) {

    /**
     * Asks, and refuses what the library cannot work on. Asked on a thread of its own, so that a transaction of the calling thread (R13)
     * is not taken for how the DataSource always is.
     *
     * @param dataSource the host's
     * @return what it said
     * @throws SetupException if it is not PostgreSQL 14 or newer, a standby, or not there
     */
    public static Server ask(DataSource dataSource) {
        return OwnThread.call("invoice-lock-setup", () -> askHere(dataSource));
    }

    private static Server askHere(DataSource dataSource) {
        try (Connection connection = dataSource.getConnection()) {
            String product = connection.getMetaData().getDatabaseProductName();
            if (!"PostgreSQL".equals(product)) {
                throw new SetupException("The DataSource leads to " + product
                        + ", not to PostgreSQL. Row locks with NOWAIT and SKIP LOCKED, jsonb and "
                        + "partial indexes are needed: use PostgreSQL 14 or newer.");
            }
            if (Database.hasBegun(connection)) {
                throw Database.openTransaction();
            }
            boolean autoCommit = connection.getAutoCommit();
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(
                            "select current_setting('server_version_num')::int, pg_is_in_recovery(), "
                                    + "exists (select from pg_extension where extname = 'citus'), current_user::text, current_setting('synchronous_commit'), current_setting('search_path')")) {
                row.next();
                Server server = new Server(
                        row.getInt(1),
                        row.getBoolean(3),
                        autoCommit,
                        row.getString(4),
                        row.getString(5),
                        row.getString(6));
                boolean standby = row.getBoolean(2);
                if (!autoCommit) {
                    connection.rollback();
                }
                server.check(standby);
                return server;
            }
        } catch (SQLException e) {
            throw new SetupException(
                    "The DataSource gave no usable connection: " + e.getMessage()
                            + " Check its URL, user and password, and that the server is up.",
                    e);
        }
    }

    private void check(boolean standby) {
        if (standby) {
            throw new SetupException(
                    "The server is a read-only standby (pg_is_in_recovery() is true). Point the DataSource at the primary, e.g. with "
                            + "targetServerType=primary in the JDBC URL.");
        }
        if (version < 140000) {
            throw new SetupException("The server is PostgreSQL " + version / 10000
                    + ". Use PostgreSQL 14 or newer; older ones are not tested with this library.");
        }
    }
}
