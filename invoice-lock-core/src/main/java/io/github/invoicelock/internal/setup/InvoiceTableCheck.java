package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.name;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Server;
import io.github.invoicelock.internal.invoices.Column;
import io.github.invoicelock.internal.invoices.InvoiceSettings;
import io.github.invoicelock.internal.invoices.Invoices;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Name;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.SQLDialect;
import org.jooq.Select;
import org.jooq.impl.DSL;
import org.postgresql.jdbc.PgResultSet;
import org.slf4j.LoggerFactory;

/** Checks what the host said of its table against the catalog, before anything is written. */
public final class InvoiceTableCheck {

    private static final Set<String> ID_TYPES =
            Set.of("bigint", "integer", "smallint", "uuid", "text", "character varying", "bpchar");

    /** Tables, partitioned tables, views, foreign tables. */
    private static final Set<String> TABLE_KINDS = Set.of("r", "p", "v", "f");

    private static final int LONGEST_NAME = 63;

    private final InvoiceSettings settings;
    private final Server server;
    private final String named;

    private InvoiceTableCheck(InvoiceSettings settings, Server server) {
        this.settings = settings;
        this.server = server;
        this.named = settings.schema() == null
                ? "InvoiceTable.named(\"" + settings.table() + "\")"
                : "InvoiceTable.named(\"" + settings.schema() + "\", \"" + settings.table() + "\")";
    }

    /**
     * Checks the table.
     *
     * @param database the door
     * @param server what it said of itself
     * @param settings what the host said
     * @param biller whose, for the log
     * @param journal its schema: what the role may not do there is said together with what it may not do here
     * @param hooked whether a hook of the host's works in the transaction that marks
     * @return the statements on it
     * @throws SetupException if something is not as the host said
     */
    public static Invoices check(
            Database database, Server server, InvoiceSettings settings, String biller, String journal, boolean hooked) {
        InvoiceTableCheck check = new InvoiceTableCheck(settings, server);
        Map<String, Column> columns = new LinkedHashMap<>();
        Invoices invoices = database.inTransaction(tx -> check.check(tx, columns, biller, journal));
        if (!hooked) {
            new MarkCheck(database, settings, invoices, columns.values()).check();
        }
        return invoices;
    }

    private Invoices check(DSLContext tx, Map<String, Column> columns, String biller, String journal) {
        // A type's name is compared below, and a host may have left this on in its session.
        tx.execute("set local quote_all_identifiers = off");
        Record table = find(tx);
        long oid = table.get("oid", Long.class);
        String schema = table.get("schema", String.class);
        columns.putAll(columns(tx, oid));
        checkColumns(columns);
        if (server.citus()) {
            CitusCheck.distributedBy(tx, oid, table(), settings.id());
        }
        checkId(tx, oid, columns, "v".equals(table.get("kind", String.class)));
        checkPending(columns);
        checkStored(columns);
        checkPrivileges(tx, oid, journal);
        List<Column> included = included(tx, schema, columns.keySet());
        KeptCheck.check(settings, table(), columns, included);
        Invoices invoices =
                new Invoices(settings, schema, columns, included, notKnownOtherwise(tx, oid, biller, journal));
        checkConditions(tx, invoices.candidates().pendingInOrder());
        // Before it is locked: a view that cannot be updated cannot be locked, and the remedy is said here.
        checkMarks(tx, invoices);
        checkConditions(tx, invoices.snapshots().anyFresh(!server.citus()));
        return invoices;
    }

    private Record find(DSLContext tx) {
        if (settings.table().isEmpty() || "".equals(settings.schema())) {
            throw new SetupException(named + " has an empty name. It must name the table of invoices, as in "
                    + "InvoiceTable.named(\"invoices\") or InvoiceTable.named(\"billing\", \"invoices\").");
        }
        String regclass = DSL.using(SQLDialect.POSTGRES)
                .render(settings.schema() == null ? name(settings.table()) : name(settings.schema(), settings.table()));
        Record table = tx.fetchOptional(
                        "select c.oid::bigint as oid, n.nspname::text as schema, c.relkind::text as kind, c.relpersistence::text as persistence "
                                + "from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass({0})",
                        DSL.val(regclass))
                .orElseThrow(() -> new SetupException("No table " + regclass + ". " + named
                        + " must name a table that role \"" + server.role() + "\" can see; search_path is "
                        + server.searchPath() + "." + qualifiedInOne()));
        String kind = table.get("kind", String.class);
        if (!TABLE_KINDS.contains(kind)) {
            throw new SetupException(regclass + " is " + ("m".equals(kind) ? "a materialized view" : "no table")
                    + ", which cannot be locked or updated. " + named
                    + " must name a table, or a view that PostgreSQL can update.");
        }
        if ("t".equals(table.get("persistence", String.class))) {
            throw new SetupException(regclass + " is a temporary table, which one session alone can see. " + named
                    + " must name a table that all servers and all connections of the pool share.");
        }
        return table;
    }

