package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.val;
import static org.jooq.impl.DSL.when;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Query;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.UpdateSetMoreStep;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/** The one door through which an attempt's state changes: each write sets every column that belongs to a state. */
public final class Outcomes {
    private static final List<Field<?>> AFTER_BILLED = List.of(
            AttemptTable.ID, AttemptTable.DUE_AT, AttemptTable.SETTLED_AT, AttemptTable.INVOICE, AttemptTable.KEPT);

    private final AttemptTable table;
    private final Events events;
    private final Prepared billed;
    private final Prepared billedMany;

    Outcomes(AttemptTable table, Events events) {
        this.table = table;
        this.events = events;
        this.billed = Prepared.of(billedStatement(
                DSL.param("reference", String.class),
                inline((OffsetDateTime) null, AttemptTable.DUE_AT),
                AttemptTable.isThis()
                        .and(AttemptTable.FENCE.eq(DSL.param("fence", Integer.class)))
                        .and(ours())));
        this.billedMany = Prepared.of(billedStatement(
                // No join: one with unnest(?) is planned for ten rows, and with statistics that were taken when the
                // journal was empty it reads all of the journal for each of them.
                field(
                        "jsonb_object(cast({0} as text[]), {1}) ->> cast({2} as text)",
                        String.class,
                        DSL.param("ids", Long[].class),
                        DSL.param("references", String[].class),
                        AttemptTable.ID),
                when(
                                DSL.condition("{0} = any({1})", AttemptTable.ID, DSL.param("unmarked", Long[].class)),
                                AttemptTable.clockPlus(MARK_AGAIN))
                        .otherwise(inline((OffsetDateTime) null, AttemptTable.DUE_AT)),
                DSL.condition("{0} = any({1})", AttemptTable.ID, DSL.param("ids", Long[].class))
                        .and(AttemptTable.FENCE.eq(inline(1)))
                        .and(ours())));
    }

    /** How soon an invoice is marked whose row the host held when it was charged or refused (R12). */
    public static final Duration MARK_AGAIN = Duration.ofSeconds(1);

    // The owner too, not the fence alone: a database that fell back to an older state counts the same fences again
    // (R3).
    private Condition ours() {
        return AttemptTable.OWNER
                .eq(val(table.server()))
                .and(AttemptTable.STATE.eq(inline(AttemptState.STARTED.name())));
    }

    private Query billedStatement(Field<String> reference, Field<OffsetDateTime> dueAt, Condition which) {
        return freeingThePlace(afterSnapshot(DSL.using(SQLDialect.POSTGRES)
                        .update(table.table())
                        .set(AttemptTable.STATE, inline(AttemptState.BILLED.name()))
                        .set(AttemptTable.REFERENCE, reference)
                        .set(AttemptTable.DUE_AT, dueAt)
                        .set(AttemptTable.UNMARKED, inline(false))
                        .set(AttemptTable.CAUSE, (String) null)
                        .set(AttemptTable.SETTLED_AT, AttemptTable.CLOCK)
                        .set(AttemptTable.CALLS, AttemptTable.CALLS.plus(inline(1)))
                        .set(AttemptTable.CODE, (String) null)
                        .set(AttemptTable.MESSAGE, (String) null)))
                .where(which)
                .returningResult(AFTER_BILLED);
    }

    /** The straight way: BILLED by the server that called; empty if the attempt is not as it was claimed. */
    public Request<Optional<BillingAttempt>> billed(BillingAttempt claimed, String given) {
        String reference = Objects.requireNonNull(table.reference(given));
        return Request.of(
                billed,
                Map.of(
                        "id", claimed.id(),
                        "invoice", claimed.invoiceId(),
                        "fence", claimed.fence(),
                        "reference", reference),
                rows -> rows.next() ? Optional.of(afterBilled(claimed, reference, rows)) : Optional.empty());
    }

    /**
     * The same for many in one statement: of those that this server claimed first.
     *
     * @param given the references, by attempt
     * @param unmarked whose invoices this transaction does not mark
     * @return as they are now; without those that are not as they were claimed
     */
    public Request<List<BillingAttempt>> billed(List<BillingAttempt> claimed, List<String> given, Set<Long> unmarked) {
        List<String> references = given.stream()
                .map(reference -> Objects.requireNonNull(table.reference(reference)))
                .toList();
        Map<Long, Integer> indexes = new HashMap<>();
        for (int i = 0; i < claimed.size(); i++) {
            indexes.put(claimed.get(i).id(), i);
        }
        return Request.of(
                billedMany,
                Map.of(
                        "ids", indexes.keySet().stream().sorted().toArray(Long[]::new),
                        "references",
                                indexes.keySet().stream()
                                        .sorted()
                                        .map(id -> references.get(Objects.requireNonNull(indexes.get(id))))
                                        .toArray(String[]::new),
                        "unmarked", unmarked.toArray(Long[]::new)),
                rows -> {
                    List<BillingAttempt> billed = new ArrayList<>(claimed.size());
                    while (rows.next()) {
                        int index = Objects.requireNonNull(indexes.get(rows.number(0)));
                        billed.add(afterBilled(claimed.get(index), references.get(index), rows));
                    }
                    return billed;
                });
    }

