package io.github.invoicelock.internal.invoices;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.noCondition;
import static org.jooq.impl.DSL.raw;
import static org.jooq.impl.DSL.row;
import static org.jooq.impl.DSL.table;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.RowLock;
import io.github.invoicelock.internal.database.Prepared;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.database.Rows;
import io.github.invoicelock.internal.invoices.Column.Carriage;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.EnumType;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Name;
import org.jooq.Query;
import org.jooq.QueryPart;
import org.jooq.Record;
import org.jooq.Record1;
import org.jooq.Record2;
import org.jooq.SQL;
import org.jooq.SQLDialect;
import org.jooq.Select;
import org.jooq.SelectFinalStep;
import org.jooq.SelectForUpdateStep;
import org.jooq.SelectForUpdateWaitStep;
import org.jooq.SelectJoinStep;
import org.jooq.SortField;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.QOM;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * All statements on the host's table. Names are quoted; the host's conditions are inlined, so that a partial index on the same
 * condition serves them. Immutable.
 *
 * <p>The table is never aliased: the host's conditions may be qualified by its name.
 */
public final class Invoices {
    /** PostgreSQL passes no more to a function. */
    private static final int MOST_ARGUMENTS = 100;

    /** The SQLSTATE of a value that is longer than its column. */
    private static final String TOO_LONG = "22001";

    private static final String INVOICE = "invoice";
    private static final String REFERENCE = "reference";
    private static final String LIMIT = "limit";
    private static final String AFTER_ID = "after_id";
    private static final String AFTER_ORDER = "after_order";

    private final InvoiceSettings settings;
    private final Map<String, Prepared> statements = new ConcurrentHashMap<>();
    private final Name tableName;
    private final Table<?> table;
    private final Column id;
    private final Field<String> idText;
    private final @Nullable Column order;
    private final Condition pending;
    private final Condition fresh;
    private final Field<JSONB> snapshot;
    private final List<Column> included;
    private final Map<Field<?>, Field<?>> billedValues = new LinkedHashMap<>();
    private final Map<Field<?>, Field<?>> declinedValues = new LinkedHashMap<>();
    private final Map<String, Column> columns;

    /**
     * The statements on a table that was checked.
     *
     * @param settings what the host said
     * @param schema where the table was found
     * @param columns all columns of the table by name
     * @param included names and types of the included expressions, in their order
     */
    public Invoices(InvoiceSettings settings, String schema, Map<String, Column> columns, List<Column> included) {
        this.settings = settings;
        this.columns = columns;
        this.tableName = name(schema, settings.table());
        this.table = table(tableName);
        this.id = column(settings.id());
        this.idText = DSL.cast(field(name(id.name())), SQLDataType.CLOB);
        this.order = settings.orderedBy() == null || settings.orderedBy().equals(settings.id())
                ? null
                : column(settings.orderedBy());
        this.pending = settings.pendingColumn() != null
                ? DSL.condition(field(name(settings.pendingColumn()), SQLDataType.BOOLEAN))
                : DSL.condition(rendered(java.util.Objects.requireNonNull(settings.pendingWhen())));
        this.fresh = settings.billableWhen() == null
                ? pending
                : pending.and(DSL.condition(rendered(settings.billableWhen())));
        this.included = List.copyOf(included);
        this.snapshot = snapshot();
        if (settings.pendingColumn() != null) {
            billedValues.put(field(name(settings.pendingColumn())), inline(false));
        }
        settings.onBilled().forEach((column, value) -> billedValues.put(field(name(column)), value(value)));
        settings.onDeclined().forEach((column, value) -> declinedValues.put(field(name(column)), value(value)));
        if (settings.billedAtColumn() != null) {
            billedValues.put(
                    field(name(settings.billedAtColumn())),
                    cast(
                            // Not clock_timestamp(): in an update Citus takes no volatile function.
                            field("statement_timestamp()"),
                            column(settings.billedAtColumn()).type()));
        }
    }

