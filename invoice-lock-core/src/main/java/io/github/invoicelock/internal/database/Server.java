package io.github.invoicelock.internal.database;

import static java.util.stream.Collectors.joining;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.errors.Errors;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.postgresql.jdbc.PgConnection;

/**
 * What the database server said of itself when the biller was built, and the settings of the session that it was asked in.
 *
 * @param version as {@code server_version_num} has it: 170006 for 17.6
 * @param citus whether the Citus extension is there
 * @param autoCommit whether the DataSource hands out connections in autocommit mode
 * @param role the role that the library works as
 * @param encoding {@code server_encoding}: which characters a text can have
 * @param synchronousCommit what {@code synchronous_commit} is
 * @param statementTimeout what {@code statement_timeout} is; zero for none
 * @param meanings the settings that decide what an expression means, and their values
 */
public record Server(
        int version,
        boolean citus,
        boolean autoCommit,
        String role,
        String encoding,
        String synchronousCommit,
        Duration statementTimeout,
        Map<String, String> meanings) {

    private static final String SEARCH_PATH = "search_path";

    /**
     * What a session can leave behind that changes what an expression of the host's or of ours means: whose table a name is, how a text is
     * read as a time or an amount of money and the other way round, which rows are seen. Not the role, which is believed.
     */
    private static final List<String> MEANINGS = List.of(
            SEARCH_PATH,
            "TimeZone",
            "timezone_abbreviations",
            "DateStyle",
            "lc_monetary",
            "lc_numeric",
            "lc_time",
            "standard_conforming_strings",
            "backslash_quote",
            "bytea_output",
            "xmloption",
            "xmlbinary",
            "array_nulls",
            "transform_null_equals",
            "default_text_search_config",
            "gin_fuzzy_search_limit",
            "row_security");

    private static final String QUESTION = "select current_setting('server_version_num')::int, pg_is_in_recovery(), "
            + "exists (select from pg_extension where extname = 'citus'), current_user::text, current_setting('server_encoding'), "
            + "current_setting('synchronous_commit'), "
            + "(select setting::bigint from pg_settings where name = 'statement_timeout')"
            + MEANINGS.stream().map(name -> ", current_setting('" + name + "')").collect(joining());

    private static final int FIRST_MEANING = 8;

    /** R17: the first question is the only one that has no settings yet. */
    private static final Duration SILENCE = Duration.ofSeconds(15);

    /** Where unqualified names are looked for. */
    public String searchPath() {
        return meanings.getOrDefault(SEARCH_PATH, "");
    }

    /** Arguments of a call, which set what a session does not have as it was: to ask costs less than to set. */
    String held() {
        return meanings.entrySet().stream()
                .map(each -> "case when current_setting('" + each.getKey() + "') <> " + literal(each.getValue())
                        + " then set_config('" + each.getKey() + "', " + literal(each.getValue()) + ", true) end")
                .collect(joining(", "));
    }

    /** Means the same whatever {@code standard_conforming_strings} and {@code backslash_quote} are. */
    private static String literal(String value) {
        return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'";
    }

    /**
     * Asks, and refuses what the library cannot work on. Asked on a thread of its own, so that a transaction of the calling thread (R13)
     * is not taken for how the DataSource always is.
     *
     * @throws SetupException if it is not PostgreSQL 14 or newer, a standby, or not there
     */
    public static Server ask(DataSource dataSource) {
        return OwnThread.call("invoice-lock-setup", () -> askHere(dataSource));
    }

    private static Server askHere(DataSource dataSource) {
        try (Connection connection = Connections.connect(dataSource)) {
            int before = new NetworkTimeout().set(connection, SILENCE);
            try {
                return ask(connection);
            } finally {
                NetworkTimeout.restore(connection, before);
            }
        } catch (SQLException e) {
            throw new SetupException(
                    "The DataSource gave no usable connection: " + Errors.text(e)
                            + " Check its URL, user and password, and that the server is up.",
                    e);
        }
    }

    private static Server ask(Connection connection) throws SQLException {
        String product = connection.getMetaData().getDatabaseProductName();
        if (!"PostgreSQL".equals(product)) {
            throw new SetupException("The DataSource leads to " + product
                    + ", not to PostgreSQL. Row locks with NOWAIT and SKIP LOCKED, jsonb and "
                    + "partial indexes are needed: use PostgreSQL 14 or newer.");
        }
        if (Connections.hasBegun(connection)) {
            throw Connections.openTransaction();
        }
        refuseDescribing(connection);
        boolean autoCommit = connection.getAutoCommit();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(QUESTION)) {
            row.next();
            Server server = answered(row, autoCommit);
            boolean standby = row.getBoolean(2);
            if (!autoCommit) {
                connection.rollback();
            }
            server.check(standby);
            return server;
        }
    }

    private static Server answered(ResultSet row, boolean autoCommit) throws SQLException {
        Map<String, String> meanings = new LinkedHashMap<>();
        for (int i = 0; i < MEANINGS.size(); i++) {
            meanings.put(MEANINGS.get(i), row.getString(FIRST_MEANING + i));
        }
        return new Server(
                row.getInt(1),
                row.getBoolean(3),
                autoCommit,
                row.getString(4),
                row.getString(5),
                row.getString(6),
                Duration.ofMillis(row.getLong(7)),
                meanings);
    }

    /** The driver then describes each text by itself before it runs it, which no server answers for several statements in one. */
    private static void refuseDescribing(Connection connection) throws SQLException {
        if (connection.isWrapperFor(PgConnection.class)
                && connection.unwrap(PgConnection.class).getForceBinary()) {
            throw new SetupException(
                    "prepareThreshold is -1 in the JDBC URL or in the DataSource's properties: the driver then fails at statements that go "
                            + "together in one round trip (SQLSTATE 08P01). Say prepareThreshold=5, which is the driver's default, or leave "
                            + "it out.");
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
