package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.AttemptState;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Record;
import org.jooq.Result;
import org.jooq.impl.DSL;

/** What of the journal is settled for long, and may be deleted. */
public final class OldAttempts {
    private final AttemptTable table;
    private final Events events;

    OldAttempts(AttemptTable table, Events events) {
        this.table = table;
        this.events = events;
    }

    /**
     * A page of the journal, whoever's it is, read without locks: what may be deleted of it, as far as the journal knows.
     */
    public PrunablePage prunable(DSLContext tx, long afterId, OffsetDateTime before, int limit) {
        Result<? extends Record> rows = tx.select(
                        AttemptTable.ID,
                        AttemptTable.INVOICE_ID,
                        field(AttemptTable.BILLER
                                .eq(table.biller())
                                .and(AttemptTable.STATE.ne(inline(AttemptState.DECLINED.name())))
                                .and(settledBefore(before))),
                        field(AttemptTable.STARTED_AT.lt(before)))
                .from(table.table())
                .where(AttemptTable.ID.gt(afterId))
                .orderBy(AttemptTable.ID)
                .limit(inline(limit))
                .fetch();
        Map<Long, String> prunable = new HashMap<>();
        boolean young = true;
        for (Record row : rows) {
            if (Boolean.TRUE.equals(row.get(2, Boolean.class))) {
                prunable.put(row.get(0, Long.class), row.get(1, String.class));
            }
            young &= !row.get(3, Boolean.class);
        }
        return new PrunablePage(
                prunable, rows.isEmpty() ? afterId : rows.get(rows.size() - 1).get(0, Long.class), young);
    }

    /**
     * Deletes settled attempts of invoices that this transaction has seen not to be pending, and keeps from becoming so; and all other
     * attempts of those invoices, or none: where one is open, young, or refused and newer, all stay. What happened to them goes with them.
     */
    public int delete(DSLContext tx, Collection<Long> ids, OffsetDateTime before) {
        List<String> invoiceIds = tx.deleteFrom(table.table())
                .where(DSL.condition("{0} = any({1})", AttemptTable.ID, val(ids.toArray(Long[]::new))))
                .and(AttemptTable.STATE.ne(inline(AttemptState.DECLINED.name())))
                .and(settledBefore(before))
                // As a correlated look-up: an anti-join would hash all of a journal that was never analysed.
                .and(field(table.attemptOf(
                                AttemptTable.ofAttempts(AttemptTable.INVOICE_ID),
                                DSL.condition(
                                        "({0}) is not true",
                                        settledBefore(before)
                                                .and(AttemptTable.qualified(AttemptTable.STATE)
                                                        .ne(inline(AttemptState.DECLINED.name()))
                                                        .or(AttemptTable.qualified(AttemptTable.NUMBER)
                                                                .lt(AttemptTable.ofAttempts(AttemptTable.NUMBER)))))))
                        .isNull())
                .returning(AttemptTable.INVOICE_ID)
                .fetch(AttemptTable.INVOICE_ID);
        events.delete(tx, invoiceIds);
        return invoiceIds.size()
                + tx.deleteFrom(table.table())
                        .where(AttemptTable.BILLER.eq(table.biller()))
                        .and(DSL.condition(
                                "{0} = any({1})", AttemptTable.INVOICE_ID, val(invoiceIds.toArray(String[]::new))))
                        .and(settledBefore(before))
                        .execute();
    }

    /** Charged or taken back, and marked; or refused. Unqualified: of the innermost query that it stands in. */
    private static Condition settledBefore(OffsetDateTime before) {
        return AttemptTable.STATE
                .in(
                        inline(AttemptState.BILLED.name()),
                        inline(AttemptState.WITHDRAWN.name()),
                        inline(AttemptState.DECLINED.name()))
                .and(AttemptTable.DUE_AT.isNull())
                // Nobody has refunded a second charge yet.
                .and(AttemptTable.CAUSE.isNull().or(AttemptTable.STATE.eq(inline(AttemptState.DECLINED.name()))))
                .and(AttemptTable.SETTLED_AT.lt(before));
    }
}
