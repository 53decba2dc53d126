package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jooq.CommonTableExpression;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.ResultQuery;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * The table {@code attempt_event}: what happened to an attempt besides the straight way. Written by the statement that changes the attempt,
 * so that neither is ever without the other; on Citus, which takes no such statement, by the next one of the same transaction.
 */
public final class Events {
    private static final String CHANGED = "changed";

    private static final Field<Long> ID = field(name("id"), SQLDataType.BIGINT);
    private static final Field<OffsetDateTime> AT = field(name("at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    private static final Field<String> WHAT = field(name("what"), SQLDataType.CLOB);
    private static final Field<String> FROM_STATE = field(name("from_state"), SQLDataType.CLOB);
    private static final Field<String> TO_STATE = field(name("to_state"), SQLDataType.CLOB);
    private static final Field<String> SERVER = field(name("server"), SQLDataType.CLOB);
    private static final Field<String> WHO = field(name("who"), SQLDataType.CLOB);

    private static final List<Field<?>> WRITTEN = List.of(
            AttemptTable.BILLER,
            AttemptTable.INVOICE_ID,
            AttemptTable.NUMBER,
            AT,
            WHAT,
            FROM_STATE,
            TO_STATE,
            AttemptTable.CAUSE,
            AttemptTable.REFERENCE,
            AttemptTable.CODE,
            AttemptTable.MESSAGE,
            SERVER,
            WHO,
            AttemptTable.NOTE);

    private final AttemptTable table;
    private final Table<Record> events;

    Events(AttemptTable table, String schema) {
        this.table = table;
        this.events = DSL.table(name(schema, "attempt_event"));
    }

    /** Whether a person closed it while nobody knew what became of its call. */
    public boolean closedInDoubt(DSLContext tx, BillingAttempt attempt) {
        return ofInvoice(tx, attempt.invoiceId()).stream()
                .anyMatch(event -> event.attempt() == attempt.number()
                        && event.what() == AttemptEvent.What.RESOLVED
                        && event.to() == AttemptState.DECLINED
                        && (event.from() == AttemptState.IN_DOUBT || event.from() == AttemptState.STARTED));
    }

    /**
     * Changes one attempt, and writes its event.
     *
     * @param change returns all columns of the attempt as it is then
     * @param from its state before; null if the change begins it
     * @return the attempt as it is then; empty if it was not changed: then there is no event either
     */
    Optional<AttemptRow> change(
            DSLContext tx, ResultQuery<? extends Record> change, @Nullable AttemptState from, Act act) {
        if (table.distributed()) {
            Optional<AttemptRow> changed = tx.fetchOptional(change).map(AttemptTable::row);
            changed.ifPresent(row -> add(tx, row.attempt(), from, act));
            return changed;
        }
        CommonTableExpression<?> changed = name(CHANGED).as(change);
        return tx.with(changed, event(CHANGED, from, act))
                .select(AttemptTable.COLUMNS)
                .from(DSL.table(name(CHANGED)))
                .fetchOptional()
                .map(AttemptTable::row);
    }

    /** The event of a change by another part of the same statement, whose rows are called so. */
    CommonTableExpression<?> event(String changed, @Nullable AttemptState from, Act act) {
        return name("event")
                .as(DSL.using(SQLDialect.POSTGRES)
                        .insertInto(events)
                        .columns(WRITTEN)
                        .select(select(Arrays.asList(
                                        of(changed, AttemptTable.BILLER),
                                        of(changed, AttemptTable.INVOICE_ID),
                                        of(changed, AttemptTable.NUMBER),
                                        AttemptTable.CLOCK,
                                        inline(act.what().name()),
                                        val(from == null ? null : from.name(), SQLDataType.CLOB),
                                        of(changed, AttemptTable.STATE),
                                        of(changed, AttemptTable.CAUSE),
                                        of(changed, AttemptTable.REFERENCE),
                                        of(changed, AttemptTable.CODE),
                                        act.said() == null
                                                ? of(changed, AttemptTable.MESSAGE)
                                                : val(table.text(act.said()), SQLDataType.CLOB),
                                        val(table.server(), SQLDataType.CLOB),
                                        val(table.text(act.who()), SQLDataType.CLOB),
                                        val(table.text(act.note()), SQLDataType.CLOB)))
                                .from(DSL.table(name(changed))))
                        .returningResult(ID));
    }

    private static <T> Field<T> of(String changed, Field<T> column) {
        return field(name(changed, column.getName()), column.getDataType());
    }

    /** Writes an event by itself: of an attempt that is not changed, or was by the statement before. */
    public void add(DSLContext tx, BillingAttempt attempt, @Nullable AttemptState from, Act act) {
        tx.insertInto(events)
                .columns(WRITTEN)
                .values(Arrays.asList(
                        val(attempt.biller()),
                        val(attempt.invoiceId()),
                        val(attempt.number()),
                        AttemptTable.CLOCK,
                        val(act.what().name()),
                        val(from == null ? null : from.name(), SQLDataType.CLOB),
                        val(attempt.state().name()),
                        val(Outcomes.nameOf(attempt.cause()), SQLDataType.CLOB),
                        val(attempt.reference(), SQLDataType.CLOB),
                        val(attempt.code(), SQLDataType.CLOB),
                        val(act.said() == null ? attempt.message() : table.text(act.said()), SQLDataType.CLOB),
                        val(table.server()),
                        val(table.text(act.who()), SQLDataType.CLOB),
                        val(table.text(act.note()), SQLDataType.CLOB)))
                .execute();
    }

    /** What happened to an invoice's attempts, in the order in which it was written. */
    public List<AttemptEvent> ofInvoice(DSLContext tx, String invoiceId) {
        return tx.select(ID)
                .select(WRITTEN)
                .from(events)
                .where(table.ofInvoice(invoiceId))
                .orderBy(ID)
                .fetch(Events::event);
    }

    /** Deletes what happened to invoices whose attempts are deleted. */
    void delete(DSLContext tx, Collection<String> invoiceIds) {
        tx.deleteFrom(events)
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(DSL.condition("{0} = any({1})", AttemptTable.INVOICE_ID, val(invoiceIds.toArray(String[]::new))))
                .execute();
    }

    private static AttemptEvent event(Record row) {
        String from = row.get(FROM_STATE);
        String cause = row.get(AttemptTable.CAUSE);
        return new AttemptEvent(
                row.get(ID),
                row.get(AttemptTable.INVOICE_ID),
                row.get(AttemptTable.NUMBER),
                row.get(AT).toInstant(),
                AttemptEvent.What.valueOf(row.get(WHAT)),
                from == null ? null : AttemptState.valueOf(from),
                AttemptState.valueOf(row.get(TO_STATE)),
                cause == null ? null : AttemptCause.valueOf(cause),
                row.get(AttemptTable.REFERENCE),
                row.get(AttemptTable.CODE),
                row.get(AttemptTable.MESSAGE),
                row.get(SERVER),
                row.get(WHO),
                row.get(AttemptTable.NOTE));
    }
}
