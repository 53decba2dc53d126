package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.selectOne;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.invoices.Invoices;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;

/**
 * Which invoices each biller's name stands for. A name is part of every key (R3): one name on two tables would mix up their invoices, two
 * names for one invoice could charge it twice. So the catalog is asked which rows a table, a view, a partition or an inheritance child
 * shares with another, whatever they are called.
 *
 * <p>What it cannot see: whether two conditions overlap, and what two foreign tables have in common.
 */
public final class BillerRegistry {
    /** Many servers may start at once, and are registered one after the other. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private static final SessionSettings REGISTERING =
            new SessionSettings(PATIENCE, PATIENCE, SessionSettings.Work.ONE_ROW);

    private static final Pattern PLAIN_COLUMN = Pattern.compile("\"(?:[^\"]|\"\")+\"");

    private final Database database;
    private final String schema;
    private final String name;
    private final Invoices invoices;

    private BillerRegistry(Database database, String schema, String name, Invoices invoices) {
        this.database = database;
        this.schema = schema;
        this.name = name;
        this.invoices = invoices;
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
        new BillerRegistry(database, schema, name, invoices).register();
    }

    private void register() {
        // A view or a partition may have been made since, so this is asked at each start; but nobody waits for a lock
        // who is known.
        boolean known = database.inTransaction(tx -> {
            refuseShared(tx);
            return isRegistered(tx);
        });
        if (!known) {
            database.inTransaction(REGISTERING, tx -> {
                // One registration at a time, so that two names for the same invoices see one another.
                tx.execute("lock table {0} in share row exclusive mode", name(schema, "biller"));
                refuseOtherTable(tx);
                refuseShared(tx);
                write(tx);
                return null;
            });
        }
    }

    private boolean isRegistered(DSLContext tx) {
        return tx.fetchOptional(
                        "select 1 from {0} where name = {1} and invoices = {2} and pending = {3} and billable = {4} and ({5} or invoices_oid = to_regclass({2})::oid::bigint)",
                        table(),
                        val(name),
                        val(invoices.qualifiedName()),
                        val(invoices.pendingSql()),
                        val(invoices.billableSql()),
                        inline(database.distributed()))
                .isPresent();
    }

    private void write(DSLContext tx) {
        tx.execute(
                "insert into {0} (name, invoices, invoices_oid, pending, billable) values ({1}, {2}, to_regclass({2})::oid::bigint, {3}, {4}) "
                        + "on conflict (name) do update set invoices = excluded.invoices, invoices_oid = excluded.invoices_oid, "
                        + "pending = excluded.pending, billable = excluded.billable",
                table(),
                val(name),
                val(invoices.qualifiedName()),
                val(invoices.pendingSql()),
                val(invoices.billableSql()));
    }

    /**
     * The same table is one of the same name, as after a restore, or one of the same number, as after it was renamed. On Citus each node
     * has numbers of its own.
     */
    private void refuseOtherTable(DSLContext tx) {
        Optional<Record> other = tx.fetchOptional(
                "select invoices from {0} where name = {1} and invoices <> {2} and ({3} or invoices_oid <> to_regclass({2})::oid::bigint)",
                table(), val(name), val(invoices.qualifiedName()), inline(database.distributed()));
        other.ifPresent(known -> {
            throw new SetupException(
                    "The name \"" + name + "\" stands for table " + known.get(0, String.class) + ", not for "
                            + invoices.qualifiedName()
                            + ". If these are the same invoices under the same ids, as after the table was moved or replaced, keep the name: "
                            + "under another, what was charged or is in doubt would be charged again. Stop all servers and run: update "
                            + rendered(table()) + " set invoices = " + rendered(inline(invoices.qualifiedName()))
                            + " where name = " + rendered(inline(name))
                            + ". Only for invoices that were never billed under \"" + name
                            + "\" say another name: .name(\"…\").");
        });
    }

    private void refuseShared(DSLContext tx) {
        // Most hosts have one biller, and to plan the search takes longer than the rest of the set-up.
        if (tx.fetchExists(selectOne().from(table()).where("name <> {0}", val(name)))) {
            sharing(tx).forEach(this::refuseUnlessApart);
        }
    }

