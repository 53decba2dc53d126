package io.github.invoicelock.internal.invoices;

import static io.github.invoicelock.internal.invoices.InvoiceColumns.INVOICE;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.param;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.EnumType;
import org.jooq.Field;
import org.jooq.Query;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** What is set on an invoice that was charged or finally refused, by the transaction that holds its row's lock (R12, R21). */
public final class Marks {
    /** The SQLSTATE of a value that is longer than its column. */
    private static final String TOO_LONG = "22001";

    private static final String REFERENCE = "reference";

    private final InvoiceColumns columns;
    private final @Nullable String referenceColumn;
    private final Map<Field<?>, Field<?>> billedValues = new LinkedHashMap<>();
    private final Map<Field<?>, Field<?>> declinedValues = new LinkedHashMap<>();
    private final Prepared one;
    private final Prepared many;

    Marks(InvoiceColumns columns) {
        this.columns = columns;
        InvoiceSettings settings = columns.settings();
        this.referenceColumn = settings.referenceColumn();
        if (settings.pendingColumn() != null) {
            billedValues.put(field(name(settings.pendingColumn())), inline(false));
        }
        settings.onBilled().forEach((column, value) -> billedValues.put(field(name(column)), value(value)));
        settings.onDeclined().forEach((column, value) -> declinedValues.put(field(name(column)), value(value)));
        if (settings.billedAtColumn() != null) {
            Column billedAt = columns.column(settings.billedAtColumn());
            billedValues.put(
                    field(name(billedAt.name())),
                    // Not clock_timestamp(): in an update Citus takes no volatile function.
                    InvoiceColumns.cast(field("statement_timestamp()"), billedAt.type()));
        }
        this.one = Prepared.of(markBilled(param(REFERENCE, String.class), columns.isId(InvoiceColumns.ONE)));
        // One object that holds all references, made when the statement is planned: a join with unnest(?) would be
        // planned for ten rows.
        this.many = Prepared.of(markBilled(
                field(
                        "jsonb_object({0}, {1}) ->> {2}",
                        String.class, InvoiceColumns.MANY, param(REFERENCE, String[].class), columns.idText()),
                columns.isOneOf(InvoiceColumns.MANY)));
    }

    /** Marks an invoice as billed that this transaction has locked, with the provider's id of the charge. */
    public Request<Mark> mark(String invoiceId, String reference) {
        return Request.of(one, Map.of(INVOICE, invoiceId, REFERENCE, reference), rows -> {
            Mark mark = rows.next() ? markOf(rows.flag(1)) : Mark.UNCHANGED;
            columns.requireLast(rows, invoiceId);
            return mark;
        });
    }

    /** Marks invoices as billed that this transaction has locked: what became of each, by its id, as the references are. */
    public Request<Map<String, Mark>> markAll(Map<String, String> references) {
        Map<String, String[]> bound = Map.of(
                INVOICE, references.keySet().toArray(String[]::new),
                REFERENCE, references.values().toArray(String[]::new));
        return Request.of(many, bound, rows -> {
            Map<String, Mark> marks = new HashMap<>();
            references.keySet().forEach(invoiceId -> marks.put(invoiceId, Mark.UNCHANGED));
            while (rows.next()) {
                marks.put(Objects.requireNonNull(rows.text(0)), markOf(rows.flag(1)));
            }
            return marks;
        });
    }

    private static Mark markOf(boolean pending) {
        return pending ? Mark.STILL_PENDING : Mark.MARKED;
    }

    private Query markBilled(Field<String> reference, Condition which) {
        Map<Field<?>, Field<?>> values = new LinkedHashMap<>(billedValues);
        if (referenceColumn != null) {
            // Assigned, not cast: a reference that is too long is an error (R12), not another reference.
            values.put(field(name(referenceColumn)), DSL.cast(reference, SQLDataType.CLOB));
        }
        return DSL.using(SQLDialect.POSTGRES)
                .update(columns.table())
                .set(values)
                .where(which)
                .returningResult(columns.idText(), columns.isPending());
    }

    /** Sets what the host wants set on a finally refused invoice; nothing if it wants nothing, or has taken the invoice back meanwhile. */
    public void markDeclined(DSLContext tx, String invoiceId) {
        if (marksDeclined()) {
            tx.execute(markDeclined(columns.isId(DSL.val(invoiceId))));
        }
    }

    /** Whether the host wants something set on a finally refused invoice. */
    public boolean marksDeclined() {
        return !declinedValues.isEmpty();
    }

    private Query markDeclined(Condition which) {
        return DSL.using(SQLDialect.POSTGRES)
                .update(columns.table())
                .set(declinedValues)
                .where(which)
                .and(columns.pending());
    }

    /** The statements that mark an invoice, of no id: for EXPLAIN, which tries them. */
    public List<Query> marks() {
        Field<String> none = inline((String) null);
        Query billed = markBilled(none, columns.isId(none));
        return marksDeclined() ? List.of(billed, markDeclined(columns.isId(none))) : List.of(billed);
    }

    /**
     * What kept a charged invoice from being marked: the failure itself, or the same with the column's name and the remedy, for PostgreSQL
     * says that a value is too long, not for which column.
     */
    public DatabaseException explained(DatabaseException failure) {
        Column column = referenceColumn == null ? null : columns.column(referenceColumn);
        if (column == null || column.type().equals("text") || !TOO_LONG.equals(failure.sqlState())) {
            return failure;
        }
        String quoted = DSL.using(SQLDialect.POSTGRES).render(name(column.name()));
        return new DatabaseException(
                failure.getMessage() + ". storeReferenceIn names column " + quoted + ", of type " + column.type()
                        + ": if the provider's references are longer, run: alter table " + columns.qualifiedName()
                        + " alter column " + quoted
                        + " type text. The charge is in the journal; the invoice is marked by a later run.",
                TOO_LONG,
                failure);
    }

    /** Assigned, not cast: a cast would cut what is too long. A constant is a literal, so that the set-up check sees whether it fits. */
    private static Field<?> value(@Nullable Object value) {
        if (value instanceof Field<?> expression) {
            return field("{0}", Object.class, InvoiceColumns.rendered(expression));
        }
        if (value instanceof byte[] || value instanceof Object[]) {
            return inline(value);
        }
        String text = value instanceof EnumType type
                ? type.getLiteral()
                : value instanceof Enum<?> constant ? constant.name() : value == null ? null : value.toString();
        return text == null ? field("null", Object.class) : inline(text);
    }
}
