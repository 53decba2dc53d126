package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.max;
import static org.jooq.impl.DSL.min;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.noCondition;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Record;
import org.jooq.Select;
import org.jooq.SelectJoinStep;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * Lists for people: attempts by what is known of them, page by page, by their ids. Each goes by an index, whatever the statistics say: an
 * order that no index has is only asked of few rows, which a materialized query has found before.
 */
public final class AttemptPages {
    private final AttemptTable table;

    AttemptPages(AttemptTable table) {
        this.table = table;
    }

    /**
     * The ids of a period's attempts.
     *
     * @param first the lowest; above the last where there are none
     * @param last the highest
     */
    public record Range(long first, long last) {
        private static final Range ALL = new Range(Long.MIN_VALUE, Long.MAX_VALUE);
        private static final Range NONE = new Range(Long.MAX_VALUE, Long.MIN_VALUE);
    }

    /**
     * A page, newest first.
     *
     * @param filter its invoice as the row prints it
     */
    public Page<BillingAttempt> find(DSLContext tx, AttemptFilter filter, PageRequest page) {
        Optional<Select<Record>> few = few(filter);
        PageCursor from = PageCursor.of(page.cursor())
                .orElseGet(() -> few.isEmpty() && hasPeriod(filter) && inNoOrder(filter)
                        ? PageCursor.before(started(tx, filter.from(), filter.until()))
                        : PageCursor.before(Range.ALL));
        List<BillingAttempt> found = source(tx, few)
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(AttemptTable.ID.lt(from.before()))
                .and(AttemptTable.ID.ge(from.least()))
                .and(meets(table, filter))
                .orderBy(AttemptTable.ID.desc())
                .limit(inline(page.size() + 1))
                .fetch(row -> AttemptTable.row(row).attempt());
        boolean more = found.size() > page.size();
        List<BillingAttempt> rows = more ? found.subList(0, page.size()) : found;
        return new Page<>(
                rows, more ? from.beyond(rows.get(rows.size() - 1).id()).text() : null);
    }

    private SelectJoinStep<Record> source(DSLContext tx, Optional<Select<Record>> few) {
        return few.isEmpty()
                ? tx.select(AttemptTable.COLUMNS).from(table.table())
                : tx.with(name("found").asMaterialized(few.get()))
                        .select(AttemptTable.COLUMNS)
                        .from(name("found"));
    }

    /** What a filter says; its invoice as the row prints it. */
    static Condition meets(AttemptTable table, AttemptFilter filter) {
        Condition all = noCondition();
        if (filter.invoice() != null) {
            all = all.and(AttemptTable.INVOICE_ID.eq(String.valueOf(filter.invoice())));
        }
        if (filter.key() != null) {
            all = all.and(AttemptTable.IDEMPOTENCY_KEY.eq(filter.key()));
        }
        if (filter.reference() != null) {
            all = all.and(AttemptTable.REFERENCE.eq(table.reference(filter.reference())));
        }
        if (filter.state() != null) {
            all = all.and(is(filter.state()));
        }
        if (filter.cause() != null) {
            // The index has those with any cause.
            all = all.and(AttemptTable.CAUSE.isNotNull())
                    .and(AttemptTable.CAUSE.eq(filter.cause().name()));
        }
        if (filter.isWaiting()) {
            all = all.and(table.needsAttention());
        }
        return all.and(within(AttemptTable.STARTED_AT, filter.from(), filter.until()));
    }

    private static Condition is(AttemptState state) {
        return AttemptTable.STATE.eq(inline(state.name()));
    }

    /** Those that a condition finds by an index, in no order: few, whatever else is asked. */
    private Optional<Select<Record>> few(AttemptFilter filter) {
        if (filter.invoice() != null) {
            return Optional.of(such(table.ofInvoice(String.valueOf(filter.invoice()))));
        }
        if (filter.key() != null) {
            return Optional.of(table.ofKey(val(filter.key())));
        }
        if (filter.reference() != null) {
            return Optional.of(such(AttemptTable.REFERENCE.eq(table.reference(filter.reference()))));
        }
        if (filter.state() == AttemptState.STARTED && filter.cause() == null) {
            // R22: one that is never due is listed, whoever wrote it.
            return Optional.of(such(table.started())
                    .unionAll(such(AttemptTable.BILLER
                            .eq(table.biller())
                            .and(is(AttemptState.STARTED))
                            .and(AttemptTable.DUE_AT.isNull()))));
        }
        return Optional.empty();
    }

