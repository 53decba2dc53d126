package io.github.invoicelock.internal.invoices;

import static io.github.invoicelock.internal.invoices.InvoiceColumns.INVOICE;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.raw;
import static org.jooq.impl.DSL.table;

import io.github.invoicelock.internal.invoices.Column.Carriage;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.QueryPart;
import org.jooq.Record1;
import org.jooq.Record2;
import org.jooq.Select;
import org.jooq.SelectForUpdateStep;
import org.jooq.SelectJoinStep;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.QOM;

/** The invoice as it was when it was claimed, which every call is made from (R4): how it is taken, and how it is read. */
public final class Snapshots {
    /** PostgreSQL passes no more to a function. */
    private static final int MOST_ARGUMENTS = 100;

    private final InvoiceColumns columns;
    private final List<Column> included;
    private final Field<JSONB> snapshot;

    Snapshots(InvoiceColumns columns, List<Column> included) {
        this.columns = columns;
        this.included = List.copyOf(included);
        this.snapshot = snapshot();
    }

    /**
     * Invoices that this transaction has locked: the source of a claim of many. Columns {@code invoice_id}, {@code snapshot}, in no
     * order; it binds {@link #bound}.
     */
    public Select<Record2<String, JSONB>> locked() {
        return select().where(columns.isOneOf(InvoiceColumns.MANY)).and(columns.isPending());
    }

    /** What {@link #locked} binds. */
    public Map<String, ?> bound(Collection<String> ids) {
        return Map.of(INVOICE, ids.toArray(String[]::new));
    }

    /** The snapshot of an invoice that this transaction has locked. */
    public JSONB snapshot(DSLContext tx, String invoiceId) {
        return tx.select(snapshot)
                .from(columns.table())
                .where(columns.isId(DSL.val(invoiceId)))
                .fetchSingle()
                .value1();
    }

    /** The invoice as it is, whatever its state; empty if it is gone. */
    public Optional<JSONB> now(DSLContext tx, String invoiceId) {
        return tx.select(snapshot)
                .from(columns.table())
                .where(columns.isId(DSL.val(invoiceId)))
                .fetchOptional()
                .map(Record1::value1);
    }

    /** A fresh invoice and its snapshot: for EXPLAIN, which tries the host's conditions and what it wants included. */
    public Select<?> anyFresh(boolean locked) {
        SelectForUpdateStep<?> any =
                select().where(columns.fresh()).orderBy(columns.ordering()).limit(inline(1));
        return locked ? columns.locking(any, RowWait.SKIP_LOCKED) : any;
    }

    /**
     * The invoice with its columns' types, as the rows of a function over a snapshot, to be joined laterally: one row, the table's
     * columns, then what is included. The one reading for claims, next keys and take-overs, so that two requests under one key are read
     * alike (R4).
     */
    public Table<?> typed(Field<?> snapshot) {
        // PostgreSQL plans a prepared statement anew when a table that it names is altered, not when a type is: without
        // the
        // table's name one server would go on reading the columns of before, and another those of now (R4).
        Field<?> row = field("(with host as (select from {0}) select null::{0})", columns.tableName());
        Field<?> readable = readable(snapshot);
        if (included.isEmpty()) {
            return table("lateral jsonb_populate_record({0}, {1}) as invoice", row, readable);
        }
        List<QueryPart> definitions = new ArrayList<>();
        included.forEach(column -> definitions.add(DSL.sql("{0} {1}", name(column.name()), raw(column.type()))));
        // Not a subquery over the two: Citus cannot plan one that is lateral to what it inserted.
        return table(
                "lateral rows from (jsonb_populate_record({0}, {1}), jsonb_to_record({1}) as ({2})) as invoice",
                row, readable, DSL.list(definitions));
    }

    /** Columns {@code invoice_id}, {@code snapshot}. */
    SelectJoinStep<Record2<String, JSONB>> select() {
        return DSL.select(columns.idText().as("invoice_id"), snapshot.as("snapshot"))
                .from(columns.table());
    }

    private Field<JSONB> snapshot() {
        Field<JSONB> ofRow =
                field("to_jsonb({0}.*)", JSONB.class, name(columns.settings().table()));
        List<QueryPart> pairs = new ArrayList<>();
        for (Column column : columns.all().values()) {
            if (column.carriage() != Carriage.JSON) {
                pairs.add(inline(column.name()));
                pairs.add(carried(columns.field(column), column));
            }
        }
        for (int i = 0; i < included.size(); i++) {
            Field<?> include = columns.settings().including().get(i);
            pairs.add(inline(include.getName()));
            pairs.add(carried(field("{0}", InvoiceColumns.rendered(unaliased(include))), included.get(i)));
        }
        return with(ofRow, pairs);
    }

    private static Field<?> carried(Field<?> value, Column column) {
        return switch (column.carriage()) {
            case JSON -> value;
            case TEXT -> field("cast(({0}) as text)", String.class, value);
            case NUMBER -> field("cast(({0}) as numeric)", BigDecimal.class, value);
        };
    }

    /** A snapshot whose numbers are money again, as this session prints it. */
    private Field<?> readable(Field<?> snapshot) {
        List<QueryPart> pairs = new ArrayList<>();
        Stream.concat(columns.all().values().stream(), included.stream())
                .filter(column -> column.carriage() == Carriage.NUMBER)
                .forEach(column -> {
                    pairs.add(inline(column.name()));
                    pairs.add(field("cast(cast({0} ->> {1} as numeric) as money)", snapshot, inline(column.name())));
                });
        return pairs.isEmpty() ? snapshot : field("({0})", JSONB.class, with(snapshot, pairs));
    }

    private static Field<JSONB> with(Field<?> object, List<QueryPart> pairs) {
        Field<JSONB> all = field("{0}", JSONB.class, object);
        for (int from = 0; from < pairs.size(); from += MOST_ARGUMENTS) {
            List<QueryPart> some = pairs.subList(from, Math.min(from + MOST_ARGUMENTS, pairs.size()));
            all = field("{0} || jsonb_build_object({1})", JSONB.class, all, DSL.list(some));
        }
        return all;
    }

    private static Field<?> unaliased(Field<?> field) {
        return field instanceof QOM.FieldAlias<?> alias ? alias.$field() : field;
    }
}
