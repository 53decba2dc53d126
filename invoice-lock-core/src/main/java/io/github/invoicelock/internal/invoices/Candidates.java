package io.github.invoicelock.internal.invoices;

import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record1;
import org.jooq.Record3;
import org.jooq.SQLDialect;
import org.jooq.Select;
import org.jooq.SelectForUpdateStep;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** Searches for invoices that may be billed, in the configured order; and what is asked of many or of one about being pending. */
public final class Candidates {
    private static final String LIMIT = "limit";
    private static final String AFTER_ID = "after_id";
    private static final String AFTER_ORDER = "after_order";

    private final InvoiceColumns columns;
    private final @Nullable Column order;
    private final Map<String, Prepared> pages = new ConcurrentHashMap<>();

    Candidates(InvoiceColumns columns) {
        this.columns = columns;
        this.order = columns.order();
    }

    /** A page of fresh invoices, read without locks; fewer than the limit at the end of a phase. */
    public Request<List<Candidate>> page(Position from, int limit) {
        return Request.of(
                pages.computeIfAbsent(
                        "page " + shape(from),
                        shape -> Prepared.of(pageFrom(from, columns.fresh(), DSL.noCondition()))),
                bound(from, limit),
                candidates(from, limit));
    }

    /** The same of all that are pending, billable or not: for where one of them cannot even be asked whether it is billable. */
    public Request<List<Candidate>> pendingPage(Position from, int limit) {
        return Request.of(
                pages.computeIfAbsent(
                        "pending page " + shape(from),
                        shape -> Prepared.of(pageFrom(from, columns.pending(), DSL.noCondition()))),
                bound(from, limit),
                candidates(from, limit));
    }

    /**
     * Locks a page of fresh invoices without an attempt; none at the end of a phase. It reads no more than finds them. The journal's
     * condition is on {@link Invoices#idText}, and the same each time.
     */
    public Request<List<Candidate>> lockPage(Position from, int limit, Condition withoutAttempt) {
        // FOR UPDATE SKIP LOCKED comes before the limit is applied: as many as are free, not fewer by those that are
        // held.
        return Request.of(
                pages.computeIfAbsent(
                        "lock page " + shape(from),
                        shape -> Prepared.of(
                                columns.locking(pageFrom(from, columns.fresh(), withoutAttempt), RowWait.SKIP_LOCKED))),
                bound(from, limit),
                candidates(from, limit));
    }

    private SelectForUpdateStep<Record3<String, String, String>> pageFrom(
            Position from, Condition which, Condition such) {
        return DSL.select(columns.idText(), orderText(), customerText())
                .from(columns.table())
                .where(which)
                .and(beyond(from))
                .and(such)
                .orderBy(columns.ordering())
                .limit(DSL.param(LIMIT, Integer.class));
    }

    private static Function<Rows, List<Candidate>> candidates(Position from, int limit) {
        return rows -> {
            List<Candidate> candidates = new ArrayList<>(limit);
            while (rows.next()) {
                String invoiceId = Objects.requireNonNull(rows.text(0));
                candidates.add(
                        new Candidate(invoiceId, new Position(from.nulls(), rows.text(1), invoiceId), rows.text(2)));
            }
            return candidates;
        };
    }

    /** Which of the few forms a page's statement has: equal for positions whose statements differ in bound values alone. */
    private static String shape(Position from) {
        return (from.nulls() ? "nulls" : "values") + (from.id() == null ? " from the start" : " beyond");
    }

    private static Map<String, ?> bound(Position from, int limit) {
        Map<String, @Nullable Object> bound = new HashMap<>();
        bound.put(LIMIT, limit);
        bound.put(AFTER_ID, from.id());
        bound.put(AFTER_ORDER, from.order());
        return bound;
    }

    private Field<String> orderText() {
        return order == null ? DSL.inline((String) null) : DSL.cast(columns.field(order), SQLDataType.CLOB);
    }

    private Field<String> customerText() {
        String customer = columns.settings().oneAtATimeFor();
        return customer == null
                ? DSL.inline((String) null)
                : DSL.cast(columns.field(columns.column(customer)), SQLDataType.CLOB);
    }

