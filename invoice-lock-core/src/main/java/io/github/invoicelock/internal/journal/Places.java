package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.selectOne;

import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Query;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * One at a time for each customer: an attempt that may be called has its customer's place, of which a partial unique index knows only one.
 * The settlement frees it. Where nothing is settled, because the server was killed or the outcome is unknown, it is free when no request
 * can be on its way any more (R7): whoever wants it then takes it away. So nothing has to be cleaned up.
 */
public final class Places {
    /** The index whose violation says that a place is taken. */
    public static final String INDEX = "billing_attempt_one_at_a_time";

    static final Field<String> PLACE = field(name("one_at_a_time"), SQLDataType.CLOB);
    private static final Field<String> SNAPSHOT = DSL.param("snapshot", String.class);

    private final AttemptTable table;
    private final @Nullable String column;
    private final @Nullable Prepared freed;
    private final @Nullable Prepared taken;
    private final @Nullable Prepared all;

    Places(AttemptTable table, @Nullable String column) {
        this.table = table;
        this.column = column;
        this.freed = column == null ? null : Prepared.of(freeing());
        this.taken = column == null ? null : Prepared.of(taking());
        this.all = column == null ? null : Prepared.of(listing());
    }

    /** Whether customers have places at all. */
    public boolean kept() {
        return column != null;
    }

    /** The customer of a snapshot. */
    Field<String> of(Field<JSONB> snapshot) {
        return field("{0} ->> {1}", String.class, snapshot, inline(Objects.requireNonNull(column)));
    }

    /** Takes the place of a snapshot's customer away from an attempt that cannot be on its way any more; none is waited for. */
    Request<Boolean> freed(JSONB snapshot) {
        return Request.of(Objects.requireNonNull(freed), Map.of("snapshot", snapshot.data()), rows -> rows.next());
    }

    /** Whether another attempt has the place of a snapshot's customer, after what has lapsed was taken away. */
    boolean taken(DSLContext tx, String snapshot, long attempt) {
        return Request.both(
                        freed(JSONB.valueOf(snapshot)),
                        Request.of(
                                Objects.requireNonNull(taken),
                                Map.of("snapshot", snapshot, "id", attempt),
                                rows -> rows.next()),
                        (before, now) -> now)
                .in(tx);
    }

    /** The customers whose places are taken just now, over all servers. */
    public Request<Set<String>> all() {
        return Request.of(Objects.requireNonNull(all), Map.of(), rows -> {
            Set<String> customers = new HashSet<>();
            while (rows.next()) {
                customers.add(Objects.requireNonNull(rows.text(0)));
            }
            return customers;
        });
    }

    private Condition isOf(Field<String> snapshot) {
        return AttemptTable.BILLER.eq(table.biller()).and(PLACE.eq(of(DSL.cast(snapshot, SQLDataType.JSONB))));
    }

    private Query freeing() {
        return DSL.using(SQLDialect.POSTGRES)
                .update(table.table())
                .set(PLACE, (String) null)
                .where(AttemptTable.ID.eq(field(select(AttemptTable.ID)
                        .from(table.table())
                        .where(isOf(SNAPSHOT))
                        .and(AttemptTable.LEASE_UNTIL.le(AttemptTable.CLOCK))
                        .forUpdate()
                        .skipLocked())))
                .returningResult(inline(1));
    }

    private Query taking() {
        return selectOne()
                .from(table.table())
                .where(isOf(SNAPSHOT))
                .and(AttemptTable.ID.ne(DSL.param("id", Long.class)));
    }

    private Query listing() {
        return select(PLACE)
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(PLACE.isNotNull())
                .and(AttemptTable.LEASE_UNTIL.gt(AttemptTable.CLOCK));
    }
}
