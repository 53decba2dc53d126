package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.asterisk;
import static org.jooq.impl.DSL.coalesce;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.noCondition;
import static org.jooq.impl.DSL.row;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jooq.CommonTableExpression;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.UpdateSetMoreStep;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** Attempts whose time has come, and how they get a new owner. */
public final class DueAttempts {
    private final AttemptTable table;
    private final Snapshots snapshots;
    private final FirstAttempts firsts;
    private final Events events;

    DueAttempts(AttemptTable table, Snapshots snapshots, FirstAttempts firsts, Events events) {
        this.table = table;
        this.snapshots = snapshots;
        this.firsts = firsts;
        this.events = events;
    }

    /**
     * How soon claims of others are looked at before their lease is over, where a row's lock is a sign of life.
     *
     * @param grace how long a claim is left alone; doubled with each owner, so that servers do not take over from one another in turn while
     *     a look-up is slow
     * @param lease how long a claim is believed at most
     */
    public record Grace(Duration grace, Duration lease) {}

    /**
     * A page of what was due at a moment, read without locks, in the order of the due times; and of what others have STARTED and not settled
     * within a grace, whose row locks will tell whether they live.
     *
     * @param cutOff what became due later is left to the next look
     * @param after the last one of the page before; null for the first page
     * @param grace null where locks are no signs of life
     */
    public List<DueAttempt> page(
            DSLContext tx, OffsetDateTime cutOff, @Nullable DueAttempt after, @Nullable Grace grace, int limit) {
        Condition due = AttemptTable.DUE_AT.le(cutOff);
        if (grace != null && grace.grace().compareTo(grace.lease()) < 0) {
            Condition leftBehind = AttemptTable.STATE
                    .eq(inline(AttemptState.STARTED.name()))
                    .and(AttemptTable.OWNER.ne(table.server()))
                    .and(field(
                                    "{0} - {1} + {2} * power(2, least({3}, 6) - 1)",
                                    OffsetDateTime.class,
                                    AttemptTable.DUE_AT,
                                    AttemptTable.seconds(grace.lease()),
                                    AttemptTable.seconds(grace.grace()),
                                    AttemptTable.FENCE)
                            .le(cutOff));
            due = AttemptTable.DUE_AT
                    .le(cutOff.plus(grace.lease().minus(grace.grace())))
                    .and(due.or(leftBehind));
        }
        return tx.select(
                        AttemptTable.ID,
                        AttemptTable.INVOICE_ID,
                        AttemptTable.NUMBER,
                        AttemptTable.FENCE,
                        AttemptTable.STATE,
                        AttemptTable.DUE_AT,
                        AttemptTable.UNMARKED)
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(due)
                .and(
                        after == null
                                ? noCondition()
                                : row(AttemptTable.DUE_AT, AttemptTable.ID)
                                        .gt(row(val(after.dueAt().atOffset(ZoneOffset.UTC)), val(after.id()))))
                .orderBy(AttemptTable.DUE_AT, AttemptTable.ID)
                .limit(inline(limit))
                .fetch(row -> new DueAttempt(
                        row.value1(),
                        row.value2(),
                        row.value3(),
                        row.value4(),
                        AttemptState.valueOf(row.value5()),
                        row.value6().toInstant(),
                        row.value7()));
    }