    /**
     * A page of fresh invoices, read without locks.
     *
     * @param from where the run has come to
     * @param limit how many at most
     * @return in the configured order; fewer than the limit at the end of a phase
     */
    public Request<List<Candidate>> page(Position from, int limit) {
        return Request.of(
                prepared("page " + shape(from), () -> pageFrom(from, noCondition())),
                bound(from, limit),
                candidates(from, limit));
    }

    /**
     * Locks a page of fresh invoices without an attempt. It reads no more than finds them: who claims next begins behind the last one, as
     * soon as that one is known.
     *
     * @param from where the run has come to
     * @param limit how many at most
     * @param withoutAttempt the journal's condition on {@link #idText}
     * @return in the configured order; none at the end of a phase
     */
    public Request<List<Candidate>> lockPage(Position from, int limit, Condition withoutAttempt) {
        // FOR UPDATE SKIP LOCKED comes before the limit is applied: as many as are free, not fewer by those that are
        // held.
        return Request.of(
                prepared(
                        "lock page " + shape(from), () -> locking(pageFrom(from, withoutAttempt), RowWait.SKIP_LOCKED)),
                bound(from, limit),
                candidates(from, limit));
    }

    private SelectForUpdateStep<Record2<String, String>> pageFrom(Position from, Condition such) {
        return DSL.select(idText, orderText())
                .from(table)
                .where(fresh)
                .and(beyond(from))
                .and(such)
                .orderBy(ordering())
                .limit(DSL.param(LIMIT, Integer.class));
    }

    private static Function<Rows, List<Candidate>> candidates(Position from, int limit) {
        return rows -> {
            List<Candidate> candidates = new ArrayList<>(limit);
            while (rows.next()) {
                String invoiceId = java.util.Objects.requireNonNull(rows.text(0));
                candidates.add(new Candidate(invoiceId, new Position(from.nulls(), rows.text(1), invoiceId)));
            }
            return candidates;
        };
    }

    /** Which of the few forms a page's statement has: equal for positions whose statements differ in bound values alone. */
    private static String shape(Position from) {
        return (from.nulls() ? "nulls" : "values") + (from.id() == null ? " from the start" : " beyond");
    }

    private static Map<String, ?> bound(Position from, int limit) {
        Map<String, Object> bound = new HashMap<>();
        bound.put(LIMIT, limit);
        if (from.id() != null) {
            bound.put(AFTER_ID, from.id());
        }
        if (from.order() != null) {
            bound.put(AFTER_ORDER, from.order());
        }
        return bound;
    }

    /**
     * The id as text, as a column of the table: for the journal's conditions.
     *
     * @return {@code id::text}
     */
    public Field<String> idText() {
        return DSL.cast(field(name(settings.table(), id.name())), SQLDataType.CLOB);
    }

    /**
     * Invoices that this transaction has locked: the source of a claim of many. Columns {@code invoice_id}, {@code snapshot}, in no order;
     * their ids are bound by {@link #bound(Collection)}.
     *
     * @return to be used in the journal's statement
     */
    public Select<Record2<String, JSONB>> locked() {
        // Pending, for a row that has the id of a locked one: as no condition of an index, which might seem shorter
        // than it
        // is.
        return withSnapshot()
                .where(isOneOf(DSL.param(INVOICE, String[].class)))
                .and(DSL.coalesce(field(pending), inline(false)));
    }

    /**
     * What the statement on many invoices binds.
     *
     * @param invoiceIds as text
     * @return values by name
     */
    public Map<String, ?> bound(Collection<String> invoiceIds) {
        return Map.of(INVOICE, invoiceIds.toArray(String[]::new));
    }

    /**
     * A fresh invoice and its snapshot.
     *
     * @param locked whether it is to be locked
     * @return for EXPLAIN, which tries the host's conditions and what it wants included
     */
    public Select<?> anyFresh(boolean locked) {
        SelectForUpdateStep<?> any =
                withSnapshot().where(fresh).orderBy(ordering()).limit(inline(1));
        return locked ? locking(any, RowWait.SKIP_LOCKED) : any;
    }

    private SelectJoinStep<Record2<String, JSONB>> withSnapshot() {
        return DSL.select(idText.as("invoice_id"), snapshot.as("snapshot")).from(table);
    }