    /**
     * The other billers that have rows in common with this one. Rows are shared by tables that have a table beneath them in common: a
     * partitioned table's or a parent's children, and what a view takes its rows from. Those are the relations of its rule before its join
     * tree; what the rule mentions later, it only looks up. Where there is a query within that part, a UNION's say, all relations count that
     * the view depends on.
     */
    private Result<Record> sharing(DSLContext tx) {
        return tx.fetch("""
                        with recursive root (name, oid) as (
                          select null, to_regclass({0})::oid
                          union all
                          -- by its name first: a restored database has other numbers. Joined, not looked up for each: there may be many
                          select b.name, coalesce(t.oid, b.invoices_oid::oid)
                          from {1} b left join (
                            select c.oid, '"' || replace(n.nspname::text, '"', '""') || '"."' || replace(c.relname::text, '"', '""') || '"'
                            from pg_class c join pg_namespace n on n.oid = c.relnamespace
                          ) t (oid, called) on t.called = b.invoices
                          where b.name <> {2}
                        ), beneath (name, oid) as (
                          select name, oid from root
                          union
                          select b.name, part.oid from beneath b cross join lateral (
                            select i.inhrelid from pg_inherits i where i.inhparent = b.oid
                            union all
                            select source.oid from pg_rewrite r
                            cross join lateral split_part(r.ev_action::text, ' :jointree {FROMEXPR', 1) taken
                            cross join lateral (
                              select m[1]::oid from regexp_matches(taken, ':relid ([0-9]+)', 'g') m
                              where taken not like '%{QUERY%{QUERY%'
                              union all
                              select d.refobjid from pg_depend d
                              where taken like '%{QUERY%{QUERY%'
                                and d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
                            ) source (oid)
                            where r.ev_class = b.oid and r.ev_type = '1'
                          ) part (oid)
                        )
                        select other.name, known.invoices, known.pending, known.billable, other.oid = mine.oid as same
                        from root mine, root other join {1} known on known.name = other.name
                        where mine.name is null
                          and other.name in (select o.name from beneath o
                                             join beneath m on m.oid = o.oid and m.name is null
                                             join pg_class c on c.oid = o.oid and c.relkind in ('r', 'p', 'v', 'f', 'm'))
                        order by other.name""", val(invoices.qualifiedName()), table(), val(name));
    }

    private void refuseUnlessApart(Record known) {
        boolean same = known.get("same", Boolean.class);
        if (same && isApart(known.get("pending", String.class), known.get("billable", String.class))) {
            return;
        }
        String other = known.get("name", String.class);
        throw new SetupException("The biller \"" + other + "\" bills the same pending invoices of "
                + invoices.qualifiedName() + " as \"" + name + "\" would"
                + (same
                        ? ""
                        : ", for it stands for " + known.get("invoices", String.class)
                                + ", which has rows in common with it")
                + "; each name has keys of its own, so an invoice could be charged under both. Use one name on every server, or "
                + (same ? "" : "let both bill one of the two tables and ")
                + "give each a billableWhen of its own that no invoice shares: whether two conditions overlap the library cannot see. If \""
                + other + "\" is out of use and has left nothing in doubt, its row may go: delete from "
                + rendered(table())
                + " where name = " + rendered(inline(other)) + ".");
    }

    /** Two columns are two charges of an invoice; two conditions may be one, written otherwise. */
    private boolean isApart(String pending, String billable) {
        boolean twoColumns =
                isColumn(pending) && isColumn(invoices.pendingSql()) && !pending.equals(invoices.pendingSql());
        boolean twoParts =
                !billable.isEmpty() && !invoices.billableSql().isEmpty() && !billable.equals(invoices.billableSql());
        return twoColumns || twoParts;
    }

    private static boolean isColumn(String pending) {
        return PLAIN_COLUMN.matcher(pending).matches();
    }

    private org.jooq.Name table() {
        return name(schema, "biller");
    }

    private static String rendered(org.jooq.QueryPart part) {
        return DSL.using(SQLDialect.POSTGRES).renderInlined(part);
    }
}
