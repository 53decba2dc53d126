package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.asterisk;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.noCondition;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.table;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jooq.CommonTableExpression;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.InsertValuesStepN;
import org.jooq.JSONB;
import org.jooq.Query;
import org.jooq.Record;
import org.jooq.Record2;
import org.jooq.SQLDialect;
import org.jooq.Select;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** Claims of fresh invoices: the first attempt of each, and of a refused one the next (R2, R10). */
public final class FirstAttempts {
    private static final List<Field<?>> STARTED = List.of(
            AttemptTable.BILLER,
            AttemptTable.INVOICE_ID,
            AttemptTable.NUMBER,
            AttemptTable.IDEMPOTENCY_KEY,
            AttemptTable.STATE,
            AttemptTable.DUE_AT,
            AttemptTable.LEASE_UNTIL,
            AttemptTable.OWNER,
            AttemptTable.FENCE,
            AttemptTable.STARTED_AT,
            AttemptTable.INVOICE);

    private static final Field<JSONB> NOTHING_KEPT = inline((JSONB) null, SQLDataType.JSONB);

    private final AttemptTable table;
    private final Snapshots snapshots;
    private final Events events;
    private final Map<Duration, Prepared> one = new ConcurrentHashMap<>();
    private final Map<Duration, Prepared> many = new ConcurrentHashMap<>();

    FirstAttempts(AttemptTable table, Snapshots snapshots, Events events) {
        this.table = table;
        this.snapshots = snapshots;
        this.events = events;
    }

    /** That an invoice has no attempt; its id as the outer query has it. */
    public Condition withoutAttempt(Field<String> invoiceId) {
        return field(table.attemptOf(invoiceId, noCondition())).isNull();
    }

    /**
     * Writes the first attempt of an invoice whose row this transaction has locked; empty if it has one already, which the constraint alone
     * can tell for sure (R10).
     */
    public Request<Optional<Claimed>> insert(String invoiceId, JSONB snapshot, Duration lease) {
        return insert(invoiceId, 1, snapshot, lease);
    }

    // The values themselves, and no rows of a query: on Citus that names the one shard to write to.
    Request<Optional<Claimed>> insert(String invoiceId, int number, JSONB snapshot, Duration lease) {
        Prepared insert = one.computeIfAbsent(lease, l -> Prepared.of(insertOne(l)));
        Map<String, ?> bound = Map.of("invoice", invoiceId, "number", number, "snapshot", snapshot.data());
        Function<Rows, Optional<Claimed>> reader =
                rows -> snapshots.readFresh(rows, number).stream().findFirst();
        return table.places().kept()
                // Who is just settling, and frees the place, is waited for by the index as by a lock.
                ? Request.both(
                        table.places().freed(snapshot),
                        Request.locking(insert, bound, reader),
                        (freed, claimed) -> claimed)
                : Request.of(insert, bound, reader);
    }

    /**
     * Tells why nothing was inserted: because the invoice has an attempt (R10).
     *
     * @return empty
     * @throws PlaceTakenException if it has none, and its customer's place is taken
     */
    public <T> Optional<T> requireAttempt(DSLContext tx, String invoiceId) {
        if (table.places().kept()
                && !tx.fetchExists(DSL.selectOne().from(table.table()).where(table.ofInvoice(invoiceId)))) {
            throw new PlaceTakenException();
        }
        return Optional.empty();
    }

    private Query insertOne(Duration lease) {
        Field<String> invoice = DSL.param("invoice", String.class);
        Field<Integer> number = DSL.param("number", Integer.class);
        Field<JSONB> snapshot = DSL.cast(DSL.param("snapshot", String.class), SQLDataType.JSONB);
        List<Field<?>> columns = new ArrayList<>(STARTED);
        List<Field<?>> values = new ArrayList<>(
                started(invoice, number, table.key(DSL.cast(invoice, SQLDataType.CLOB), number), snapshot, lease));
        boolean places = table.places().kept();
        if (places) {
            columns.add(Places.PLACE);
            values.add(table.places().of(snapshot));
        }
        InsertValuesStepN<Record> insert = DSL.using(SQLDialect.POSTGRES)
                .insertInto(table.table())
                .columns(columns)
                .values(values);
        return snapshots.fresh(name("claimed")
                // Whichever constraint it is: the invoice's attempt, or its customer's place.
                .as((places
                                ? insert.onConflictDoNothing()
                                : insert.onConflict(AttemptTable.BILLER, AttemptTable.INVOICE_ID, AttemptTable.NUMBER)
                                        .doNothing())
                        .returningResult(asterisk())));
    }

    /**
     * Writes the first attempts of invoices whose rows this transaction has locked.
     *
     * @param rows the host's rows by their ids, {@code invoice_id} and {@code snapshot}: always the same
     * @return the claims by invoice id; without those that have one already (R10)
     */
    public Request<Map<String, Claimed>> insertAll(
            Supplier<Select<Record2<String, JSONB>>> rows, Map<String, ?> bound, Duration lease) {
        return Request.of(many.computeIfAbsent(lease, l -> Prepared.of(insertMany(rows.get(), l))), bound, written -> {
            Map<String, Claimed> claimed = new HashMap<>();
            snapshots
                    .readFresh(written, 1)
                    .forEach(each -> claimed.put(each.attempt().invoiceId(), each));
            return claimed;
        });
    }

