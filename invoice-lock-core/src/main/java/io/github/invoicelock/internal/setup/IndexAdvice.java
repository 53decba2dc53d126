package io.github.invoicelock.internal.setup;

import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Invoices;
import java.util.Optional;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.impl.DSL;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether an index serves the search for pending invoices: PostgreSQL's own planner is asked, with sequential scans and sorts
 * made unattractive. One does if the plan needs neither, and no filter on rows that are not pending. On Citus the plan of one shard counts:
 * what the shards answer is always sorted once more.
 */
public final class IndexAdvice {
    private IndexAdvice() {}

    /**
     * Logs the statement that creates the index, if none serves.
     *
     * @param database the door
     * @param biller whose
     * @param invoices its table
     */
    public static void log(Database database, String biller, Invoices invoices) {
        missing(database, invoices)
                .ifPresent(statement -> LoggerFactory.getLogger("io.github.invoicelock")
                        .warn(
                                "biller={} no index serves the search for pending invoices; each run reads the whole table. Create one: {}",
                                biller,
                                statement));
    }

    static Optional<String> missing(Database database, Invoices invoices) {
        return database.inTransaction(tx -> served(tx, invoices) ? Optional.empty() : advice(tx, invoices));
    }

    private static boolean served(DSLContext tx, Invoices invoices) {
        tx.execute("set local jit = off");
        tx.execute("set local enable_seqscan = off");
        tx.execute("set local enable_sort = off");
        tx.execute("set local enable_incremental_sort = off");
        tx.execute("set local enable_bitmapscan = off");
        String plan = tx.fetchSingle(
                        "explain (format json) {0}", invoices.candidates().pendingInOrder())
                .get(0, String.class);
        // By node types: a column may be named Sort. A partitioned table without partitions has no scan at all.
        // A policy and a view filter by conditions of their own: there a partial index is taken for one on pending.
        return tx.fetchSingle("""
                        select not jsonb_path_exists(plan, '$.**."Node Type" ? (@ like_regex "Scan$")')
                            or not jsonb_path_exists(plan, '$.**."Node Type" ? (@ == "Seq Scan" || @ like_regex "Sort$")')
                               and jsonb_path_exists(plan, '$.**."Node Type" ? (@ like_regex "^Index")')
                               and (not jsonb_path_exists(plan, '$.**."Filter"')
                                    or (row_security_active(t.oid) or t.relkind = 'v')
                                       and not exists (select from jsonb_path_query(plan, '$.**."Index Name"') n
                                                       join pg_class c on c.relname = n #>> '{}'
                                                       join pg_index i on i.indexrelid = c.oid and i.indpred is null))
                        from (select coalesce(nullif(jsonb_path_query_array(whole, '$.**."Remote Plan"'), '[]'), whole) as plan
                              from (select cast({0} as jsonb) as whole) w) p
                        join pg_class t on t.oid = to_regclass({1})""", DSL.val(plan), DSL.val(invoices.qualifiedName()))
                .get(0, Boolean.class);
    }

    /** A statement that PostgreSQL takes: it builds no index concurrently on a partitioned table, and none at all on a view. */
    private static Optional<String> advice(DSLContext tx, Invoices invoices) {
        String table = invoices.qualifiedName();
        String columns = " " + invoices.candidates().pendingIndex();
        Record found = tx.fetchSingle("""
                with recursive source (oid, kind) as (
                  select oid, relkind from pg_class where oid = to_regclass({0})
                  union
                  select c.oid, c.relkind from source s
                  join pg_rewrite r on r.ev_class = s.oid and s.kind = 'v'
                  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
                  join pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p', 'v', 'f')
                )
                select (select relkind::text from pg_class where oid = to_regclass({0})) as kind,
                       (select relhassubclass from pg_class where oid = to_regclass({0})) as inherited,
                       (select string_agg(oid::regclass::text, ', ' order by oid::regclass::text) from source where kind <> 'v') as tables""", DSL.val(table));
        return switch (found.get("kind", String.class)) {
            case "p" -> Optional.of("create index on " + table + columns);
            case "v" ->
                Optional.of("on the table behind the view " + table + " (" + found.get("tables", String.class) + "): "
                        + columns.strip());
            // Its indexes are another server's.
            case "f" -> Optional.empty();
            default ->
                Optional.of("create index concurrently on " + table + columns
                        + (found.get("inherited", Boolean.class) ? "; and on each table that inherits from it" : ""));
        };
    }
}