    private String qualifiedInOne() {
        int dot = settings.table().indexOf('.');
        return settings.schema() != null || dot < 0
                ? ""
                : " A schema is given by itself: InvoiceTable.named(\""
                        + settings.table().substring(0, dot) + "\", \""
                        + settings.table().substring(dot + 1) + "\").";
    }

    private static Map<String, Column> columns(DSLContext tx, long oid) {
        Result<Record> rows = withoutSearchPath(tx, () -> tx.fetch("""
                        with recursive base (attnum, typid, typmod) as (
                          select attnum, atttypid, atttypmod from pg_attribute where attrelid = {0} and attnum > 0 and not attisdropped
                          union all
                          select b.attnum, t.typbasetype, t.typtypmod from base b join pg_type t on t.oid = b.typid and t.typtype = 'd'
                        )
                        select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, a.atttypid::bigint as type_oid,
                               -- without a length: "character" alone would be one character
                               (select case b.typid when 'bpchar'::regtype then 'bpchar' else format_type(b.typid, null) end
                                from base b join pg_type t on t.oid = b.typid
                                where b.attnum = a.attnum and t.typtype <> 'd') as base_type,
                               not (a.attnotnull or ty.typnotnull) as nullable
                        from pg_attribute a join pg_type ty on ty.oid = a.atttypid
                        where a.attrelid = {0} and a.attnum > 0 and not a.attisdropped order by a.attnum""", DSL.val(oid)));
        List<TypeTraits> traits = TypeTraits.of(tx, rows.getValues("type_oid", Long.class));
        Map<String, Column> columns = new LinkedHashMap<>();
        for (int i = 0; i < rows.size(); i++) {
            Record row = rows.get(i);
            columns.put(
                    row.get("name", String.class),
                    new Column(
                            row.get("name", String.class),
                            row.get("type", String.class),
                            row.get("base_type", String.class),
                            row.get("nullable", Boolean.class),
                            traits.get(i).carriage()));
        }
        return columns;
    }

    private void checkColumns(Map<String, Column> columns) {
        exists(columns, settings.id(), "id(\"" + settings.id() + "\")");
        if (settings.pendingColumn() != null) {
            exists(columns, settings.pendingColumn(), "pendingColumn(\"" + settings.pendingColumn() + "\")");
        }
        if (settings.orderedBy() != null) {
            exists(columns, settings.orderedBy(), "orderedBy(\"" + settings.orderedBy() + "\")");
        }
        if (settings.oneAtATimeFor() != null) {
            exists(columns, settings.oneAtATimeFor(), "oneAtATimeFor(\"" + settings.oneAtATimeFor() + "\")");
        }
        settings.onBilled().keySet().forEach(c -> exists(columns, c, "onBilledSet(\"" + c + "\", …)"));
        settings.onDeclined().keySet().forEach(c -> exists(columns, c, "onDeclinedSet(\"" + c + "\", …)"));
        if (settings.referenceColumn() != null) {
            exists(columns, settings.referenceColumn(), "storeReferenceIn(\"" + settings.referenceColumn() + "\")");
        }
        if (settings.billedAtColumn() != null) {
            exists(columns, settings.billedAtColumn(), "storeBilledAtIn(\"" + settings.billedAtColumn() + "\")");
        }
    }

    private void exists(Map<String, Column> columns, String column, String setting) {
        if (!columns.containsKey(column)) {
            throw new SetupException("No column \"" + column + "\" in " + table() + ". InvoiceTable." + setting
                    + " must name one of its columns: " + String.join(", ", columns.keySet()) + ".");
        }
    }