    /**
     * Takes over an attempt that this transaction has locked: the next fence and a new lease. If its key may be sent it becomes STARTED,
     * and the bound on its requests grows, and never shrinks, whatever the settings of the servers are (R7, R19).
     *
     * @param snapshot for an attempt that has none; null to keep what is there
     */
    public Claimed takeOver(DSLContext tx, AttemptRow row, TakeOver how, @Nullable JSONB snapshot) {
        BillingAttempt attempt = row.attempt();
        Instant leaseEnd = how.clock().plus(how.lease());
        UpdateSetMoreStep<Record> update = DSL.using(SQLDialect.POSTGRES)
                .update(table.table())
                .set(AttemptTable.FENCE, AttemptTable.FENCE.plus(inline(1)))
                .set(AttemptTable.OWNER, table.server())
                .set(AttemptTable.RESOLVED_BY, (String) null)
                .set(AttemptTable.CAUSE, (String) null)
                .set(AttemptTable.DUE_AT, leaseEnd.atOffset(ZoneOffset.UTC));
        if (how.sends()) {
            Instant before = row.leaseUntil();
            Instant bound = before != null && before.isAfter(leaseEnd) ? before : leaseEnd;
            update = update.set(AttemptTable.STATE, inline(AttemptState.STARTED.name()))
                    .set(AttemptTable.LEASE_UNTIL, bound.atOffset(ZoneOffset.UTC));
            update = takingThePlace(tx, update, attempt, snapshot);
        }
        if (snapshot != null) {
            update = update.set(
                    AttemptTable.INVOICE,
                    coalesce(AttemptTable.INVOICE, DSL.cast(val(snapshot.data()), SQLDataType.JSONB)));
        }
        Duration over = Duration.between(how.clock(), row.requestsOver(how.findLag()));
        Claimed taken = Request.of(
                        takeOver(update, attempt),
                        Map.of(),
                        rows -> rows.records().stream()
                                .findFirst()
                                .map(written -> snapshots.readWhole(
                                        written, row.age(how.clock()), over.isNegative() ? Duration.ZERO : over)))
                .in(tx)
                .orElseThrow(() -> new IllegalStateException("Locked, and yet changed: " + attempt));
        if (table.distributed()) {
            events.add(tx, taken.attempt(), attempt.state(), Act.TAKEN_OVER);
        }
        return taken;
    }

    /** The take-over with its event, and the attempt as it is then. */
    private Prepared takeOver(UpdateSetMoreStep<Record> update, BillingAttempt attempt) {
        CommonTableExpression<?> claimed = name("claimed")
                .as(update.where(AttemptTable.isThis(attempt)
                                .and(AttemptTable.FENCE.eq(attempt.fence()))
                                .and(AttemptTable.STATE.eq(attempt.state().name())))
                        .returningResult(asterisk()));
        return Prepared.of(
                table.distributed()
                        ? snapshots.whole(claimed)
                        : snapshots.whole(claimed, events.event("claimed", attempt.state(), Act.TAKEN_OVER)));
    }

    private UpdateSetMoreStep<Record> takingThePlace(
            DSLContext tx, UpdateSetMoreStep<Record> update, BillingAttempt attempt, @Nullable JSONB snapshot) {
        requirePlace(tx, attempt, snapshot);
        return table.places().kept() ? update.set(Places.PLACE, table.places().of(invoice(attempt, snapshot))) : update;
    }

    private static Field<JSONB> invoice(BillingAttempt attempt, @Nullable JSONB snapshot) {
        return DSL.cast(val(data(attempt, snapshot)), SQLDataType.JSONB);
    }

    private static @Nullable String data(BillingAttempt attempt, @Nullable JSONB snapshot) {
        return attempt.invoice() != null || snapshot == null ? attempt.invoice() : snapshot.data();
    }

    private void requirePlace(DSLContext tx, BillingAttempt attempt, @Nullable JSONB snapshot) {
        String invoice = data(attempt, snapshot);
        if (table.places().kept() && invoice != null && table.places().taken(tx, invoice, attempt.id())) {
            throw new PlaceTakenException();
        }
    }

    /**
     * How an attempt is taken over.
     *
     * @param clock the database's, when its row was locked
     * @param lease how long the claim is believed
     * @param findLag how far the provider's look-up may lag
     * @param sends whether the key may be sent
     */
    public record TakeOver(Instant clock, Duration lease, Duration findLag, boolean sends) {}

    /**
     * Writes the next attempt of an invoice whose last one was finally refused (R2), and takes that one off the schedule.
     *
     * @return the claim; empty if there is one of that number already (R10)
     */
    public Optional<Claimed> insertNext(DSLContext tx, BillingAttempt declined, JSONB snapshot, Duration lease) {
        requirePlace(tx, declined, snapshot);
        // R10: number n+1 only while the DECLINED row n is locked, which this transaction has done.
        events.change(
                tx,
                tx.update(table.table())
                        .set(AttemptTable.DUE_AT, (OffsetDateTime) null)
                        .set(AttemptTable.CAUSE, (String) null)
                        .where(AttemptTable.isThis(declined))
                        .returningResult(AttemptTable.COLUMNS),
                declined.state(),
                Act.REPLACED);
        Optional<Claimed> claimed = firsts.insert(declined.invoiceId(), declined.number() + 1, snapshot, lease)
                .in(tx);
        if (claimed.isEmpty() && table.places().kept()) {
            // Taken this very moment: the refused one stays on the schedule.
            throw new PlaceTakenException();
        }
        return claimed;
    }
}
