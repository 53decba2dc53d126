package io.github.invoicelock.internal.setup;

import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.raw;

import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Column;
import io.github.invoicelock.internal.invoices.InvoiceSettings;
import io.github.invoicelock.internal.invoices.Invoices;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jooq.DSLContext;
import org.jooq.Query;
import org.jooq.QueryPart;
import org.jooq.impl.DSL;
import org.jooq.impl.QOM;
import org.slf4j.LoggerFactory;

/**
 * Whether an invoice would still be pending when it has been marked as billed (R12). PostgreSQL is asked with a row of nulls that was marked,
 * and only where what is set decides by itself: the condition holds no other column and no query, no value depends on the row, and neither a
 * trigger, a rule, a view nor a hook has a say. What cannot be told is told when it happens, as an anomaly.
 */
final class MarkCheck {
    private static final Pattern QUERY = word("select|values|table|with");

    private final Database database;
    private final InvoiceSettings settings;
    private final Invoices invoices;
    private final Collection<Column> columns;

    MarkCheck(Database database, InvoiceSettings settings, Invoices invoices, Collection<Column> columns) {
        this.database = database;
        this.settings = settings;
        this.invoices = invoices;
        this.columns = columns;
    }

    /** Refuses what surely stays pending. */
    void check() {
        Map<String, QueryPart> set = set();
        try {
            if (database.inTransaction(tx -> canTell(tx, set) && staysPending(tx, set))) {
                throw new SetupException("An invoice of " + invoices.qualifiedName()
                        + " would still be pending when it was marked as billed: " + invoices.pendingSql()
                        + " is true with "
                        + String.join(", ", set.keySet())
                        + " set as said. Set what ends it: InvoiceTable.onBilledSet(column, value) with a value that is not pending, or "
                        + "storeBilledAtIn(column) where pending is that it is null.");
            }
        } catch (io.github.invoicelock.DatabaseException e) {
            if (ErrorOfTheConnection.is(e.sqlState())) {
                throw e;
            }
            // A condition with a schema in its names, for one, cannot be asked of a row that is in no table.
            LoggerFactory.getLogger("io.github.invoicelock")
                    .debug("Whether a marked invoice is pending cannot be told", e);
        }
    }

    private boolean canTell(DSLContext tx, Map<String, QueryPart> set) {
        String pending = invoices.pendingSql();
        Set<String> deciding = named(pending);
        return !deciding.isEmpty()
                && set.keySet().containsAll(deciding)
                && !takesWhole(pending)
                && !holdsQuery(pending)
                && set.values().stream().map(tx::renderInlined).noneMatch(this::depends)
                && !othersHaveASay(tx);
    }

    private boolean depends(String value) {
        return !named(value).isEmpty() || takesWhole(value) || holdsQuery(value);
    }

    /** The columns that an expression may name; a word in a literal counts, too, for then nothing is refused. */
    private Set<String> named(String sql) {
        Set<String> named = new HashSet<>();
        for (Column column : columns) {
            if (word(Pattern.quote(column.name().replace("\"", "\"\"")))
                    .matcher(sql)
                    .find()) {
                named.add(column.name());
            }
        }
        return named;
    }

    /** The table's name without a column's after it: the whole row. */
    private boolean takesWhole(String sql) {
        String table = Pattern.quote(settings.table().replace("\"", "\"\""));
        return Pattern.compile("(?i)(?<!\\w)" + table + "(?!\\w)(?!\"?\\s*\\.\\s*[\\w\"])")
                .matcher(sql)
                .find();
    }

    private static boolean holdsQuery(String sql) {
        return QUERY.matcher(sql).find();
    }

    private static Pattern word(String regex) {
        return Pattern.compile("(?i)(?<!\\w)(?:" + regex + ")(?!\\w)");
    }

    /** Triggers and rules, of the partitions and children, too. */
    private boolean othersHaveASay(DSLContext tx) {
        return tx.fetchSingle("""
                        with recursive part (oid) as (
                          select to_regclass({0})::oid
                          union
                          select i.inhrelid from pg_inherits i join part on i.inhparent = part.oid
                        )
                        select coalesce(bool_or(c.relkind not in ('r', 'p')
                            or exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal)
                            or exists (select from pg_rewrite r where r.ev_class = c.oid)), true)
                        from part join pg_class c on c.oid = part.oid""", DSL.val(invoices.qualifiedName())).get(0, Boolean.class);
    }

    private boolean staysPending(DSLContext tx, Map<String, QueryPart> set) {
        List<QueryPart> nulls = new ArrayList<>();
        List<QueryPart> marked = new ArrayList<>();
        for (Column column : columns) {
            nulls.add(DSL.sql("cast(null as {0}) as {1}", raw(column.type()), name(column.name())));
            QueryPart value = set.getOrDefault(column.name(), name(column.name()));
            marked.add(DSL.sql("cast({0} as {1}) as {2}", value, raw(column.type()), name(column.name())));
        }
        return Boolean.TRUE.equals(tx.fetchSingle(
                        "select ({0}) from (select {1} from (select {2}) as {3}) as {3}",
                        raw(invoices.pendingSql()), DSL.list(marked), DSL.list(nulls), name(settings.table()))
                .get(0, Boolean.class));
    }

    /** As the statement that marks has it, so that the two never differ; without the reference, which nobody knows yet. */
    private Map<String, QueryPart> set() {
        Map<String, QueryPart> set = new java.util.LinkedHashMap<>();
        Query mark = invoices.marks().marks().get(0);
        QOM.Update<?> update =
                mark instanceof QOM.UpdateReturning<?> returning ? returning.$update() : (QOM.Update<?>) mark;
        update.$set().forEach((column, value) -> set.put(((org.jooq.Field<?>) column).getName(), value));
        if (settings.referenceColumn() != null) {
            set.remove(settings.referenceColumn());
        }
        return set;
    }
}
