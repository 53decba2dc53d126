package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.name;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.invoices.Invoices;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.jooq.DSLContext;
import org.jooq.QueryPart;
import org.jooq.Record;
import org.jooq.Record3;
import org.jooq.Result;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;

/** Checks that the journal is there, is of this version, and may be written; and that a biller's name stands for one table. */
public final class JournalCheck {
    /** What this version of the library reads and writes. */
    static final int VERSION = 1;

    /** Many servers may start at once, and are registered one after the other. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final SessionSettings REGISTERING =
            new SessionSettings(PATIENCE, PATIENCE, SessionSettings.Work.ONE_ROW);

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
                        + "), or run db/invoice_lock/V1__journal.sql by hand.");
            }
            if (!granted(tx, "select has_schema_privilege({0}, 'usage')", DSL.val(schema))) {
                throw new SetupException("Role \"" + server.role() + "\" may not use schema \"" + schema
                        + "\". Run: grant usage on schema \"" + schema + "\" to \"" + server.role() + "\".");
            }
            requirePrivileges(tx, server, schema);
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
                                        + "where n.nspname = {0} and c.relname in ('billing_attempt', 'installation', 'biller')",
                                DSL.val(schema))
                        .get(0, Integer.class)
                == 3;
    }

    private static boolean granted(DSLContext tx, String question, QueryPart... parts) {
        return tx.fetchSingle(question, parts).get(0, Boolean.class);
    }

    private static void requirePrivileges(DSLContext tx, Server server, String schema) {
        requirePrivileges(tx, server, quoted(schema, "billing_attempt"), List.of("select", "insert", "update"));
        requirePrivileges(tx, server, quoted(schema, "installation"), List.of("select"));
        requirePrivileges(tx, server, quoted(schema, "biller"), List.of("select", "insert", "update"));
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

    /**
     * Writes down which table a biller's name stands for, after everything else has been checked.
     *
     * @param database the door
     * @param schema where the journal is
     * @param name the biller's
     * @param invoices its table
     * @throws SetupException if the name stands for another table, or another name already bills the same invoices
     */
    public static void register(Database database, String schema, String name, Invoices invoices) {
        // Unchanged since it was registered: all others that were since have been checked against it.
        boolean known = database.inTransaction(tx -> isRegistered(tx, schema, name, invoices));
        if (!known) {
            database.inTransaction(REGISTERING, tx -> {
                registerAlone(tx, schema, name, invoices);
                return null;
            });
        }
    }

    private static boolean isRegistered(DSLContext tx, String schema, String name, Invoices invoices) {
        return tx.fetchExists(DSL.selectOne()
                .from(name(schema, "biller"))
                .where(DSL.field(name("name")).eq(name))
                .and(DSL.field(name("invoices")).eq(invoices.qualifiedName()))
                .and(DSL.field(name("pending")).eq(invoices.pendingSql()))
                .and(DSL.field(name("billable")).eq(invoices.billableSql())));
    }

    private static void registerAlone(DSLContext tx, String schema, String name, Invoices invoices) {
        // One registration at a time, so that two names for the same invoices see one another.
        tx.execute("lock table {0} in share row exclusive mode", name(schema, "biller"));
        Result<Record3<String, String, String>> known = tx.select(
                        DSL.field(name("name"), SQLDataType.CLOB),
                        DSL.field(name("invoices"), SQLDataType.CLOB),
                        DSL.field(name("billable"), SQLDataType.CLOB))
                .from(name(schema, "biller"))
                .where(DSL.field(name("name"))
                        .eq(name)
                        .or(DSL.field(name("invoices"))
                                .eq(invoices.qualifiedName())
                                .and(DSL.field(name("pending")).eq(invoices.pendingSql()))))
                .fetch();
        known.forEach(row -> refuse(row.value1(), row.value2(), row.value3(), name, invoices));
        tx.insertInto(
                        DSL.table(name(schema, "biller")),
                        DSL.field(name("name")),
                        DSL.field(name("invoices")),
                        DSL.field(name("pending")),
                        DSL.field(name("billable")))
                .values(name, invoices.qualifiedName(), invoices.pendingSql(), invoices.billableSql())
                .onConflict(DSL.field(name("name")))
                .doUpdate()
                .set(DSL.field(name("pending")), (Object) invoices.pendingSql())
                .set(DSL.field(name("billable")), (Object) invoices.billableSql())
                .execute();
    }

    private static void refuse(
            String knownName, String knownTable, String knownBillable, String name, Invoices invoices) {
        if (knownName.equals(name)) {
            if (!knownTable.equals(invoices.qualifiedName())) {
                throw new SetupException(
                        "The name \"" + name + "\" stands for table " + knownTable + ", not for "
                                + invoices.qualifiedName()
                                + "; their invoices would be mixed up in the journal. Give this biller a name of its own: .name(\"…\").");
            }
        } else if (knownBillable.isEmpty()
                || invoices.billableSql().isEmpty()
                || knownBillable.equals(invoices.billableSql())) {
            throw new SetupException("The biller \"" + knownName + "\" bills the same pending invoices of "
                    + invoices.qualifiedName() + " as \"" + name
                    + "\" would; each name has keys of its own, so an invoice could be charged under both. Use one name on every "
                    + "server, or give each a billableWhen of its own that no invoice shares.");
        }
    }

    private static String quoted(String schema, String table) {
        return DSL.using(SQLDialect.POSTGRES).render(name(schema, table));
    }
}
