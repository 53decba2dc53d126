package io.github.invoicelock.internal.invoices;

import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.raw;

import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.RowLock;
import io.github.invoicelock.internal.statements.Rows;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jooq.Condition;
import org.jooq.Field;
import org.jooq.Name;
import org.jooq.QueryPart;
import org.jooq.Record;
import org.jooq.SQL;
import org.jooq.SQLDialect;
import org.jooq.SelectFinalStep;
import org.jooq.SelectForUpdateStep;
import org.jooq.SelectForUpdateWaitStep;
import org.jooq.SortField;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * What all statements on the host's table share: its names, quoted; its conditions; its order; its row lock.
 *
 * <p>The host's conditions are inlined, so that a partial index on the same condition serves them, and the table is never aliased: they
 * may be qualified by its name.
 *
 * @param all by their names
 * @param order null where the id alone orders invoices
 * @param fresh pending and billable
 */
record InvoiceColumns(
        InvoiceSettings settings,
        Name tableName,
        Map<String, Column> all,
        Column id,
        @Nullable Column order,
        Condition pending,
        Condition fresh) {
    /** The name under which statements bind an invoice's id, or several. */
    static final String INVOICE = "invoice";

    static final Field<String> ONE = DSL.param(INVOICE, String.class);
    static final Field<String[]> MANY = DSL.param(INVOICE, String[].class);

    static InvoiceColumns of(InvoiceSettings settings, String schema, Map<String, Column> all, Condition also) {
        String orderedBy = settings.orderedBy();
        Condition pending = settings.pendingColumn() != null
                ? DSL.condition(DSL.field(name(settings.pendingColumn()), SQLDataType.BOOLEAN))
                : DSL.condition(rendered(Objects.requireNonNull(settings.pendingWhen())));
        return new InvoiceColumns(
                settings,
                name(schema, settings.table()),
                all,
                Objects.requireNonNull(all.get(settings.id())),
                orderedBy == null || orderedBy.equals(settings.id())
                        ? null
                        : Objects.requireNonNull(all.get(orderedBy)),
                pending,
                (settings.billableWhen() == null
                                ? pending
                                : pending.and(DSL.condition(rendered(settings.billableWhen()))))
                        .and(also));
    }

    Table<?> table() {
        return DSL.table(tableName);
    }

    Column column(String name) {
        return Objects.requireNonNull(all.get(name), () -> "no column " + name);
    }

    Field<Object> idField() {
        return field(id);
    }

    /**
     * The id as the journal has it, in the journal's collation, said outright: that decides a comparison, so that the journal's index serves
     * ids of any other collation.
     */
    Field<String> idText() {
        return DSL.cast(idField(), SQLDataType.CLOB).collate(DSL.collation("C"));
    }

    /** For a row that is found by its id: as no condition of an index, which might seem shorter than it is. */
    Field<Boolean> isPending() {
        return DSL.coalesce(DSL.field(pending), DSL.inline(false));
    }

    /** Qualified, because an unqualified name in ORDER BY is first looked for among the output columns, where the id is text. */
    Field<Object> field(Column column) {
        return DSL.field(name(settings.table(), column.name()));
    }

    List<SortField<?>> ordering() {
        return order == null
                ? List.of(idField().asc())
                : List.of(field(order).asc(), idField().asc());
    }

    Condition isId(Field<String> invoiceId) {
        return idField().eq(cast(invoiceId, id.baseType()));
    }

    Condition isOneOf(Field<String[]> invoiceIds) {
        return DSL.condition("{0} = any(cast({1} as {2}[]))", idField(), invoiceIds, raw(id.baseType()));
    }

    <R extends Record> SelectFinalStep<R> locking(SelectForUpdateStep<R> select, RowWait wait) {
        SelectForUpdateWaitStep<R> lock =
                settings.rowLock() == RowLock.FOR_UPDATE ? select.forUpdate() : select.forNoKeyUpdate();
        return switch (wait) {
            case NOWAIT -> lock.noWait();
            case SKIP_LOCKED -> lock.skipLocked();
            case WAIT -> lock;
        };
    }

    /** An id that is unique in each partition only may be there twice, which no look at the table's keys can tell. */
    void requireLast(Rows rows, String invoiceId) {
        if (rows.next()) {
            throw new InvoiceLockException("Two invoices of " + qualifiedName() + " have the id " + invoiceId
                    + ". It must be unique over all partitions: give one of them another id.");
        }
    }

    String qualifiedName() {
        return DSL.using(SQLDialect.POSTGRES).render(tableName);
    }

    static Field<Object> cast(Field<?> value, String type) {
        return DSL.field("cast({0} as {1})", Object.class, value, raw(type));
    }

    /** The host's own expression as text, with its values in it: the index that serves it is on just that. */
    static SQL rendered(QueryPart part) {
        return raw(DSL.using(SQLDialect.POSTGRES).renderInlined(part));
    }
}