    private org.jooq.SelectConditionStep<Record> such(Condition condition) {
        return select(AttemptTable.COLUMNS).from(table.table()).where(condition);
    }

    private static boolean hasPeriod(AttemptFilter filter) {
        return filter.from() != null || filter.until() != null;
    }

    /** Whether only the order of ids finds them. */
    private static boolean inNoOrder(AttemptFilter filter) {
        return filter.cause() == null
                && !filter.isWaiting()
                && (filter.state() == null || filter.state() == AttemptState.BILLED);
    }

    private Range started(DSLContext tx, @Nullable Instant from, @Nullable Instant until) {
        return range(
                tx, within(AttemptTable.STARTED_AT, from, until).and(hoursOf(AttemptTable.STARTED_AT, from, until)));
    }

    /** The ids of attempts that were settled in a period. */
    public Range settled(DSLContext tx, Instant from, Instant to) {
        return range(tx, within(AttemptTable.SETTLED_AT, from, to).and(hoursOf(AttemptTable.SETTLED_AT, from, to)));
    }

    private Range range(DSLContext tx, Condition period) {
        // offset: else the lowest and the highest would be looked for along the primary key, from both ends of the
        // journal.
        Table<?> ids = select(AttemptTable.ID)
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(period)
                .offset(inline(0))
                .asTable("period");
        Field<Long> id = field(name("period", "id"), Long.class);
        Record bounds =
                tx.select(min(id).as("first"), max(id).as("last")).from(ids).fetchSingle();
        Long first = bounds.get("first", Long.class);
        Long last = bounds.get("last", Long.class);
        return first == null || last == null ? Range.NONE : new Range(first, last);
    }

    /** Charges that were recorded in a period, oldest first. */
    public List<BillingAttempt> billed(DSLContext tx, Range range, Instant from, Instant to, int most) {
        return tx.select(AttemptTable.COLUMNS)
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(is(AttemptState.BILLED))
                .and(within(AttemptTable.SETTLED_AT, from, to))
                .and(AttemptTable.ID.between(range.first(), range.last()))
                .orderBy(AttemptTable.ID)
                .limit(inline(most))
                .fetch(row -> AttemptTable.row(row).attempt());
    }

    /** A page of them, in the same order. */
    public Page<BillingAttempt> billed(DSLContext tx, Instant from, Instant to, PageRequest page) {
        Range rest = PageCursor.of(page.cursor())
                .map(cursor -> new Range(cursor.before() + 1, cursor.least()))
                .orElseGet(() -> settled(tx, from, to));
        List<BillingAttempt> found = billed(tx, rest, from, to, page.size() + 1);
        boolean more = found.size() > page.size();
        List<BillingAttempt> rows = more ? found.subList(0, page.size()) : found;
        return new Page<>(rows, more ? new PageCursor(rows.get(rows.size() - 1).id(), rest.last()).text() : null);
    }

    static Condition within(Field<OffsetDateTime> time, @Nullable Instant from, @Nullable Instant until) {
        Condition after = from == null ? noCondition() : time.ge(at(from));
        return until == null ? after : after.and(time.lt(at(until)));
    }

    /** The same by the hour, as the index has it. */
    static Condition hoursOf(Field<OffsetDateTime> time, @Nullable Instant from, @Nullable Instant until) {
        Field<LocalDateTime> hour = hour(time);
        Condition after = from == null ? noCondition() : hour.ge(hour(at(from)));
        return until == null ? after : after.and(hour.le(hour(at(until))));
    }

    private static Field<LocalDateTime> hour(Field<OffsetDateTime> time) {
        return field("date_trunc('hour', {0} at time zone 'UTC')", LocalDateTime.class, time);
    }

    static Field<OffsetDateTime> at(Instant time) {
        return DSL.val(time.atOffset(ZoneOffset.UTC));
    }
}
