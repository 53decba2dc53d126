package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.name;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.database.SessionSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import javax.sql.DataSource;
import org.jooq.DSLContext;
import org.jooq.Name;
import org.jooq.QueryPart;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;

/** Checks that the journal is there, is of this version, and may be written. */
public final class JournalCheck {
    /** What this version of the library reads and writes. */
    static final int VERSION = 1;

    private static final Duration IDLE = Duration.ofMinutes(1);

    /** To bill. */
    private static final Map<String, List<String>> NEEDED = new TreeMap<>(Map.of(
            "billing_attempt", List.of("select", "insert", "update"),
            "attempt_event", List.of("select", "insert"),
            "installation", List.of("select"),
            "biller", List.of("select", "insert", "update")));

    private JournalCheck() {}

    /**
     * Checks the journal.
     *
     * @param database the door
     * @param server what it said of itself
     * @param schema where the journal should be
     * @return the installation's id
     * @throws SetupException if it is not there, of another version, or may not be written
     */
    public static UUID check(Database database, Server server, String schema) {
        return database.inTransaction(tx -> {
            if (!exists(tx, schema)) {
                throw new SetupException("The journal \"" + schema
                        + "\" is not there. Create it with InvoiceLockSchema.migrate(dataSource"
                        + ("invoice_lock".equals(schema) ? "" : ", \"" + schema + "\"")
                        + "), or run io/github/invoicelock/journal/V1__journal.psql by hand.");
            }
            refuseMissing(server, schema, missingGrants(tx, server, schema));
            if (server.citus()) {
                CitusCheck.journalDistributedByInvoice(tx, schema);
            }
            Record installation = tx.fetchSingle("select id, journal_version from {0}", name(schema, "installation"));
            int version = installation.get("journal_version", Integer.class);
            refuseNewer(schema, version);
            if (version < VERSION) {
                throw new SetupException(
                        "The journal \"" + schema + "\" is of version " + version + "; this library needs version "
                                + VERSION + ". Migrate it with InvoiceLockSchema.migrate(dataSource).");
            }
            return installation.get("id", UUID.class);
        });
    }

    /**
     * Which version of the journal is there.
     *
     * @param database the door
     * @param schema where the journal should be
     * @return zero if there is none
     * @throws SetupException if it is newer than this library
     */
    static int version(Database database, String schema) {
        int version = database.inTransaction(tx -> exists(tx, schema)
                ? tx.fetchSingle("select journal_version from {0}", name(schema, "installation"))
                        .get(0, Integer.class)
                : 0);
        refuseNewer(schema, version);
        return version;
    }

    private static void refuseNewer(String schema, int version) {
        if (version > VERSION) {
            throw new SetupException("The journal \"" + schema + "\" is of version " + version
                    + ", made by a newer invoice-lock; this one knows version " + VERSION
                    + ". Upgrade the library on this server.");
        }
    }

    static boolean exists(DSLContext tx, String schema) {
        return tx.fetchSingle(
                                "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                                        + "where n.nspname = {0} and c.relname in ('billing_attempt', 'attempt_event', 'installation', 'biller')",
                                DSL.val(schema))
                        .get(0, Integer.class)
                == 4;
    }

    private static boolean granted(DSLContext tx, String question, QueryPart... parts) {
        return tx.fetchSingle(question, parts).get(0, Boolean.class);
    }

    /**
     * What the role still needs to bill with a journal that is there.
     *
     * @return the statements that grant it; none if the journal is not there
     */
    static List<String> missingGrants(DSLContext tx, Server server, String schema) {
        if (!exists(tx, schema)) {
            return List.of();
        }
        List<String> missing = new ArrayList<>();
        if (!granted(tx, "select has_schema_privilege({0}, 'usage')", DSL.val(schema))) {
            missing.add("grant usage on schema " + rendered(name(schema)) + " to " + rendered(name(server.role())));
        }
        NEEDED.forEach((table, privileges) -> {
            // By its number: the name cannot be looked up in a schema that the role may not use.
            boolean all = privileges.stream()
                    .allMatch(privilege -> granted(
                            tx,
                            "select has_table_privilege(c.oid, {2}) from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                                    + "where n.nspname = {0} and c.relname = {1}",
                            DSL.val(schema),
                            DSL.val(table),
                            DSL.val(privilege)));
            if (!all) {
                missing.add("grant " + String.join(", ", privileges) + " on " + quoted(schema, table) + " to "
                        + rendered(name(server.role())));
            }
        });
        return missing;
    }

    private static void refuseMissing(Server server, String schema, List<String> missing) {
        if (!missing.isEmpty()) {
            throw new SetupException("Role \"" + server.role() + "\" may not read and write the journal \"" + schema
                    + "\". Run: " + String.join("; ", missing) + ".");
        }
    }

    /**
     * Whether the journal is there and of this library's version, so that nothing is to be migrated: told by the journal itself, with no
     * more privileges than billing needs.
     *
     * @param dataSource the host's
     * @param schema where the journal should be
     * @return false if it is to be made or upgraded
     * @throws SetupException if the server does not fit, the role may not read it, or it is newer than this library
     */
    public static boolean isUpToDate(DataSource dataSource, String schema) {
        Server server = Server.ask(dataSource);
        return Database.of(dataSource, server, SessionSettings.momentary(IDLE, SessionSettings.Work.PAGES))
                .inTransaction(tx -> {
                    if (!exists(tx, schema)) {
                        return false;
                    }
                    boolean readable = granted(tx, "select has_schema_privilege({0}, 'usage')", DSL.val(schema))
                            && granted(
                                    tx,
                                    "select has_table_privilege({0}, 'select')",
                                    DSL.val(quoted(schema, "installation")));
                    if (!readable) {
                        refuseMissing(server, schema, missingGrants(tx, server, schema));
                    }
                    int version = tx.fetchSingle("select journal_version from {0}", name(schema, "installation"))
                            .get(0, Integer.class);
                    refuseNewer(schema, version);
                    refuseNewerHistory(tx, schema);
                    return version == VERSION;
                });
    }

    /** Where it can be read: the version in the journal is what counts. */
    private static void refuseNewerHistory(DSLContext tx, String schema) {
        String history = quoted(schema, "schema_history");
        boolean readable = granted(
                tx,
                "select to_regclass({0}) is not null and has_table_privilege(to_regclass({0}), 'select')",
                DSL.val(history));
        if (readable
                && granted(
                        tx,
                        "select exists (select from {0} where version ~ '^[0-9]{1,9}$' and version::int > {1})",
                        name(schema, "schema_history"),
                        DSL.val(VERSION))) {
            throw new SetupException("The journal \"" + schema
                    + "\" was made by a newer invoice-lock. Upgrade the library on this server.");
        }
    }

    static void requirePrivileges(DSLContext tx, Server server, String table, List<String> privileges) {
        for (String privilege : privileges) {
            boolean granted = granted(tx, "select has_table_privilege({0}, {1})", DSL.val(table), DSL.val(privilege));
            if (!granted) {
                throw new SetupException("Role \"" + server.role() + "\" may not " + privilege + " on " + table
                        + ". Run: grant " + String.join(", ", privileges) + " on " + table + " to \"" + server.role()
                        + "\".");
            }
        }
    }

    private static String quoted(String schema, String table) {
        return rendered(name(schema, table));
    }

    private static String rendered(Name name) {
        return DSL.using(SQLDialect.POSTGRES).render(name);
    }
}
