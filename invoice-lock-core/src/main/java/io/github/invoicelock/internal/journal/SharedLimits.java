package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.limits.FleetPace;
import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jooq.Field;
import org.jooq.Query;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** What all servers of one biller share of a provider's limits: its row in the table {@code biller}. */
public final class SharedLimits {
    private static final Field<String> NAME = field(name("name"), SQLDataType.CLOB);
    /** A number, for Citus: it takes no time plus an interval over a column, which depends on the time zone. */
    private static final Field<Double> CALLS_UNTIL = field(name("calls_until"), Double.class);

    private static final Field<Double> NOW =
            field("extract(epoch from {0})::double precision", Double.class, AttemptTable.CLOCK);
    private static final Field<OffsetDateTime> BRAKE_UNTIL =
            field(name("brake_until"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    private static final Field<OffsetDateTime> BRAKE_AT = field(name("brake_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    private static final Field<OffsetDateTime> TRIAL = field(name("brake_trial"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    /** Servers hold the row for moments. Whoever holds it for longer is a person, and is not waited for. */
    private static final SessionSettings PATIENCE =
            new SessionSettings(Duration.ofSeconds(1), Duration.ofSeconds(10), SessionSettings.Work.ONE_ROW);

    private static final Field<Double> SPAN = DSL.param("span", Double.class);

    private final AttemptTable attempts;
    private final Table<Record> billers;
    private final Prepared hold;
    private final Prepared moments;
    private final Prepared cursor;
    private final Prepared putBack;
    private final Prepared trial;
    private final Prepared look;
    private final Prepared putOn;
    private final Prepared takeOff;
    private final Prepared leaveTrial;

    SharedLimits(AttemptTable attempts, String schema) {
        this.attempts = attempts;
        this.billers = DSL.table(name(schema, "biller"));
        this.hold = Prepared.of(DSL.using(SQLDialect.POSTGRES).select(attempts.hold()));
        this.moments = Prepared.of(movingTheCursor());
        this.cursor = Prepared.of(DSL.using(SQLDialect.POSTGRES)
                .select(CALLS_UNTIL.minus(NOW))
                .from(billers)
                .where(NAME.eq(attempts.biller())));
        this.putBack = Prepared.of(puttingTheCursorBack());
        this.trial = Prepared.of(takingATrial());
        this.look = Prepared.of(looking());
        this.putOn = Prepared.of(puttingOn());
        this.takeOff = Prepared.of(takingOff());
        this.leaveTrial = Prepared.of(leavingATrial());
    }

    /**
     * Asks in a transaction of its own.
     *
     * @return empty if another session holds the biller's row: a pause that is not committed, say
     */
    public static <T> Optional<T> ask(Database database, Request<T> request) {
        try {
            return Optional.of(database.atOnce(PATIENCE, request));
        } catch (DatabaseException e) {
            if (SqlStates.lockNotAvailable(e)) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** What holds the biller back: asked in the round trip of a claim's lock. */
    public Request<Hold> hold() {
        return Request.of(hold, Map.of(), rows -> rows.next() ? Hold.valueOf(String.valueOf(rows.text(0))) : Hold.NONE);
    }

    /**
     * Gives so many moments away, if those before them lie within the next second: one row's update, by one clock.
     *
     * @param callsPerSecond of all servers
     */
    public Request<FleetPace.Answer> reserve(int calls, double callsPerSecond) {
        double span = calls / callsPerSecond;
        return Request.both(
                Request.of(
                        moments,
                        Map.of("span", span),
                        rows -> rows.next() ? Double.parseDouble(String.valueOf(rows.text(0))) - span : Double.NaN),
                Request.of(cursor, Map.of(), this::until),
                (mine, until) -> Double.isNaN(mine)
                        ? new FleetPace.Answer(false, in(until).minus(FleetPace.AHEAD))
                        : new FleetPace.Answer(true, in(mine)));
    }

    private double until(Rows rows) {
        if (!rows.next()) {
            throw new IllegalStateException("The biller has no row in " + billers
                    + " any more, which the moments of its calls are kept in: build() it again, which writes one.");
        }
        return rows.text(0) == null ? 0d : Double.parseDouble(rows.text(0));
    }

    // What was not used before is lost, so that no burst follows an idle hour; but for the moment between two
    // reservations.
    private Query movingTheCursor() {
        return DSL.using(SQLDialect.POSTGRES)
                .update(billers)
                .set(
                        CALLS_UNTIL,
                        DSL.greatest(CALLS_UNTIL, NOW.minus(DSL.inline(FleetPace.BEHIND.toMillis() / 1_000d)))
                                .plus(SPAN))
                .where(NAME.eq(attempts.biller()))
                .and(CALLS_UNTIL.isNull().or(CALLS_UNTIL.le(NOW.plus(DSL.inline((double)
                        FleetPace.AHEAD.toSeconds())))))
                .returningResult(CALLS_UNTIL.minus(NOW));
    }

    /**
     * Puts the cursor back to where it may be at most: it is further ahead of the database's clock than servers ever move it.
     *
     * @return false if it is not, or another server has put it back
     */
    public Request<Boolean> putBack(Duration furthest) {
        return Request.of(putBack, Map.of("span", furthest.toNanos() / 1e9), Rows::next);
    }

    private Query puttingTheCursorBack() {
        return DSL.using(SQLDialect.POSTGRES)
                .update(billers)
                .set(CALLS_UNTIL, NOW.plus(SPAN))
                .where(NAME.eq(attempts.biller()))
                .and(CALLS_UNTIL.gt(NOW.plus(SPAN)))
                .returningResult(DSL.inline(1));
    }

    /**
     * What a server that is held back sees.
     *
     * @param left how long the brake holds at most; zero: it is off
     * @param putOn when it was last put on; null where it never was
     * @param mine whether this server has just got the one call that may be tried
     */
    public record Seen(Duration left, @Nullable Instant putOn, boolean mine) {
        public boolean off() {
            return left.isZero();
        }
    }

    /**
     * Takes the one call that may be tried while the brake is on, unless another server has it.
     *
     * @param atMost until when it is over, or its server is gone
     */
    public Request<Seen> tryOne(Duration atMost) {
        return Request.both(
                Request.of(trial, Map.of("span", atMost.toMillis() / 1_000d), Rows::next),
                look(),
                (mine, seen) -> new Seen(seen.left(), seen.putOn(), mine));
    }

    /** How the brake stands. */
    public Request<Seen> look() {
        return Request.of(
                look,
                Map.of(),
                rows -> rows.next()
                        ? new Seen(in(Double.parseDouble(String.valueOf(rows.text(0)))), rows.time(1), false)
                        : new Seen(Duration.ZERO, null, false));
    }

    /** Puts the brake on for all servers, for so long at least; the call that was tried, if one was, is over. */
    public Request<Boolean> putOn(Duration atLeast, String why) {
        return Request.of(
                putOn,
                Map.of("span", atLeast.toMillis() / 1_000d, "why", Objects.requireNonNullElse(attempts.text(why), "")),
                Rows::next);
    }

    /** Takes the brake off. */
    public Request<Boolean> takeOff() {
        return Request.of(takeOff, Map.of(), Rows::next);
    }

    /** The call that was to be tried was not made: another may be. */
    public Request<Boolean> leaveTrial() {
        return Request.of(leaveTrial, Map.of(), Rows::next);
    }

    private Query takingATrial() {
        return DSL.using(SQLDialect.POSTGRES)
                .update(billers)
                .set(TRIAL, clockPlusSpan())
                .where(NAME.eq(attempts.biller()))
                .and(BRAKE_UNTIL.gt(AttemptTable.CLOCK))
                .and(TRIAL.isNull().or(TRIAL.le(AttemptTable.CLOCK)))
                .returningResult(DSL.inline(1));
    }

    private Query looking() {
        return DSL.using(SQLDialect.POSTGRES)
                .select(
                        field(
                                "coalesce(greatest(extract(epoch from {0} - {1}), 0), 0)",
                                Double.class, BRAKE_UNTIL, AttemptTable.CLOCK),
                        BRAKE_AT)
                .from(billers)
                .where(NAME.eq(attempts.biller()));
    }

    private Query puttingOn() {
        return DSL.using(SQLDialect.POSTGRES)
                .update(billers)
                .set(
                        BRAKE_UNTIL,
                        field("greatest({0}, {1})", SQLDataType.TIMESTAMPWITHTIMEZONE(6), BRAKE_UNTIL, clockPlusSpan()))
                .set(BRAKE_AT, AttemptTable.CLOCK)
                .set(field(name("brake_by"), SQLDataType.CLOB), attempts.server())
                .set(field(name("brake_why"), SQLDataType.CLOB), DSL.param("why", String.class))
                .set(TRIAL, (OffsetDateTime) null)
                .where(NAME.eq(attempts.biller()))
                .returningResult(DSL.inline(1));
    }

    private Query takingOff() {
        return DSL.using(SQLDialect.POSTGRES)
                .update(billers)
                .set(BRAKE_UNTIL, (OffsetDateTime) null)
                .set(TRIAL, (OffsetDateTime) null)
                .where(NAME.eq(attempts.biller()))
                .and(BRAKE_UNTIL.isNotNull())
                .returningResult(DSL.inline(1));
    }

    private Query leavingATrial() {
        return DSL.using(SQLDialect.POSTGRES)
                .update(billers)
                .set(TRIAL, (OffsetDateTime) null)
                .where(NAME.eq(attempts.biller()))
                .returningResult(DSL.inline(1));
    }

    private static Field<OffsetDateTime> clockPlusSpan() {
        return field("{0} + {1} * interval '1 second'", SQLDataType.TIMESTAMPWITHTIMEZONE(6), AttemptTable.CLOCK, SPAN);
    }

    private static Duration in(double seconds) {
        return Duration.ofNanos((long) (seconds * 1_000_000_000L));
    }
}