    private Condition beyond(Position from) {
        Field<Object> id = columns.idField();
        Field<Object> afterId = InvoiceColumns.cast(
                DSL.param(AFTER_ID, String.class), columns.id().baseType());
        if (order == null) {
            return from.id() == null ? DSL.noCondition() : id.gt(afterId);
        }
        Field<Object> ordered = columns.field(order);
        if (from.nulls()) {
            return from.id() == null ? ordered.isNull() : ordered.isNull().and(id.gt(afterId));
        }
        Condition notNull = order.nullable() ? ordered.isNotNull() : DSL.noCondition();
        Field<Object> afterOrder = InvoiceColumns.cast(DSL.param(AFTER_ORDER, String.class), order.type());
        return from.id() == null ? notNull : notNull.and(DSL.row(ordered, id).gt(DSL.row(afterOrder, afterId)));
    }

    /** The phase behind the one that a position is in; null where there is none left. */
    public @Nullable Position nextPhase(Position position) {
        return order != null && order.nullable() && !position.nulls() ? new Position(true, null, null) : null;
    }

    /** Which of these are pending now. */
    public List<String> pendingOf(DSLContext tx, Collection<String> ids) {
        return tx.select(columns.idText())
                .from(columns.table())
                .where(columns.isOneOf(DSL.val(ids.toArray(String[]::new))))
                .and(columns.pending())
                .fetch(Record1::value1);
    }

    /** Whether an invoice is pending and billable. */
    public boolean isFresh(DSLContext tx, String invoiceId) {
        return tx.fetchExists(DSL.selectOne()
                .from(columns.table())
                .where(columns.isId(DSL.val(invoiceId)))
                .and(columns.fresh()));
    }

    /** Invoices that are pending although the journal's condition says otherwise; only billable ones, where that can be asked of all. */
    public List<String> pendingAlthough(DSLContext tx, Condition although, boolean onlyBillable, int limit) {
        return tx.select(columns.idText())
                .from(columns.table())
                .where(onlyBillable ? columns.fresh() : columns.pending())
                .and(although)
                .orderBy(columns.ordering())
                .limit(DSL.inline(limit))
                .fetch(Record1::value1);
    }

    /**
     * The time of the first pending invoice, billable or not: the index on pending ones answers that at once. Empty if the ordering column
     * is no time, or none is pending.
     */
    public Optional<OffsetDateTime> firstPending(DSLContext tx) {
        if (order == null || !order.isTime()) {
            return Optional.empty();
        }
        Field<Object> time = columns.field(order);
        return tx.select(DSL.field("cast({0} as timestamptz)", SQLDataType.TIMESTAMPWITHTIMEZONE(6), time))
                .from(columns.table())
                .where(columns.pending())
                .and(DSL.condition("isfinite({0})", time))
                .orderBy(columns.ordering())
                .limit(DSL.inline(1))
                .fetchOptional(Record1::value1);
    }

    /** How many are pending, billable or not, counted up to so many: in the order that the index on pending ones has, and no row is read. */
    public int countPending(DSLContext tx, int most) {
        return tx.fetchCount(DSL.select(columns.idField())
                .from(columns.table())
                .where(columns.pending())
                .orderBy(columns.ordering())
                .limit(DSL.inline(most)));
    }

    /**
     * The search for pending invoices alone, in the configured order, for EXPLAIN: an index serves it if PostgreSQL can do without sorting
     * and without looking at rows that are not pending.
     */
    public Select<?> pendingInOrder() {
        return DSL.select(columns.idField())
                .from(columns.table())
                .where(columns.pending())
                .orderBy(columns.ordering())
                .limit(DSL.inline(100));
    }

    /** How PostgreSQL would search for a run's first fresh invoices, such ones alone: the lines of EXPLAIN, which locks no row. */
    public String explained(DSLContext tx, Condition such, int limit) {
        Select<?> search = DSL.select(columns.idText(), orderText())
                .from(columns.table())
                .where(columns.fresh())
                .and(beyond(Position.START))
                .and(such)
                .orderBy(columns.ordering())
                .limit(DSL.inline(limit));
        return String.join("\n", tx.fetch("explain {0}", search).getValues(0, String.class));
    }

    /** The columns and the condition of the index that serves {@link #pendingInOrder}, for people. */
    public String pendingIndex() {
        List<Column> ordered = order == null ? List.of(columns.id()) : List.of(order, columns.id());
        return DSL.using(SQLDialect.POSTGRES)
                .renderInlined(DSL.sql(
                        "({0}) where {1}",
                        DSL.list(ordered.stream()
                                .map(column -> DSL.name(column.name()))
                                .toList()),
                        columns.pending()));
    }
}
