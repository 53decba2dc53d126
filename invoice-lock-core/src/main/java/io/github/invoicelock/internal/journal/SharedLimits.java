package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.limits.FleetPace;
import io.github.invoicelock.internal.statements.Prepared;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.Map;
import org.jooq.Field;
import org.jooq.Query;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;

/** What all servers of one biller share of a provider's limits: its row in the table {@code biller}. */
public final class SharedLimits {
    private static final Field<String> NAME = field(name("name"), SQLDataType.CLOB);
    private static final Field<OffsetDateTime> CALLS_UNTIL =
            field(name("calls_until"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    private static final Field<Double> SPAN = DSL.param("span", Double.class);

    private final AttemptTable attempts;
    private final Table<Record> billers;
    private final Prepared moments;
    private final Prepared cursor;

    SharedLimits(AttemptTable attempts, String schema) {
        this.attempts = attempts;
        this.billers = DSL.table(name(schema, "biller"));
        this.moments = Prepared.of(movingTheCursor());
        this.cursor = Prepared.of(DSL.using(SQLDialect.POSTGRES)
                .select(seconds(CALLS_UNTIL))
                .from(billers)
                .where(NAME.eq(attempts.biller())));
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
                Request.of(
                        cursor,
                        Map.of(),
                        rows -> rows.next() && rows.text(0) != null ? Double.parseDouble(rows.text(0)) : 0d),
                (mine, until) -> Double.isNaN(mine)
                        ? new FleetPace.Answer(false, in(until).minus(FleetPace.AHEAD))
                        : new FleetPace.Answer(true, in(mine)));
    }

    // What was not used before is lost: no burst follows an idle hour.
    private Query movingTheCursor() {
        return DSL.using(SQLDialect.POSTGRES)
                .update(billers)
                .set(
                        CALLS_UNTIL,
                        field(
                                "greatest({0}, {1}) + {2} * interval '1 second'",
                                SQLDataType.TIMESTAMPWITHTIMEZONE(6), CALLS_UNTIL, AttemptTable.CLOCK, SPAN))
                .where(NAME.eq(attempts.biller()))
                .and(CALLS_UNTIL.isNull().or(CALLS_UNTIL.le(AttemptTable.clockPlus(FleetPace.AHEAD))))
                .returningResult(seconds(CALLS_UNTIL));
    }

    private static Field<Double> seconds(Field<OffsetDateTime> until) {
        return field("extract(epoch from {0} - {1})", Double.class, until, AttemptTable.CLOCK);
    }

    private static Duration in(double seconds) {
        return Duration.ofNanos((long) (seconds * 1_000_000_000L));
    }
}