    /**
     * The phase behind the one that a position is in.
     *
     * @param position in a phase that is used up
     * @return the start of the phase of nulls, or null where there is none left
     */
    public @Nullable Position nextPhase(Position position) {
        return order != null && order.nullable() && !position.nulls() ? new Position(true, null, null) : null;
    }

    /**
     * One invoice, locked, if it is still pending and billable: the source of a claim of one. Columns {@code invoice_id},
     * {@code snapshot}; its id is bound by {@link #bound(String)}.
     *
     * @param wait what to do where another holds it
     * @return to be used in the journal's statement
     */
    public Select<Record2<String, JSONB>> freshAndLocked(RowWait wait) {
        return locking(withSnapshot().where(isId()).and(fresh), wait);
    }

    /**
     * What the statement on one invoice binds.
     *
     * @param invoiceId as text
     * @return values by name
     */
    public Map<String, ?> bound(String invoiceId) {
        return Map.of(INVOICE, invoiceId);
    }

    /**
     * Locks one invoice if it is still pending and billable, and takes its snapshot.
     *
     * @param invoiceId as text
     * @param wait what to do where another holds it
     * @return its snapshot; empty if it is not pending and billable (any more), or was skipped
     */
    public Request<Optional<JSONB>> lockFresh(String invoiceId, RowWait wait) {
        return Request.locking(
                prepared("lock fresh " + wait, () -> freshAndLocked(wait)),
                bound(invoiceId),
                rows -> rows.next() ? Optional.of(JSONB.valueOf(rows.text(1))) : Optional.empty());
    }

    /**
     * Locks one invoice, whatever its state.
     *
     * @param invoiceId as text
     * @param wait what to do where another holds it
     * @return whether it is pending; empty if there is no such row (or it was skipped)
     */
    public Request<Optional<Boolean>> lock(String invoiceId, RowWait wait) {
        return Request.locking(
                prepared(
                        "lock " + wait,
                        () -> locking(
                                DSL.select(field(DSL.coalesce(field(pending), inline(false))))
                                        .from(table)
                                        .where(isId()),
                                wait)),
                bound(invoiceId),
                rows -> {
                    Optional<Boolean> pending = rows.next() ? Optional.of(rows.flag(0)) : Optional.empty();
                    requireLast(rows, invoiceId);
                    return pending;
                });
    }

    /**
     * Takes the snapshot of an invoice that this transaction has locked.
     *
     * @param tx the transaction
     * @param invoiceId as text
     * @return its snapshot
     */
    public JSONB snapshot(DSLContext tx, String invoiceId) {
        return tx.select(snapshot)
                .from(table)
                .where(isId(invoiceId))
                .fetchSingle()
                .value1();
    }

    /**
     * Which of these are pending now.
     *
     * @param tx the transaction
     * @param invoiceIds as text
     * @return those that are
     */
    public List<String> pendingOf(DSLContext tx, Collection<String> invoiceIds) {
        return tx.select(idText)
                .from(table)
                .where(isOneOf(invoiceIds))
                .and(pending)
                .fetch(Record1::value1);
    }

    /**
     * Those of these that are not pending, or are not there any more. Until the transaction ends, nobody can set one back that is there.
     * Leaves out those that another holds, who may be setting them back just now.
     *
     * @param tx the transaction
     * @param invoiceIds as text
     * @return as text
     */
    public Set<String> lockedNotPending(DSLContext tx, Collection<String> invoiceIds) {
        Set<String> locked = tx.select(idText)
                .from(table)
                .where(isOneOf(invoiceIds))
                .andNot(DSL.coalesce(field(pending), inline(false)))
                .orderBy(field(name(settings.table(), id.name())))
                .forShare()
                .skipLocked()
                .fetchSet(Record1::value1);
        Set<String> notPending = new HashSet<>(invoiceIds);
        // A statement of its own sees what was committed until the rows were locked.
        tx.select(idText, field(DSL.coalesce(field(pending), inline(false))))
                .from(table)
                .where(isOneOf(invoiceIds))
                .forEach(row -> {
                    if (row.value2() || !locked.contains(row.value1())) {
                        notPending.remove(row.value1());
                    }
                });
        return notPending;
    }

