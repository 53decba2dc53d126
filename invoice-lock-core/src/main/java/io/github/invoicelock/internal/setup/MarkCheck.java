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
 * Whether an invoice would still be pending when it has been marked as billed (R12). PostgreSQL is asked with a row of nulls that was marked;
 * it can tell only where nothing else decides: no trigger, no view, no column that is never null or computed.
 */
final class MarkCheck {
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
            if (database.inTransaction(tx -> canTell(tx, set.keySet()) && staysPending(tx, set))) {
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

    private boolean canTell(DSLContext tx, Set<String> set) {
        if (tx.fetchSingle(
                        "select c.relkind not in ('r', 'p') or exists (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal "
                                + "and t.tgtype & 2 = 2) from pg_class c where c.oid = to_regclass({0})",
                        DSL.val(invoices.qualifiedName()))
                .get(0, Boolean.class)) {
            return false;
        }
        Set<String> unknowable = new HashSet<>(tx.fetch(
                        "select attname::text from pg_attribute where attrelid = to_regclass({0}) and attnum > 0 and (attnotnull or attgenerated <> '')",
                        DSL.val(invoices.qualifiedName()))
                .getValues(0, String.class));
        unknowable.removeAll(set);
        String pending = invoices.pendingSql();
        return unknowable.stream()
                .noneMatch(column -> Pattern.compile("(?<!\\w)" + Pattern.quote(column) + "(?!\\w)")
                        .matcher(pending)
                        .find());
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

    /** As the statement that marks has it, so that the two never differ. */
    private Map<String, QueryPart> set() {
        Map<String, QueryPart> set = new java.util.LinkedHashMap<>();
        Query mark = invoices.marks().marks().get(0);
        QOM.Update<?> update =
                mark instanceof QOM.UpdateReturning<?> returning ? returning.$update() : (QOM.Update<?>) mark;
        update.$set().forEach((column, value) -> set.put(((org.jooq.Field<?>) column).getName(), value));
        if (settings.referenceColumn() != null) {
            set.put(settings.referenceColumn(), DSL.inline("a reference"));
        }
        return set;
    }
}