    private Query insertMany(Select<Record2<String, JSONB>> rows, Duration lease) {
        CommonTableExpression<Record2<String, JSONB>> locked = name("locked").asMaterialized(rows);
        Field<String> invoiceId = field(name("locked", "invoice_id"), SQLDataType.CLOB);
        CommonTableExpression<?> claimed = name("claimed")
                .as(DSL.using(SQLDialect.POSTGRES)
                        .insertInto(table.table())
                        .columns(STARTED)
                        .select(select(started(
                                        invoiceId,
                                        inline(1),
                                        AttemptTable.keyOf(field(name("keyed", "hash"), byte[].class)),
                                        field(name("locked", "snapshot"), SQLDataType.JSONB),
                                        lease))
                                // offset: else the hash would be reckoned each time that its name stands in the key
                                .from(
                                        locked,
                                        table(
                                                "lateral (select {0} as hash offset 0) as keyed",
                                                table.hash(invoiceId, inline(1)))))
                        // R10: the snapshot may be older than the lock; a row that another server claimed and committed
                        // since passes FOR UPDATE and the look-up of attempts, and only the constraint stops it.
                        .onConflict(AttemptTable.BILLER, AttemptTable.INVOICE_ID, AttemptTable.NUMBER)
                        .doNothing()
                        .returningResult(asterisk()));
        return snapshots.fresh(locked, claimed);
    }

    private List<Field<?>> started(
            Field<String> invoiceId, Field<Integer> number, Field<String> key, Field<JSONB> snapshot, Duration lease) {
        return Arrays.asList(
                val(table.biller()),
                invoiceId,
                number,
                key,
                inline(AttemptState.STARTED.name()),
                AttemptTable.clockPlus(lease),
                AttemptTable.clockPlus(lease),
                val(table.server()),
                inline(1),
                AttemptTable.CLOCK,
                snapshot);
    }

    /** R16: blocks an invoice that has no attempt, so that none can begin; false if it has one after all. */
    public boolean insertWithdrawn(DSLContext tx, String invoiceId) {
        return insertUncalled(
                tx,
                invoiceId,
                1,
                NextState.withdrawn("Taken back by the host before it was claimed."),
                NOTHING_KEPT,
                Act.byTheHost(null));
    }

    /** An invoice that cannot be claimed, by its own data; false if it has an attempt after all. */
    public boolean insertSetAside(DSLContext tx, String invoiceId, String why) {
        return insertUncalled(tx, invoiceId, 1, NextState.setAside(Duration.ZERO, why), NOTHING_KEPT, Act.SET_ASIDE);
    }

    /** Whether something stays of a snapshot that is over. */
    public boolean keepsSome() {
        return !table.kept().isEmpty();
    }

    /**
     * An attempt that a restore has lost, under the number that its key was made of, to be written as charged; false if it is there. Nobody knows
     * what was sent, so it has no snapshot.
     *
     * @param row the invoice as it is now, for what is kept of it; null if that is not known
     */
    public boolean insertLost(DSLContext tx, String invoiceId, int number, @Nullable JSONB row, Act act) {
        Field<JSONB> kept = row == null || !keepsSome()
                ? NOTHING_KEPT
                : table.keptFrom(DSL.cast(val(row.data()), SQLDataType.JSONB));
        return insertUncalled(tx, invoiceId, number, NextState.withdrawn("Lost by the journal."), kept, act);
    }

    private boolean insertUncalled(
            DSLContext tx, String invoiceId, int number, NextState state, Field<JSONB> kept, Act act) {
        return events.change(
                        tx,
                        tx.insertInto(table.table())
                                .columns(List.of(
                                        AttemptTable.BILLER,
                                        AttemptTable.INVOICE_ID,
                                        AttemptTable.NUMBER,
                                        AttemptTable.IDEMPOTENCY_KEY,
                                        AttemptTable.STATE,
                                        AttemptTable.DUE_AT,
                                        AttemptTable.CAUSE,
                                        AttemptTable.OWNER,
                                        AttemptTable.FENCE,
                                        AttemptTable.STARTED_AT,
                                        AttemptTable.SETTLED_AT,
                                        AttemptTable.MESSAGE,
                                        AttemptTable.KEPT))
                                .values(Arrays.asList(
                                        val(table.biller()),
                                        val(invoiceId),
                                        inline(number),
                                        table.key(DSL.cast(val(invoiceId), SQLDataType.CLOB), inline(number)),
                                        inline(state.state().name()),
                                        Outcomes.dueIn(state.due()),
                                        val(Outcomes.nameOf(state.cause())),
                                        val(table.server()),
                                        inline(1),
                                        AttemptTable.CLOCK,
                                        AttemptTable.CLOCK,
                                        val(table.text(state.message())),
                                        kept))
                                .onConflict(AttemptTable.BILLER, AttemptTable.INVOICE_ID, AttemptTable.NUMBER)
                                .doNothing()
                                .returningResult(AttemptTable.COLUMNS),
                        null,
                        act)
                .isPresent();
    }
}