    /**
     * Invoices that are pending although the journal says otherwise.
     *
     * @param tx the transaction
     * @param although the journal's condition
     * @param limit how many at most
     * @return their ids as text
     */
    public List<String> pendingAlthough(DSLContext tx, Condition although, int limit) {
        return tx.select(idText)
                .from(table)
                .where(fresh)
                .and(although)
                .orderBy(ordering())
                .limit(inline(limit))
                .fetch(Record1::value1);
    }

    /**
     * The time of the first pending invoice, billable or not: the index on pending ones answers that at once.
     *
     * @param tx the transaction
     * @return its ordering column; empty if that is no time, or none is pending
     */
    public Optional<OffsetDateTime> firstPending(DSLContext tx) {
        if (order == null || !order.isTime()) {
            return Optional.empty();
        }
        Field<Object> orderField = field(name(order.name()));
        return tx.select(field("cast({0} as timestamptz)", SQLDataType.TIMESTAMPWITHTIMEZONE(6), orderField))
                .from(table)
                .where(pending)
                .and(DSL.condition("isfinite({0})", orderField))
                .orderBy(ordering())
                .limit(inline(1))
                .fetchOptional(Record1::value1);
    }

    /**
     * Whether there is such an invoice.
     *
     * @param tx the transaction
     * @param invoiceId as text
     * @return true if there is
     */
    public boolean exists(DSLContext tx, String invoiceId) {
        return tx.fetchExists(DSL.selectOne().from(table).where(isId(invoiceId)));
    }

    /**
     * Whether an invoice is pending and billable.
     *
     * @param tx the transaction
     * @param invoiceId as text
     * @return true if it is
     */
    public boolean fresh(DSLContext tx, String invoiceId) {
        return tx.fetchExists(DSL.selectOne().from(table).where(isId(invoiceId)).and(fresh));
    }

    /**
     * Marks an invoice as billed.
     *
     * @param invoiceId as text, of one that this transaction has locked
     * @param reference the provider's id of the charge
     * @return what became of it
     */
    public Request<Mark> mark(String invoiceId, String reference) {
        return Request.of(
                prepared("mark", () -> markOne(DSL.param(REFERENCE, String.class), DSL.param(INVOICE, String.class))),
                markValues(invoiceId, reference),
                rows -> {
                    Mark mark = rows.next() ? markOf(rows.flag(0)) : Mark.UNCHANGED;
                    requireLast(rows, invoiceId);
                    return mark;
                });
    }

    /**
     * What kept a charged invoice from being marked: PostgreSQL says that a value is too long, not for which column.
     *
     * @param failure whatever it was
     * @return it, or the same with the column's name and the remedy
     */
    public DatabaseException explained(DatabaseException failure) {
        if (settings.referenceColumn() == null || !TOO_LONG.equals(failure.sqlState())) {
            return failure;
        }
        Column column = column(settings.referenceColumn());
        String quoted = DSL.using(SQLDialect.POSTGRES).render(name(column.name()));
        return column.type().equals("text")
                ? failure
                : new DatabaseException(
                        failure.getMessage() + ". storeReferenceIn names column " + quoted + ", of type "
                                + column.type()
                                + ": if the provider's references are longer, run: alter table " + qualifiedName()
                                + " alter column " + quoted
                                + " type text. The charge is in the journal; the invoice is marked by a later run.",
                        TOO_LONG,
                        failure);
    }

    /** An id that is unique in each partition only may be there twice, which no look at the table's keys can tell. */
    private void requireLast(Rows rows, String invoiceId) {
        if (rows.next()) {
            throw thereTwice(invoiceId);
        }
    }

    private InvoiceLockException thereTwice(String invoiceId) {
        return new InvoiceLockException("Two invoices of " + qualifiedName() + " have the id " + invoiceId
                + ". It must be unique over all partitions: give one of them another id.");
    }

    private static Mark markOf(boolean pending) {
        return pending ? Mark.STILL_PENDING : Mark.MARKED;
    }