    private static BillingAttempt afterBilled(BillingAttempt claimed, String reference, Rows row) {
        return new BillingAttempt(
                claimed.id(),
                claimed.biller(),
                claimed.invoiceId(),
                claimed.number(),
                claimed.idempotencyKey(),
                AttemptState.BILLED,
                row.time(1),
                claimed.owner(),
                claimed.fence(),
                claimed.calls() + 1,
                claimed.startedAt(),
                row.time(2),
                row.text(3),
                reference,
                null,
                null,
                claimed.resolvedBy(),
                claimed.note(),
                null,
                row.text(4));
    }

    /** Writes what an attempt becomes if this server still owns it as it was claimed (R5); empty if not. */
    public Optional<BillingAttempt> writeOwned(DSLContext tx, BillingAttempt claimed, NextState next, Act act) {
        return write(
                tx,
                claimed,
                next,
                AttemptTable.OWNER
                        .eq(claimed.owner())
                        .and(AttemptTable.FENCE.eq(claimed.fence()))
                        .and(AttemptTable.STATE.eq(claimed.state().name())),
                act);
    }

    /** Writes what an attempt becomes that this transaction has locked and looked at. */
    public BillingAttempt writeLocked(DSLContext tx, BillingAttempt locked, NextState next, Act act) {
        return write(tx, locked, next, AttemptTable.FENCE.eq(locked.fence()), act)
                .orElseThrow(() -> new IllegalStateException("Locked, and yet changed: " + locked));
    }

    private Optional<BillingAttempt> write(
            DSLContext tx, BillingAttempt attempt, NextState next, Condition such, Act act) {
        UpdateSetMoreStep<Record> update = tx.update(table.table())
                .set(AttemptTable.STATE, next.state().name())
                .set(AttemptTable.DUE_AT, dueIn(next.due()))
                .set(AttemptTable.UNMARKED, inline(next.unmarked()))
                .set(AttemptTable.CAUSE, nameOf(next.cause()))
                .set(AttemptTable.SETTLED_AT, AttemptTable.CLOCK)
                .set(AttemptTable.CALLS, AttemptTable.CALLS.plus(inline(next.called() ? 1 : 0)))
                .set(AttemptTable.REFERENCE, table.reference(next.reference()))
                .set(AttemptTable.CODE, table.text(next.code()))
                .set(AttemptTable.MESSAGE, table.text(next.message()));
        if (dropsSnapshot(attempt, next)) {
            update = afterSnapshot(update);
        }
        // R7: one in doubt may still be under way until its lease ends.
        if (next.state() != AttemptState.IN_DOUBT) {
            update = freeingThePlace(update);
        }
        return changed(tx, update, AttemptTable.isThis(attempt).and(such), attempt, act);
    }

    private BillingAttempt changed(DSLContext tx, UpdateSetMoreStep<Record> update, BillingAttempt locked, Act act) {
        return changed(tx, update, AttemptTable.isThis(locked), locked, act)
                .orElseThrow(() -> new IllegalStateException("Locked, and yet gone: " + locked));
    }

    /** The one way in which this class changes a row, but for charges at the first call: with its event. */
    private Optional<BillingAttempt> changed(
            DSLContext tx, UpdateSetMoreStep<Record> update, Condition which, BillingAttempt before, Act act) {
        UpdateSetMoreStep<Record> signed = act.decides() ? signed(update, act) : update;
        return events.change(tx, signed.where(which).returningResult(AttemptTable.COLUMNS), before.state(), act)
                .map(AttemptRow::attempt);
    }

    /** Who decided, when, and what they noted, behind what was noted before. */
    private UpdateSetMoreStep<Record> signed(UpdateSetMoreStep<Record> update, Act act) {
        String who = table.text(act.who());
        return update.set(AttemptTable.RESOLVED_BY, who)
                .set(
                        AttemptTable.NOTE,
                        field(
                                "coalesce({0} || E'\\n', '') || (to_char({1} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') || ' ' || {2})",
                                String.class,
                                AttemptTable.NOTE,
                                AttemptTable.CLOCK,
                                val(who + ": " + table.text(act.note()))));
    }

    /** R4: no request is made from it any more. A key that was sent may be released again, and is then sent with what it was sent with. */
    private static boolean dropsSnapshot(BillingAttempt attempt, NextState next) {
        return switch (next.state()) {
            case BILLED, DECLINED -> true;
            case WITHDRAWN -> attempt.calls() == 0;
            case STARTED, ACCEPTED, IN_DOUBT, NOT_BILLED -> false;
        };
    }

    /** Takes the mark of a charged or refused invoice upon this transaction, which holds the invoice's lock. */
    public BillingAttempt marked(DSLContext tx, BillingAttempt locked, Act act) {
        boolean second = locked.cause() == AttemptCause.SECOND_CHARGE;
        return changed(
                tx,
                tx.update(table.table())
                        .set(AttemptTable.DUE_AT, (OffsetDateTime) null)
                        .set(AttemptTable.UNMARKED, inline(false))
                        .set(AttemptTable.CAUSE, second ? AttemptCause.SECOND_CHARGE.name() : null)
                        .set(
                                AttemptTable.MESSAGE,
                                locked.state() == AttemptState.BILLED && !second ? null : locked.message()),
                locked,
                act);
    }

