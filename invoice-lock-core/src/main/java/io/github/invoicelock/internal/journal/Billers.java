package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.selectOne;

import io.github.invoicelock.BillingBrake;
import io.github.invoicelock.BillingPause;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.Objects;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.Query;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** What the journal keeps of a biller as a whole: whether people have paused it, and when a server last ran. */
public final class Billers {
    private static final Field<String> NAME = field(name("b", "name"), SQLDataType.CLOB);
    private static final Field<OffsetDateTime> LAST_RUN_AT =
            field(name("b", "last_run_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    /** So often a run leaves its trace at most, over all servers. */
    private static final Duration TRACE = Duration.ofSeconds(50);

    private final AttemptTable table;
    private final String schema;
    private final Prepared look;
    private final Prepared trace;
    private final Prepared traceUnlessHeld;

    Billers(AttemptTable table, String schema) {
        this.table = table;
        this.schema = schema;
        this.look = Prepared.of(looking());
        this.trace = Prepared.of(tracing(isDue()));
        // Whoever is pausing it just now is not waited for.
        this.traceUnlessHeld = Prepared.of(tracing(NAME.in(select(NAME)
                .from(table.billers().as("b"))
                .where(isDue())
                .forUpdate()
                .skipLocked())));
    }

    /**
     * How a biller stands.
     *
     * @param clock the database's
     * @param pause null if it is not paused
     * @param resumedBy who ended the last pause; null if nobody has
     * @param lastRun about when a server last ran; null if none has
     * @param brake null if it is off
     */
    public record Standing(
            Instant clock,
            @Nullable BillingPause pause,
            @Nullable String resumedBy,
            @Nullable Instant lastRun,
            @Nullable BillingBrake brake) {
        /** For how long no server has run; null if none ever has. */
        public @Nullable Duration sinceLastRun() {
            return lastRun == null || lastRun.isAfter(clock) ? null : Duration.between(lastRun, clock);
        }
    }

    /** How the biller stands now. */
    public Request<Standing> look() {
        return Request.of(look, Map.of(), Billers::standing);
    }

    /**
     * The same at the beginning of a run, which leaves a trace of itself: in the same round trip.
     *
     * @param patiently whether the row's lock is waited for: on Citus, which skips none
     */
    public Request<Standing> lookAndTrace(boolean patiently) {
        return Request.both(
                Request.of(patiently ? trace : traceUnlessHeld, Map.of(), Rows::next),
                look(),
                (traced, standing) -> standing);
    }

    /** From the commit on nothing is claimed. */
    public void pause(DSLContext tx, String who, String why) {
        tx.fetch("select {0}({1}, {2}, {3})", name(schema, "pause"), text(table.biller()), text(who), text(why));
    }

    /** From the commit on claims go on. */
    public void resume(DSLContext tx, String who) {
        tx.fetch("select {0}({1}, {2})", name(schema, "resume"), text(table.biller()), text(who));
    }

    private Field<String> text(String given) {
        return DSL.cast(DSL.val(table.text(given)), SQLDataType.CLOB);
    }

    /** One row, of a biller whose row is gone, too. */
    private Query looking() {
        return DSL.using(SQLDialect.POSTGRES)
                .select(
                        AttemptTable.CLOCK,
                        field(name("b", "paused_at")),
                        field(name("b", "paused_by")),
                        field(name("b", "paused_why")),
                        field(name("b", "resumed_by")),
                        LAST_RUN_AT,
                        field(name("b", "brake_until")),
                        field(name("b", "brake_at")),
                        field(name("b", "brake_by")),
                        field(name("b", "brake_why")))
                .from(selectOne().asTable("one"))
                .leftJoin(table.billers().as("b"))
                .on(NAME.eq(table.biller()));
    }

    private Query tracing(Condition which) {
        return DSL.using(SQLDialect.POSTGRES)
                .update(table.billers().as("b"))
                .set(field(name("last_run_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6)), AttemptTable.CLOCK)
                .where(which)
                .returningResult(inline(1));
    }

    private Condition isDue() {
        return NAME.eq(table.biller())
                .and(LAST_RUN_AT
                        .isNull()
                        .or(LAST_RUN_AT.lt(field(
                                "{0} - {1}", OffsetDateTime.class, AttemptTable.CLOCK, AttemptTable.seconds(TRACE)))));
    }

    private static Standing standing(Rows rows) {
        rows.next();
        Instant clock = Objects.requireNonNull(rows.time(0));
        Instant pausedAt = rows.time(1);
        return new Standing(
                clock,
                pausedAt == null
                        ? null
                        : new BillingPause(
                                Objects.requireNonNullElse(rows.text(2), ""),
                                Objects.requireNonNullElse(rows.text(3), ""),
                                pausedAt),
                rows.text(4),
                rows.time(5),
                brake(rows, clock));
    }

    private static @Nullable BillingBrake brake(Rows rows, Instant clock) {
        Instant until = rows.time(6);
        return until == null || !until.isAfter(clock)
                ? null
                : new BillingBrake(
                        until,
                        Objects.requireNonNullElse(rows.time(7), until),
                        Objects.requireNonNullElse(rows.text(8), ""),
                        Objects.requireNonNullElse(rows.text(9), ""));
    }
}