    private Map<String, ?> markValues(String invoiceId, String reference) {
        return settings.referenceColumn() == null
                ? Map.of(INVOICE, invoiceId)
                : Map.of(INVOICE, invoiceId, REFERENCE, reference);
    }

    private Query markOne(Field<String> reference, Field<String> invoiceId) {
        Map<Field<?>, Field<?>> values = new LinkedHashMap<>(billedValues);
        if (settings.referenceColumn() != null) {
            // Assigned, not cast: a reference that is too long is an error (R12), not another reference.
            values.put(field(name(settings.referenceColumn())), DSL.cast(reference, SQLDataType.CLOB));
        }
        return DSL.using(SQLDialect.POSTGRES)
                .update(table)
                .set(values)
                .where(isId(invoiceId))
                .returningResult(DSL.coalesce(field(pending), inline(false)));
    }

    /**
     * Marks many invoices as billed, leaving those that another holds (R12).
     *
     * @param references the provider's id of each charge, by invoice id
     * @return what became of each that was not left
     */
    public Request<Map<String, Mark>> markUnlocked(Map<String, String> references) {
        Map<String, Object> bound = new HashMap<>();
        bound.put(INVOICE, references.keySet().toArray(String[]::new));
        if (settings.referenceColumn() != null) {
            bound.put(REFERENCE, references.values().toArray(String[]::new));
        }
        return Request.of(prepared("mark unlocked", this::markUnlocked), bound, rows -> {
            Map<String, Mark> marks = new HashMap<>();
            while (rows.next()) {
                marks.put(java.util.Objects.requireNonNull(rows.text(0)), markOf(rows.flag(1)));
            }
            return marks;
        });
    }

    private Query markUnlocked() {
        Map<Field<?>, Field<?>> values = new LinkedHashMap<>(billedValues);
        if (settings.referenceColumn() != null) {
            // One object that holds all, made when the statement is planned: a join with unnest(?) would be planned for
            // ten
            // rows.
            values.put(
                    field(name(settings.referenceColumn())),
                    field(
                            "jsonb_object({0}, {1}) ->> {2}",
                            String.class,
                            DSL.param(INVOICE, String[].class),
                            DSL.param(REFERENCE, String[].class),
                            idText));
        }
        Select<?> unlocked = locking(
                DSL.select(field(name(id.name())))
                        .from(table)
                        .where(isOneOf(DSL.param(INVOICE, String[].class)))
                        .orderBy(field(name(id.name()))),
                RowWait.SKIP_LOCKED);
        return DSL.using(SQLDialect.POSTGRES)
                .update(table)
                .set(values)
                // array(select …) is evaluated once, before the update looks its ids up in the index
                .where(DSL.condition("{0} = any(array({1}))", field(name(id.name())), unlocked))
                .returningResult(idText, DSL.coalesce(field(pending), inline(false)));
    }

    /**
     * Sets what the host wants set on a finally refused invoice; nothing if it wants nothing, or has taken the invoice back meanwhile.
     *
     * @param tx the transaction, which holds its lock
     * @param invoiceId as text
     */
    public void markDeclined(DSLContext tx, String invoiceId) {
        if (!declinedValues.isEmpty()) {
            tx.execute(markDeclined(val(invoiceId)));
        }
    }

    private Query markDeclined(Field<String> invoiceId) {
        return DSL.using(SQLDialect.POSTGRES)
                .update(table)
                .set(declinedValues)
                .where(isId(invoiceId))
                .and(pending);
    }

    /**
     * The statements that mark an invoice, of no id.
     *
     * @return for EXPLAIN, which tries them
     */
    public List<Query> marks() {
        Query billed = markOne(inline((String) null), inline((String) null));
        return declinedValues.isEmpty() ? List.of(billed) : List.of(billed, markDeclined(inline((String) null)));
    }

    /**
     * Whether {@link #markDeclined} does anything.
     *
     * @return true if the host wants something set
     */
    public boolean marksDeclined() {
        return !declinedValues.isEmpty();
    }