    /** Puts the mark of a charged or refused invoice off, because it failed; with a reason, a person is told. */
    public void postponeMark(DSLContext tx, BillingAttempt locked, Duration after, @Nullable String why) {
        UpdateSetMoreStep<Record> update =
                tx.update(table.table()).set(AttemptTable.DUE_AT, AttemptTable.clockPlus(after));
        if (why == null || locked.cause() == AttemptCause.SECOND_CHARGE) {
            update.where(AttemptTable.isThis(locked)).execute();
            return;
        }
        update = update.set(AttemptTable.CAUSE, AttemptCause.OWN_DATA_FAILS.name());
        if (locked.state() == AttemptState.BILLED) {
            update = update.set(AttemptTable.MESSAGE, table.text(why));
        }
        changed(tx, update, locked, Act.SET_ASIDE.saying(why));
    }

    /** A reference as the journal has it. */
    public String stored(String reference) {
        return Objects.requireNonNull(table.reference(reference));
    }

    /** Tells people of a charge that is not the one in the journal; what is told once is not told again. */
    public BillingAttempt secondCharge(DSLContext tx, BillingAttempt billed, String what, Act act) {
        return changed(
                tx,
                tx.update(table.table())
                        .set(AttemptTable.CAUSE, AttemptCause.SECOND_CHARGE.name())
                        .set(AttemptTable.MESSAGE, table.text(what)),
                billed,
                act);
    }

    /** A person has looked at it: nothing waits any more. */
    public BillingAttempt acknowledged(DSLContext tx, BillingAttempt billed, Act act) {
        return changed(tx, tx.update(table.table()).set(AttemptTable.CAUSE, (String) null), billed, act);
    }

    /** Makes a locked attempt due at once, as a person asked for: nothing of it waits for a person any more. */
    public BillingAttempt makeDue(DSLContext tx, BillingAttempt locked, AttemptState next, Act act) {
        // What is set aside is looked at as such, and listed until it is done; a refusal of it is marked, not replaced.
        boolean setAside = locked.cause() == AttemptCause.OWN_DATA_FAILS;
        UpdateSetMoreStep<Record> update = tx.update(table.table())
                .set(AttemptTable.STATE, next.name())
                .set(AttemptTable.DUE_AT, AttemptTable.CLOCK)
                .set(AttemptTable.CAUSE, setAside ? AttemptCause.OWN_DATA_FAILS.name() : null)
                .set(AttemptTable.RESOLVED_BY, (String) null);
        return changed(tx, setAside ? update : update.set(AttemptTable.UNMARKED, inline(false)), locked, act);
    }

    /** R14: its invoice is pending though it should not be, or is not any more (null). Empty if it waits for something else by now. */
    public Optional<BillingAttempt> pendingAgain(DSLContext tx, BillingAttempt attempt, @Nullable AttemptCause cause) {
        Condition asItWas = cause == null
                ? AttemptTable.CAUSE.eq(nameOf(attempt.cause()))
                : AttemptTable.CAUSE.isNull().and(AttemptTable.DUE_AT.isNull());
        return changed(
                tx,
                tx.update(table.table()).set(AttemptTable.CAUSE, nameOf(cause)),
                AttemptTable.isThis(attempt)
                        .and(AttemptTable.STATE.eq(attempt.state().name()))
                        .and(asItWas),
                attempt,
                cause == null ? Act.MENDED : Act.ANOMALY);
    }

    private UpdateSetMoreStep<Record> freeingThePlace(UpdateSetMoreStep<Record> update) {
        return table.places().kept() ? update.set(Places.PLACE, (String) null) : update;
    }

    /** The snapshot is over: what is to stay of it stays. */
    private UpdateSetMoreStep<Record> afterSnapshot(UpdateSetMoreStep<Record> update) {
        UpdateSetMoreStep<Record> kept =
                table.kept().isEmpty() ? update : update.set(AttemptTable.KEPT, keptOfSnapshot());
        return table.keepsSnapshots() ? kept : kept.set(AttemptTable.INVOICE, (JSONB) null);
    }

    /** One that was over before keeps what it kept then. */
    private Field<JSONB> keptOfSnapshot() {
        return field(
                "case when {0} is null then {1} else {2} end",
                JSONB.class, AttemptTable.INVOICE, AttemptTable.KEPT, table.keptFrom(AttemptTable.INVOICE));
    }

    static Field<OffsetDateTime> dueIn(@Nullable Duration delay) {
        return delay == null ? inline((OffsetDateTime) null, AttemptTable.DUE_AT) : AttemptTable.clockPlus(delay);
    }

    static @Nullable String nameOf(@Nullable AttemptCause cause) {
        return cause == null ? null : cause.name();
    }
}
