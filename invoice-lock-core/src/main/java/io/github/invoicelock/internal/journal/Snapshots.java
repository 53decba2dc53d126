package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.asterisk;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.table;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jooq.CommonTableExpression;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Query;
import org.jooq.Record;
import org.jooq.SelectFieldOrAsterisk;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** How an attempt that was just written is read back, with its invoice from the snapshot: by the same reading at every call (R4). */
final class Snapshots {
    // A name of the journal's own columns that no column of a host's table will have.
    private static final String PREFIX = "invoice_lock.";
    /** All that is not known of a fresh attempt before it is written. */
    private static final List<Field<?>> FRESH = List.of(
            AttemptTable.ID,
            AttemptTable.INVOICE_ID,
            AttemptTable.IDEMPOTENCY_KEY,
            AttemptTable.DUE_AT,
            AttemptTable.STARTED_AT);

    private final AttemptTable table;
    private final Function<Field<?>, Table<?>> typed;
    private final Prepared alone;

    Snapshots(AttemptTable table, Function<Field<?>, Table<?>> typed) {
        this.table = table;
        this.typed = typed;
        this.alone = Prepared.of(DSL.select(table(name("invoice")).asterisk())
                .from(typed.apply(DSL.cast(DSL.param("snapshot", String.class), SQLDataType.JSONB))));
    }

    /** The invoice of a snapshot by itself. */
    Record invoice(DSLContext tx, JSONB snapshot) {
        return Request.of(alone, Map.of("snapshot", snapshot.data()), rows -> {
                    Record row = rows.records().get(0);
                    return invoice(row, row.fields());
                })
                .in(tx);
    }

    /** What is not known of fresh attempts, behind the columns of their invoices. */
    Query fresh(CommonTableExpression<?>... writing) {
        return select(writing, FRESH, false);
    }

    /** All of an attempt that was written again as {@code claimed}, before the columns of its invoice. */
    Query whole(CommonTableExpression<?>... writing) {
        return select(writing, AttemptTable.COLUMNS, true);
    }

    private Query select(CommonTableExpression<?>[] writing, List<Field<?>> columns, boolean first) {
        List<SelectFieldOrAsterisk> fields = new ArrayList<>();
        columns.forEach(column -> fields.add(
                field(name("claimed", column.getName()), column.getDataType()).as(PREFIX + column.getName())));
        // An asterisk over an unknown table: jOOQ takes the columns and their types from the result.
        fields.add(first ? fields.size() : 0, table(name("invoice")).asterisk());
        return DSL.with(writing)
                .select(fields)
                .from(table(name("claimed")), typed.apply(field(name("claimed", AttemptTable.INVOICE.getName()))));
    }

    static List<SelectFieldOrAsterisk> all() {
        return List.of(asterisk());
    }

    /** Attempts of this number that one statement wrote, by one clock. */
    List<Claimed> readFresh(Rows rows, int number) {
        List<Claimed> claimed = new ArrayList<>();
        Instant dueAt = null;
        Instant startedAt = null;
        for (Record row : rows.records(FRESH.size())) {
            int first = row.size();
            if (startedAt == null) {
                dueAt = rows.time(first + 3);
                startedAt = Objects.requireNonNull(rows.time(first + 4));
            }
            BillingAttempt attempt = new BillingAttempt(
                    rows.number(first),
                    table.biller(),
                    Objects.requireNonNull(rows.text(first + 1)),
                    number,
                    Objects.requireNonNull(rows.text(first + 2)),
                    AttemptState.STARTED,
                    dueAt,
                    table.server(),
                    1,
                    0,
                    startedAt,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    null);
            claimed.add(new Claimed(attempt, invoice(row, row.fields()), Duration.ZERO, Duration.ZERO));
        }
        return claimed;
    }

    /** An attempt that was taken over. */
    Claimed readWhole(Record row, Duration keyAge, Duration requestsOverIn) {
        BillingAttempt attempt = AttemptTable.row(row, PREFIX).attempt();
        if (!attempt.biller().equals(table.biller()) || !attempt.owner().equals(table.server())) {
            throw new IllegalStateException("Claimed an attempt that is not ours: " + attempt);
        }
        Field<?>[] invoice = Arrays.stream(row.fields())
                .filter(column -> !column.getName().startsWith(PREFIX))
                .toArray(Field<?>[]::new);
        return new Claimed(attempt, invoice(row, invoice), keyAge, requestsOverIn);
    }

    /** The host's columns of a row; the row itself where it has no others, and each value is of its column's type. */
    private static Record invoice(Record row, Field<?>[] columns) {
        Field<?>[] fitting = columns.clone();
        boolean fits = row.size() == columns.length;
        for (int i = 0; i < columns.length; i++) {
            @Nullable Object value = row.get(columns[i]);
            if (value != null && !columns[i].getType().isInstance(value)) {
                fits = false;
                fitting[i] = ofItsValue(columns[i], value);
            }
        }
        return fits ? row : row.into(fitting);
    }

    /** A column of arrays tells nothing of their dimensions, and jOOQ 3.21 fails to convert a value of more than one to the column's type. */
    private static Field<?> ofItsValue(Field<?> column, Object value) {
        return column.getType().isArray() ? field(column.getQualifiedName(), value.getClass()) : column;
    }
}
