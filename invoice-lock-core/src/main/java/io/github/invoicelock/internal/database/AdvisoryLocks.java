package io.github.invoicelock.internal.database;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.when;

import java.util.Map;
import org.jooq.Field;
import org.jooq.Query;
import org.jooq.impl.DSL;

/**
 * Locks of a number, for whoever asks for the same one (<a
 * href="https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS">PostgreSQL, Advisory Lock Functions</a>).
 * Never waited for, and given back with the transaction, so that PgBouncer may hand the connection on.
 */
public final class AdvisoryLocks {
    private static final Prepared TAKE = Prepared.of(select(taken("taken")));
    private static final Prepared TAKE_WHILE_FREE = Prepared.of(takeWhileFree());

    private AdvisoryLocks() {}

    /**
     * Takes a lock for the rest of the transaction.
     *
     * @param taken which
     * @return false if another transaction holds it
     */
    public static Request<Boolean> take(long taken) {
        return Request.of(TAKE, Map.of("taken", taken), AdvisoryLocks::answer);
    }

    /**
     * The same, only while nobody holds a second one, which is not taken.
     *
     * @param taken which
     * @param free the second one
     * @return false if another transaction holds one of the two
     */
    public static Request<Boolean> takeWhileFree(long taken, long free) {
        return Request.of(TAKE_WHILE_FREE, Map.of("taken", taken, "free", free), AdvisoryLocks::answer);
    }

    private static Query takeWhileFree() {
        // That it is free shows by taking it. Of the session, as no other kind can be given back before the commit; and
        // within one expression, so that it is never left behind on a connection. CASE alone keeps the order.
        Field<Boolean> free = when(
                        field("pg_try_advisory_lock({0})", Boolean.class, DSL.param("free", Long.class)),
                        field("pg_advisory_unlock({0})", Boolean.class, DSL.param("free", Long.class)))
                .otherwise(inline(false));
        return select(when(DSL.condition(free), taken("taken")).otherwise(inline(false)));
    }

    private static Field<Boolean> taken(String name) {
        return field("pg_try_advisory_xact_lock({0})", Boolean.class, DSL.param(name, Long.class));
    }

    private static boolean answer(Rows rows) {
        return rows.next() && rows.flag(0);
    }
}