    /**
     * The invoice with its columns' types, as the rows of a function over a snapshot: to be joined laterally. The gateway reads it from
     * the snapshot at the first call as at any later one (R4).
     *
     * @param snapshot the journal's column
     * @return one row: the table's columns, then what is included
     */
    public Table<?> typed(Field<?> snapshot) {
        Field<?> readable = readable(snapshot);
        if (included.isEmpty()) {
            return table("lateral jsonb_populate_record(null::{0}, {1}) as invoice", tableName, readable);
        }
        List<QueryPart> definitions = new ArrayList<>();
        included.forEach(column -> definitions.add(DSL.sql("{0} {1}", name(column.name()), raw(column.type()))));
        // Not a subquery over the two: Citus cannot plan one that is lateral to what it inserted.
        return table(
                "lateral rows from (jsonb_populate_record(null::{0}, {1}), jsonb_to_record({1}) as ({2})) as invoice",
                tableName, readable, DSL.list(definitions));
    }

    /**
     * An invoice's id as PostgreSQL prints it, so that it is found in the journal.
     *
     * @param invoiceId a Long, Integer, Short, UUID or String
     * @return as text
     * @throws InvoiceLockException if it cannot be an id of this table
     */
    public String idOf(Object invoiceId) {
        String text = String.valueOf(invoiceId);
        try {
            return switch (id.baseType()) {
                case "bigint", "integer", "smallint" -> Long.toString(Long.parseLong(text.strip()));
                case "uuid" -> UUID.fromString(text.strip()).toString();
                // Its blanks are not part of a char(n).
                case "bpchar" -> text.stripTrailing();
                default -> text;
            };
        } catch (IllegalArgumentException e) {
            throw new InvoiceLockException(
                    "\"" + text + "\" cannot be the id of an invoice: column \"" + id.name() + "\" of "
                            + qualifiedName() + " is of type " + id.type() + ".",
                    e);
        }
    }

    /**
     * What pending means, in SQL.
     *
     * @return for people and for the registry of billers
     */
    public String pendingSql() {
        return DSL.using(SQLDialect.POSTGRES).renderInlined(pending);
    }

    /**
     * What billable means, in SQL.
     *
     * @return empty where every pending invoice is
     */
    public String billableSql() {
        return settings.billableWhen() == null
                ? ""
                : DSL.using(SQLDialect.POSTGRES).renderInlined(settings.billableWhen());
    }

    /**
     * The table's name, quoted and qualified.
     *
     * @return for people and for the registry of billers
     */
    public String qualifiedName() {
        return DSL.using(SQLDialect.POSTGRES).render(tableName);
    }

    /**
     * The search for pending invoices alone, in the configured order: an index serves it if PostgreSQL can do without sorting and
     * without looking at rows that are not pending.
     *
     * @return for EXPLAIN
     */
    public Select<?> pendingInOrder() {
        return DSL.select(field(name(id.name())))
                .from(table)
                .where(pending)
                .orderBy(ordering())
                .limit(inline(100));
    }

    /**
     * The columns and the condition of the index that serves {@link #pendingInOrder}.
     *
     * @return for people
     */
    public String pendingIndex() {
        return DSL.using(SQLDialect.POSTGRES)
                .renderInlined(DSL.sql(
                        "({0}) where {1}",
                        DSL.list(
                                order == null
                                        ? List.of(name(id.name()))
                                        : List.of(name(order.name()), name(id.name()))),
                        pending));
    }

    private Field<JSONB> snapshot() {
        Field<JSONB> ofRow = field("to_jsonb({0}.*)", JSONB.class, name(settings.table()));
        List<QueryPart> pairs = new ArrayList<>();
        for (Column column : columns.values()) {
            if (column.carriage() != Carriage.JSON) {
                pairs.add(inline(column.name()));
                pairs.add(carried(field(name(settings.table(), column.name())), column));
            }
        }
        for (int i = 0; i < included.size(); i++) {
            Field<?> include = settings.including().get(i);
            pairs.add(inline(include.getName()));
            pairs.add(carried(field("{0}", rendered(unaliased(include))), included.get(i)));
        }
        return with(ofRow, pairs);
    }