    private void checkId(DSLContext tx, long oid, Map<String, Column> columns, boolean view) {
        Column id = java.util.Objects.requireNonNull(columns.get(settings.id()));
        if (!ID_TYPES.contains(id.baseType())) {
            throw new SetupException("Column \"" + id.name() + "\" of " + table() + " is of type " + id.type()
                    + ", which cannot identify an invoice. InvoiceTable.id must name a column of type bigint, integer, smallint, uuid, "
                    + "text, varchar or char(n), or of a domain over one.");
        }
        // A view has no indexes; its table's uniqueness is the host's to know.
        boolean unique = view
                || !tx.fetch("""
                                select 1 from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attname = {1}
                                where i.indrelid = {0} and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
                                  and i.indnkeyatts = 1 and i.indkey[0] = a.attnum""", DSL.val(oid), DSL.val(id.name())).isEmpty()
                || partitionedUniquely(tx, oid, id.name());
        if (!unique) {
            throw new SetupException("Column \"" + id.name() + "\" of " + table()
                    + " is not unique, so it does not identify an invoice. InvoiceTable.id must name a column with a primary key or a "
                    + "unique index of its own: create unique index on " + table() + " (\"" + id.name() + "\").");
        }
        if (!view && id.nullable()) {
            throw new SetupException("Column \"" + id.name() + "\" of " + table()
                    + " may be null, so it does not identify every invoice. InvoiceTable.id must name a column that is not null: "
                    + "alter table " + table() + " alter column \"" + id.name() + "\" set not null.");
        }
    }

    /** A partitioned table's unique index must contain the partition keys of all levels: accepted where id and these are all there is. */
    private static boolean partitionedUniquely(DSLContext tx, long oid, String id) {
        return !tx.fetch("""
                select 1 from pg_index i
                join pg_attribute a on a.attrelid = i.indrelid and a.attname = {1}
                where i.indrelid = {0} and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
                  and a.attnum = any(i.indkey::int2[])
                  and a.attrelid in (select partrelid from pg_partitioned_table)
                  -- by name, since a partition may number its columns otherwise
                  and not exists (
                    select from pg_attribute k where k.attrelid = i.indrelid and k.attnum = any(i.indkey::int2[]) and k.attnum <> a.attnum
                      and k.attname not in (
                        select part.attname from pg_partition_tree(i.indrelid) t
                        join pg_partitioned_table p on p.partrelid = t.relid
                        join pg_attribute part on part.attrelid = p.partrelid and part.attnum = any(p.partattrs::int2[])))""", DSL.val(oid), DSL.val(id)).isEmpty();
    }

    private void checkPending(Map<String, Column> columns) {
        if (settings.pendingColumn() == null) {
            if (settings.onBilled().isEmpty()
                    && settings.billedAtColumn() == null
                    && settings.referenceColumn() == null) {
                throw new SetupException(
                        "pendingWhen says which invoices are pending, but nothing says how a billed one is marked. "
                                + "Add InvoiceTable.onBilledSet(column, value), or storeBilledAtIn(column), so that it is no longer pending.");
            }
            return;
        }
        Column pending = java.util.Objects.requireNonNull(columns.get(settings.pendingColumn()));
        if (!"boolean".equals(pending.baseType())) {
            throw new SetupException("Column \"" + pending.name() + "\" of " + table() + " is of type " + pending.type()
                    + ", not boolean, so it cannot be the pending column. Say what pending means: " + named
                    + ".pendingWhen(field(\"" + pending.name() + "\").eq(\"open\")).onBilledSet(\"" + pending.name()
                    + "\", \"paid\").");
        }
    }

    private void checkStored(Map<String, Column> columns) {
        Column reference = settings.referenceColumn() == null ? null : columns.get(settings.referenceColumn());
        if (reference != null && !reference.isText()) {
            throw new SetupException("Column \"" + reference.name() + "\" of " + table() + " is of type "
                    + reference.type()
                    + ", which cannot hold every provider's id of a charge. InvoiceTable.storeReferenceIn must name "
                    + "a column of type text, or of varchar(n) with room for the longest.");
        }
        Column billedAt = settings.billedAtColumn() == null ? null : columns.get(settings.billedAtColumn());
        if (billedAt != null && !billedAt.isTime()) {
            throw new SetupException("Column \"" + billedAt.name() + "\" of " + table() + " is of type "
                    + billedAt.type()
                    + ", which cannot hold the time of the mark. InvoiceTable.storeBilledAtIn must name a column of "
                    + "type timestamptz, timestamp or date; for any other say what to set: InvoiceTable.onBilledSet(\""
                    + billedAt.name() + "\", value).");
        }
    }

    private void checkPrivileges(DSLContext tx, long oid, String journal) {
        Set<String> updated = new LinkedHashSet<>(settings.onBilled().keySet());
        updated.addAll(settings.onDeclined().keySet());
        for (String column :
                new String[] {settings.pendingColumn(), settings.referenceColumn(), settings.billedAtColumn()}) {
            if (column != null) {
                updated.add(column);
            }
        }
        List<String> missing = new ArrayList<>();
        String to = " on " + table() + " to " + rendered(name(server.role()));
        if (!granted(tx.fetchSingle("select has_table_privilege({0}::oid, 'select')", DSL.val(oid)))) {
            missing.add("grant select" + to);
        }
        List<String> notUpdatable = updated.stream()
                .filter(column -> !granted(tx.fetchSingle(
                        "select has_column_privilege({0}::oid, {1}, 'update')", DSL.val(oid), DSL.val(column))))
                .map(column -> rendered(name(column)))
                .toList();
        if (!notUpdatable.isEmpty()) {
            missing.add("grant update (" + String.join(", ", notUpdatable) + ")" + to);
        }
        missing.addAll(JournalCheck.missingGrants(tx, server, journal));
        if (!missing.isEmpty()) {
            throw new SetupException("Role \"" + server.role() + "\" lacks privileges to bill " + table() + ". Run: "
                    + String.join("; ", missing) + ". FOR UPDATE needs update on a column, too.");
        }
    }

    private static boolean granted(Record answer) {
        return Boolean.TRUE.equals(answer.get(0, Boolean.class));
    }

    /**
     * Under such a collation the table takes two texts for one id, and the journal, which compares bytes, for two invoices: one whose id the
     * host writes in other letters must not be charged again. No index of the journal's serves that look-up.
     */
    private Condition notKnownOtherwise(DSLContext tx, long oid, String biller, String journal) {
        Record collation = tx.fetchOne(
                "select n.nspname::text, c.collname::text from pg_attribute a join pg_collation c on c.oid = a.attcollation "
                        + "join pg_namespace n on n.oid = c.collnamespace "
                        + "where a.attrelid = {0}::oid and a.attname = {1} and not c.collisdeterministic",
                DSL.val(oid), DSL.val(settings.id()));
        if (collation == null || !JournalCheck.exists(tx, journal)) {
            return DSL.noCondition();
        }
        LoggerFactory.getLogger("io.github.invoicelock")
                .warn(
                        "biller={} column \"{}\" of {} has the collation \"{}\", which takes different texts for one id. Each claim looks through "
                                + "all of the biller's attempts for other spellings of it, without an index. Give the column a deterministic "
                                + "collation where the journal grows long",
                        biller,
                        settings.id(),
                        table(),
                        rendered(name(collation.get(1, String.class))).replaceAll("^\"|\"$", ""));
        return DSL.condition(
                "not exists (select from {0} a where a.biller = {1} and a.invoice_id collate {2} = cast({3} as text) "
                        + "and a.invoice_id <> cast({3} as text) collate \"C\")",
                name(journal, "billing_attempt"),
                DSL.inline(biller),
                name(collation.get(0, String.class), collation.get(1, String.class)),
                name(settings.table(), settings.id()));
    }

    /** A type is printed with its schema where it is not found without, and another session may look elsewhere. */
    private static <T> T withoutSearchPath(DSLContext tx, Supplier<T> question) {
        String path = tx.fetchSingle("select current_setting('search_path')").get(0, String.class);
        tx.fetch("select set_config('search_path', 'pg_catalog', true)");
        T answer = question.get();
        tx.fetch("select set_config('search_path', {0}, true)", DSL.val(path));
        return answer;
    }