    private static Field<?> carried(Field<?> value, Column column) {
        return switch (column.carriage()) {
            case JSON -> value;
            case TEXT -> field("cast(({0}) as text)", String.class, value);
            case NUMBER -> field("cast(({0}) as numeric)", java.math.BigDecimal.class, value);
        };
    }

    /** A snapshot whose numbers are money again, as this session prints it. */
    private Field<?> readable(Field<?> snapshot) {
        List<QueryPart> pairs = new ArrayList<>();
        Stream.concat(columns.values().stream(), included.stream())
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

    private Condition beyond(Position from) {
        Field<Object> idField = field(name(id.name()));
        Field<Object> afterId = cast(DSL.param(AFTER_ID, String.class), id.baseType());
        if (order == null) {
            return from.id() == null ? noCondition() : idField.gt(afterId);
        }
        Field<Object> orderField = field(name(order.name()));
        if (from.nulls()) {
            return from.id() == null ? orderField.isNull() : orderField.isNull().and(idField.gt(afterId));
        }
        Condition notNull = order.nullable() ? orderField.isNotNull() : noCondition();
        return from.id() == null
                ? notNull
                : notNull.and(row(orderField, idField)
                        .gt(row(cast(DSL.param(AFTER_ORDER, String.class), order.type()), afterId)));
    }

    // Qualified, because an unqualified name in ORDER BY is first looked for among the output columns, where the id is
    // text.
    private List<SortField<?>> ordering() {
        Field<?> idField = field(name(settings.table(), id.name()));
        return order == null
                ? List.of(idField.asc())
                : List.of(field(name(settings.table(), order.name())).asc(), idField.asc());
    }

    private Field<String> orderText() {
        return order == null ? inline((String) null) : DSL.cast(field(name(order.name())), SQLDataType.CLOB);
    }

    private Condition isId(String invoiceId) {
        return isId(val(invoiceId));
    }

    private Condition isId() {
        return isId(DSL.param(INVOICE, String.class));
    }

    private Condition isId(Field<String> invoiceId) {
        return field(name(id.name())).eq(cast(invoiceId, id.baseType()));
    }

    private Prepared prepared(String which, Supplier<Query> query) {
        return statements.computeIfAbsent(which, w -> Prepared.of(query.get()));
    }

    /** The host's own expression as text, with its values in it: the index that serves it is on just that. */
    private static SQL rendered(QueryPart part) {
        return raw(DSL.using(SQLDialect.POSTGRES).renderInlined(part));
    }

    private Condition isOneOf(Collection<String> invoiceIds) {
        return isOneOf(val(invoiceIds.toArray(String[]::new)));
    }

    private Condition isOneOf(Field<String[]> invoiceIds) {
        return DSL.condition("{0} = any(cast({1} as {2}[]))", field(name(id.name())), invoiceIds, raw(id.baseType()));
    }

    private <R extends Record> SelectFinalStep<R> locking(SelectForUpdateStep<R> select, RowWait wait) {
        SelectForUpdateWaitStep<R> lock =
                settings.rowLock() == RowLock.FOR_UPDATE ? select.forUpdate() : select.forNoKeyUpdate();
        return switch (wait) {
            case NOWAIT -> lock.noWait();
            case SKIP_LOCKED -> lock.skipLocked();
            case WAIT -> lock;
        };
    }

    /** Assigned, not cast: a cast would cut what is too long. A constant is a literal, so that the set-up check sees whether it fits. */
    private static Field<?> value(@Nullable Object value) {
        if (value instanceof Field<?> expression) {
            return field("{0}", Object.class, rendered(expression));
        }
        if (value instanceof byte[] || value instanceof Object[]) {
            return inline(value);
        }
        String text = value instanceof EnumType type
                ? type.getLiteral()
                : value instanceof Enum<?> constant ? constant.name() : value == null ? null : value.toString();
        return text == null ? field("null", Object.class) : inline(text);
    }

    private static Field<Object> cast(Field<?> value, String type) {
        return field("cast({0} as {1})", Object.class, value, raw(type));
    }

    private Column column(String name) {
        return java.util.Objects.requireNonNull(columns.get(name), () -> "no column " + name);
    }
}