    private List<Column> included(DSLContext tx, String schema, Set<String> columns) {
        if (settings.including().isEmpty()) {
            return List.of();
        }
        checkNames(columns);
        List<Long> numbers = typesOfIncluded(tx, schema);
        // With a modifier of -1, since some names mean another type without: "bit" is bit(1), "character" is bpchar(1).
        List<String> types = withoutSearchPath(
                tx,
                () -> tx.fetch(
                                "select format_type(t::oid, -1) from unnest(cast({0} as bigint[])) with ordinality as types(t, n) order by n",
                                DSL.val(numbers.toArray(Long[]::new)))
                        .getValues(0, String.class));
        List<TypeTraits> traits = TypeTraits.of(tx, numbers);
        List<Column> included = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            String name = settings.including().get(i).getName();
            if (traits.get(i).pseudo()) {
                throw new SetupException("InvoiceTable.including has \"" + name + "\" of the pseudo-type "
                        + types.get(i) + ", which no column can have. Cast it: to a type of your own, or to_jsonb(…).");
            }
            included.add(new Column(
                    name, types.get(i), types.get(i), true, traits.get(i).carriage()));
        }
        return included;
    }

    private void checkNames(Set<String> columns) {
        Set<String> names = new HashSet<>(columns);
        for (Field<?> field : settings.including()) {
            if (field.getName().getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME) {
                throw new SetupException("InvoiceTable.including has \"" + field.getName()
                        + "\", which is longer than the " + LONGEST_NAME
                        + " bytes that PostgreSQL keeps of a name. Give it a shorter one: field.as(\"total\").");
            }
            if (!names.add(field.getName())) {
                throw new SetupException("InvoiceTable.including has \"" + field.getName() + "\", which is a column of "
                        + table() + " or included twice. Give it a name of its own: field.as(\"customer_"
                        + field.getName() + "\").");
            }
        }
    }

    private List<Long> typesOfIncluded(DSLContext tx, String schema) {
        try (ResultSet rows = tx.select(settings.including())
                .from(DSL.table(name(schema, settings.table())))
                .limit(0)
                .fetchResultSet()) {
            return types(rows);
        } catch (SQLException | org.jooq.exception.DataAccessException e) {
            if (e instanceof org.jooq.exception.DataAccessException failure) {
                ErrorOfTheConnection.rethrow(failure);
            }
            throw new SetupException(
                    "InvoiceTable.including cannot be evaluated on " + table() + ": " + e.getMessage(), e);
        }
    }

    /** By PostgreSQL's own numbers: the driver's names depend on the search path. */
    private static List<Long> types(ResultSet rows) throws SQLException {
        PgResultSet own = rows.unwrap(PgResultSet.class);
        List<Long> types = new ArrayList<>();
        for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
            types.add(Integer.toUnsignedLong(own.getColumnOID(i)));
        }
        return types;
    }

    /** The host's conditions are tried, on no row. */
    private void checkConditions(DSLContext tx, Select<?> search) {
        try {
            tx.fetch("explain {0}", search);
        } catch (org.jooq.exception.DataAccessException e) {
            ErrorOfTheConnection.rethrow(e);
            throw new SetupException(
                    "The conditions or values of " + named + " do not fit the table: " + e.getMessage()
                            + " Check pendingWhen, billableWhen and including.",
                    new DatabaseException("explain failed", e.sqlState(), e));
        }
    }

    /** What is written to a charged invoice is planned, on no row: a view that cannot be updated, or a value that does not fit, shows here. */
    private void checkMarks(DSLContext tx, Invoices invoices) {
        if (server.citus()) {
            return;
        }
        try {
            invoices.marks().marks().forEach(mark -> tx.fetch("explain {0}", mark));
        } catch (org.jooq.exception.DataAccessException e) {
            ErrorOfTheConnection.rethrow(e);
            throw new SetupException(
                    "A charged invoice in " + table() + " could not be marked as " + named + " says: " + e.getMessage()
                            + " Check onBilledSet and onDeclinedSet (a value must fit its column's type); a view must be one that PostgreSQL "
                            + "can update, of one table, without join, group by or distinct.",
                    new DatabaseException("explain failed", e.sqlState(), e));
        }
    }

    private static String rendered(Name name) {
        return DSL.using(SQLDialect.POSTGRES).render(name);
    }

    private String table() {
        return DSL.using(SQLDialect.POSTGRES)
                .render(settings.schema() == null ? name(settings.table()) : name(settings.schema(), settings.table()));
    }
}
