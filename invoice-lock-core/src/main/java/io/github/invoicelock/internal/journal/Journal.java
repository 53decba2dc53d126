package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.asterisk;
import static org.jooq.impl.DSL.coalesce;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.noCondition;
import static org.jooq.impl.DSL.row;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.selectOne;
import static org.jooq.impl.DSL.table;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.internal.database.Prepared;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.database.Rows;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jooq.CommonTableExpression;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Name;
import org.jooq.Query;
import org.jooq.Record;
import org.jooq.Record1;
import org.jooq.Record2;
import org.jooq.Result;
import org.jooq.SQLDialect;
import org.jooq.Select;
import org.jooq.SelectField;
import org.jooq.SelectFieldOrAsterisk;
import org.jooq.Table;
import org.jooq.UpdateSetMoreStep;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/**
 * All statements on {@code billing_attempt}. An attempt's state changes nowhere else, by statements whose {@code where} says from
 * which state it may. The clock is the database's at the statement, {@code statement_timestamp()} (R8). Immutable.
 *
 * <p>On Citus the journal is distributed by {@code invoice_id}, and every statement here keeps to what Citus can plan there: no subquery in
 * the values of an insert; in an update no volatile function ({@code clock_timestamp()} is one, {@code statement_timestamp()} is not), no
 * stable one over a column (a timestamp plus an interval is one), and none but immutable ones in {@code case} and {@code coalesce}.
 */
public final class Journal {
    /** How many attempts {@link #needingAttention} lists at most. */
    public static final int MOST_LISTED = 10_000;

    private static final int LONGEST_MESSAGE = 1_000;

    private static final Field<Long> ID = field(name("id"), SQLDataType.BIGINT);
    private static final Field<String> BILLER = field(name("biller"), SQLDataType.CLOB);
    private static final Field<String> INVOICE_ID = field(name("invoice_id"), SQLDataType.CLOB);
    private static final Field<Integer> NUMBER = field(name("number"), SQLDataType.INTEGER);
    private static final Field<String> IDEMPOTENCY_KEY = field(name("idempotency_key"), SQLDataType.CLOB);
    private static final Field<String> STATE = field(name("state"), SQLDataType.CLOB);
    private static final Field<OffsetDateTime> DUE_AT = field(name("due_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    private static final Field<Boolean> UNMARKED = field(name("unmarked"), SQLDataType.BOOLEAN);
    private static final Field<OffsetDateTime> LEASE_UNTIL =
            field(name("lease_until"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    private static final Field<String> OWNER = field(name("owner"), SQLDataType.CLOB);
    private static final Field<Integer> FENCE = field(name("fence"), SQLDataType.INTEGER);
    private static final Field<Integer> CALLS = field(name("calls"), SQLDataType.INTEGER);
    private static final Field<OffsetDateTime> STARTED_AT =
            field(name("started_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    private static final Field<OffsetDateTime> SETTLED_AT =
            field(name("settled_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    private static final Field<JSONB> INVOICE = field(name("invoice"), SQLDataType.JSONB);
    private static final Field<String> REFERENCE = field(name("reference"), SQLDataType.CLOB);
    private static final Field<String> CODE = field(name("code"), SQLDataType.CLOB);
    private static final Field<String> MESSAGE = field(name("message"), SQLDataType.CLOB);
    private static final Field<String> RESOLVED_BY = field(name("resolved_by"), SQLDataType.CLOB);
    private static final Field<String> NOTE = field(name("note"), SQLDataType.CLOB);
    private static final List<Field<?>> COLUMNS = List.of(
            ID,
            BILLER,
            INVOICE_ID,
            NUMBER,
            IDEMPOTENCY_KEY,
            STATE,
            DUE_AT,
            OWNER,
            FENCE,
            CALLS,
            STARTED_AT,
            SETTLED_AT,
            INVOICE,
            REFERENCE,
            CODE,
            MESSAGE,
            RESOLVED_BY,
            NOTE);
    private static final List<Field<?>> STARTED_COLUMNS = List.of(
            BILLER, INVOICE_ID, NUMBER, IDEMPOTENCY_KEY, STATE, DUE_AT, LEASE_UNTIL, OWNER, FENCE, STARTED_AT, INVOICE);
    /** All that is not known of a fresh attempt before it is written. */
    private static final List<Field<?>> FRESH = List.of(ID, INVOICE_ID, IDEMPOTENCY_KEY, DUE_AT, STARTED_AT);
    /** All that may have changed when an attempt is billed. */
    private static final List<Field<?>> BILLED =
            List.of(ID, DUE_AT, OWNER, FENCE, CALLS, SETTLED_AT, INVOICE, RESOLVED_BY, NOTE);

    private static final Field<OffsetDateTime> CLOCK =
            field("statement_timestamp()", SQLDataType.TIMESTAMPWITHTIMEZONE(6));
    // A name of the journal's own columns that no column of a host's table will have.
    private static final String PREFIX = "invoice_lock.";

    private final Map<String, Prepared> statements = new ConcurrentHashMap<>();
    private final Table<?> attempts;
    private final Name attemptsName;
    private final UUID installation;
    private final Owner owner;
    private final Function<Field<?>, Table<?>> typed;

    /**
     * The journal of one biller.
     *
     * @param schema where it is
     * @param installation its random id, part of every key (R3)
     * @param owner whose attempts
     * @param typed the invoice of a snapshot with its columns' types, to be joined laterally
     */
    public Journal(String schema, UUID installation, Owner owner, Function<Field<?>, Table<?>> typed) {
        this.attemptsName = name(schema, "billing_attempt");
        this.attempts = table(attemptsName);
        this.installation = installation;
        this.owner = owner;
        this.typed = typed;
    }

    // ---- claim

    /**
     * That an invoice has no attempt, as a correlated look-up: an anti-join over a journal that was never analysed would hash all of it.
     *
     * @param invoiceId the invoice's id in the outer query
     * @return the condition
     */
    public Condition withoutAttempt(Field<String> invoiceId) {
        return field(attemptOf(invoiceId, noCondition())).isNull();
    }

    /**
     * That an invoice was charged and marked as such, or taken back: it should not be pending.
     *
     * @param invoiceId the invoice's id in the outer query
     * @return the condition
     */
    public Condition over(Field<String> invoiceId) {
        return field(attemptOf(
                        invoiceId,
                        qualified(STATE)
                                .in(inline("BILLED"), inline("WITHDRAWN"))
                                .and(qualified(DUE_AT).isNull())))
                .isNotNull();
    }

    /**
     * Writes the first attempt of an invoice whose row this transaction has locked.
     *
     * @param invoiceId whose
     * @param snapshot the row
     * @return the claim; empty if it has one already, which the constraint alone can tell for sure (R10)
     */
    public Request<Optional<Claimed>> insertFirst(String invoiceId, JSONB snapshot) {
        return insertStarted(invoiceId, 1, snapshot);
    }

    /**
     * Locks an invoice and writes its first attempt in one statement.
     *
     * @param shape which of the few forms the row's lock has
     * @param row the host's row, locked: {@code invoice_id}, {@code snapshot}
     * @param bound what that binds
     * @return the claim; empty if it is not to be claimed, or has an attempt already (R10)
     */
    public Request<Optional<Claimed>> insertFirst(
            String shape, Supplier<Select<Record2<String, JSONB>>> row, Map<String, ?> bound) {
        return Request.locking(
                prepared("insert first of one " + shape, () -> insertFirst(row.get())), bound, rows -> first(rows, 1));
    }

    /**
     * Writes the next attempt of an invoice whose last one was finally refused (R2), and takes that one off the schedule.
     *
     * @param tx the transaction, which holds the invoice's lock
     * @param declined the last attempt
     * @param snapshot the row as it is now
     * @return the claim; empty if the last one is not what it was
     */
    public Optional<Claimed> insertNext(DSLContext tx, DueAttempt declined, JSONB snapshot) {
        // R10: number n+1 only while the DECLINED row n is locked, which this update does.
        int superseded = tx.update(attempts)
                .set(DUE_AT, (OffsetDateTime) null)
                .where(is(declined))
                .and(forNewKey())
                .execute();
        return superseded == 0
                ? Optional.empty()
                : insertStarted(declined.invoiceId(), declined.number() + 1, snapshot)
                        .in(tx);
    }

    // The values themselves, and no rows of a query: on Citus that names the one shard to write to.
    private Request<Optional<Claimed>> insertStarted(String invoiceId, int number, JSONB snapshot) {
        return Request.of(
                prepared("insert started", this::insertStarted),
                Map.of(
                        "invoice", invoiceId,
                        "number", number,
                        "snapshot", snapshot.data()),
                rows -> first(rows, number));
    }

    private Query insertStarted() {
        CommonTableExpression<Record> claimed = name("claimed")
                .as(DSL.using(SQLDialect.POSTGRES)
                        .insertInto(attempts)
                        .columns(STARTED_COLUMNS)
                        .values(started(
                                DSL.param("invoice", String.class),
                                DSL.param("number", Integer.class),
                                key(
                                        DSL.cast(DSL.param("invoice", String.class), SQLDataType.CLOB),
                                        DSL.param("number", Integer.class)),
                                DSL.cast(DSL.param("snapshot", String.class), SQLDataType.JSONB)))
                        .onConflict(BILLER, INVOICE_ID, NUMBER)
                        .doNothing()
                        .returningResult(asterisk()));
        return DSL.with(claimed).select(freshFields()).from(claimed, typed.apply(field(name("claimed", "invoice"))));
    }

    private Query insertFirst(Select<Record2<String, JSONB>> row) {
        CommonTableExpression<Record2<String, JSONB>> locked = name("locked").asMaterialized(row);
        CommonTableExpression<Record> claimed = claimed(locked);
        return DSL.with(locked, claimed)
                .select(freshFields())
                .from(claimed, typed.apply(field(name("claimed", "invoice"))));
    }

    private Optional<Claimed> first(Rows rows, int number) {
        return fresh(rows, number).stream().findFirst();
    }

    /**
     * Writes the first attempts of invoices whose rows this transaction has locked, or locks by the same statement.
     *
     * @param shape which of the few forms the rows' statement has
     * @param locked the host's rows: {@code invoice_id}, {@code snapshot}
     * @param bound what that binds
     * @return the claims by invoice id; without those that have one already (R10)
     */
    public Request<Map<String, Claimed>> insertFirsts(
            String shape, Supplier<Select<Record2<String, JSONB>>> locked, Map<String, ?> bound) {
        return Request.of(prepared("insert first of " + shape, () -> insertFirst(locked.get())), bound, rows -> {
            Map<String, Claimed> claimed = new HashMap<>();
            fresh(rows, 1).forEach(each -> claimed.put(each.attempt().invoiceId(), each));
            return claimed;
        });
    }

    private CommonTableExpression<Record> claimed(CommonTableExpression<Record2<String, JSONB>> locked) {
        Field<String> invoiceId = field(name("locked", "invoice_id"), SQLDataType.CLOB);
        return name("claimed")
                .as(DSL.using(SQLDialect.POSTGRES)
                        .insertInto(attempts)
                        .columns(STARTED_COLUMNS)
                        .select(select(started(
                                        invoiceId,
                                        inline(1),
                                        keyOf(field(name("keyed", "hash"), byte[].class)),
                                        field(name("locked", "snapshot"), SQLDataType.JSONB)))
                                // offset: else the hash would be reckoned each time that its name stands in the key
                                .from(
                                        locked,
                                        table(
                                                "lateral (select {0} as hash offset 0) as keyed",
                                                hash(invoiceId, inline(1)))))
                        // R10: the snapshot may be older than the lock; a row that another server claimed and committed
                        // since passes FOR UPDATE and the look-up of attempts, and only the constraint stops it.
                        .onConflict(BILLER, INVOICE_ID, NUMBER)
                        .doNothing()
                        .returningResult(asterisk()));
    }

    private List<Field<?>> started(
            Field<String> invoiceId, Field<Integer> number, Field<String> key, Field<JSONB> snapshot) {
        return List.of(
                val(owner.biller()),
                invoiceId,
                number,
                key,
                inline(AttemptState.STARTED.name()),
                clockPlus(owner.lease()),
                clockPlus(owner.lease()),
                val(owner.server()),
                inline(1),
                CLOCK,
                snapshot);
    }

    /**
     * The newest attempt of each of these invoices.
     *
     * @param invoiceIds whose
     * @return by invoice id; without those that have none
     */
    public Request<Map<String, BillingAttempt>> newest(Collection<String> invoiceIds) {
        return Request.of(
                prepared("attempts of some", this::attemptsOfSome),
                Map.of("invoices", invoiceIds.toArray(String[]::new)),
                rows -> {
                    Map<String, BillingAttempt> newest = new HashMap<>();
                    rows.records()
                            .map(row -> attempt(row, ""))
                            .forEach(attempt -> newest.merge(
                                    attempt.invoiceId(), attempt, (a, b) -> a.number() > b.number() ? a : b));
                    return newest;
                });
    }

    private Query attemptsOfSome() {
        return select(COLUMNS)
                .from(attempts)
                .where(BILLER.eq(owner.biller()))
                .and(DSL.condition("{0} = any({1})", INVOICE_ID, DSL.param("invoices", String[].class)));
    }

    // ---- due attempts

    /**
     * The database's clock.
     *
     * @param tx the transaction
     * @return now
     */
    public OffsetDateTime clock(DSLContext tx) {
        return tx.select(CLOCK).fetchSingle().value1();
    }

    /**
     * A page of what was due at a moment, read without locks; and of what others have STARTED and not settled within a grace, whose row
     * locks will tell whether they live.
     *
     * @param tx the transaction
     * @param cutOff what became due later is left to the next run
     * @param after the last one of the page before; null for the first page
     * @param grace how long others' claims are left alone where row locks are signs of life; null where they are not
     * @param limit how many at most
     * @return in the order of their due times
     */
    public List<DueAttempt> duePage(
            DSLContext tx, OffsetDateTime cutOff, @Nullable DueAttempt after, @Nullable Duration grace, int limit) {
        Condition due = DUE_AT.le(cutOff);
        if (grace != null && grace.compareTo(owner.lease()) < 0) {
            // The grace doubles with each owner, so that servers do not take over from one another in turn while a
            // look-up is slow.
            Condition leftBehind = STATE.eq(inline(AttemptState.STARTED.name()))
                    .and(OWNER.ne(owner.server()))
                    .and(field(
                                    "{0} + {1} * power(2, least({2}, 6) - 1)",
                                    OffsetDateTime.class,
                                    plus(DUE_AT, owner.lease().negated()),
                                    seconds(grace),
                                    FENCE)
                            .le(cutOff));
            due = DUE_AT.le(plus(val(cutOff), owner.lease().minus(grace))).and(due.or(leftBehind));
        }
        return tx.select(ID, INVOICE_ID, NUMBER, FENCE, STATE, DUE_AT, UNMARKED)
                .from(attempts)
                .where(BILLER.eq(owner.biller()))
                .and(due)
                .and(after == null ? noCondition() : row(DUE_AT, ID).gt(row(after.dueAt(), after.id())))
                .orderBy(DUE_AT, ID)
                .limit(inline(limit))
                .fetch(row -> new DueAttempt(
                        row.value1(),
                        row.value2(),
                        row.value3(),
                        row.value4(),
                        AttemptState.valueOf(row.value5()),
                        row.value6(),
                        row.value7()));
    }

    /**
     * Takes over an attempt to call or ask the provider: the next fence and a new lease.
     *
     * @param tx the transaction
     * @param due as it was read; nothing happens if it is not so any more
     * @param lease how long the claim is believed
     * @param sends whether the key may be sent: then no look-up is believed before this lease is over (R7), and the state becomes
     *     STARTED; else the state stays
     * @param snapshot for an attempt whose snapshot was dropped and to which nothing was ever sent; else null
     * @return the claim; empty if another was faster
     */
    public Optional<Claimed> takeOver(
            DSLContext tx, DueAttempt due, Duration lease, boolean sends, @Nullable JSONB snapshot) {
        Field<Boolean> over = field(
                "{0} >= {1}",
                Boolean.class,
                CLOCK,
                plus(coalesce(field(name("old", "lease_until")), STARTED_AT_OLD), owner.findLag()));
        // The row as it was before, because "returning" shows it as it is after. Whoever holds it is about to settle it
        // or to take it
        // over: nothing to wait for.
        CommonTableExpression<Record> old = name("old")
                .asMaterialized(select(asterisk())
                        .from(attempts)
                        .where(is(due))
                        .forUpdate()
                        .skipLocked());
        UpdateSetMoreStep<Record> update = updateAttempts(tx)
                .set(FENCE, FENCE.plus(inline(1)))
                .set(OWNER, owner.server())
                .set(RESOLVED_BY, (String) null)
                .set(DUE_AT, clockPlus(lease));
        if (sends) {
            update = update.set(STATE, inline(AttemptState.STARTED.name())).set(LEASE_UNTIL, clockPlus(lease));
        }
        if (snapshot != null) {
            update = update.set(INVOICE, coalesce(INVOICE, DSL.cast(val(snapshot.data()), SQLDataType.JSONB)));
        }
        CommonTableExpression<Record> claimed = name("claimed")
                .as(update.where(is(due))
                        .and(ID.in(select(field(name("old", "id"), SQLDataType.BIGINT))
                                .from(old)))
                        .returningResult(asterisk()));
        // Read as at the first call, value by value (R4).
        Prepared takeOver = Prepared.of(DSL.with(old, claimed)
                .select(claimedFields(List.of(over.as(PREFIX + "over"))))
                .from(old, claimed, typed.apply(field(name("claimed", "invoice")))));
        return Request.of(
                        takeOver,
                        Map.of(),
                        rows -> rows.records().stream().findFirst().map(this::claimed))
                .in(tx);
    }

    private static final Field<OffsetDateTime> STARTED_AT_OLD =
            field(name("old", "started_at"), SQLDataType.TIMESTAMPWITHTIMEZONE(6));

    /**
     * How old a key is, by the database's clock (R8).
     *
     * @param tx the transaction
     * @param due which
     * @return since its first claim
     */
    public Duration keyAge(DSLContext tx, DueAttempt due) {
        return tx.select(field("extract(epoch from {0} - {1})", Double.class, CLOCK, STARTED_AT))
                .from(attempts)
                .where(ID.eq(due.id()))
                .and(INVOICE_ID.eq(due.invoiceId()))
                .fetchOptional(row -> Duration.ofMillis((long) (row.value1() * 1000)))
                .orElseThrow(() -> new IllegalStateException("Attempt " + due + " has vanished from the journal."));
    }

    /**
     * Settles an attempt without taking it over: there is nothing to call or ask.
     *
     * @param tx the transaction
     * @param due as it was read
     * @param settlement what becomes of it
     * @return as it is now; empty if another was faster
     */
    public Optional<BillingAttempt> settle(DSLContext tx, DueAttempt due, Settlement settlement) {
        return write(tx, settlement, is(due));
    }

    /**
     * Takes an attempt off the schedule: a refusal whose invoice is not pending any more.
     *
     * @param tx the transaction
     * @param due as it was read
     * @return as it is now; empty if it was not so any more
     */
    public Optional<BillingAttempt> unschedule(DSLContext tx, DueAttempt due) {
        return fetch(updateAttempts(tx)
                .set(DUE_AT, (OffsetDateTime) null)
                .where(is(due))
                .and(forNewKey())
                .returningResult(COLUMNS));
    }

    // ---- settle

    /**
     * Whether this server still owns an attempt that it is about to send, read after the invoice's row was locked.
     *
     * @param attempt as it was claimed
     * @return false if another has taken it over or it has settled
     */
    public Request<Boolean> owns(BillingAttempt attempt) {
        return Request.of(
                prepared(
                        "owns",
                        () -> selectOne()
                                .from(attempts)
                                .where(isThis())
                                .and(OWNER.eq(DSL.param("owner", String.class)))
                                .and(FENCE.eq(DSL.param("fence", Integer.class)))
                                .and(STATE.eq(DSL.param("state", String.class)))),
                Map.of(
                        "id", attempt.id(),
                        "invoice", attempt.invoiceId(),
                        "owner", attempt.owner(),
                        "fence", attempt.fence(),
                        "state", attempt.state().name()),
                Rows::next);
    }

    /**
     * Writes BILLED, whoever owns the attempt and whatever it was before (R5).
     *
     * @param attempt which
     * @param reference the provider's id of the charge
     * @param markAfter when to mark the invoice; null if this transaction does
     * @param called whether the provider was called or asked for it
     * @param message what kept the invoice from being marked; null if nothing
     * @return as it is now; empty if it was BILLED already
     */
    public Request<Optional<BillingAttempt>> billed(
            BillingAttempt attempt,
            String reference,
            @Nullable Duration markAfter,
            boolean called,
            @Nullable String message) {
        String cut = cut(message);
        return Request.of(
                prepared("billed " + markAfter + called, () -> billed(markAfter, called)),
                Map.of(
                        "id",
                        attempt.id(),
                        "invoice",
                        attempt.invoiceId(),
                        "reference",
                        reference,
                        "message",
                        cut == null ? "" : cut),
                rows -> rows.next()
                        ? Optional.of(billed(attempt, reference, cut, rows, rows.time(1), rows.time(5)))
                        : Optional.empty());
    }

    private Query billed(@Nullable Duration markAfter, boolean called) {
        return withoutSnapshot(updateAttempts(DSL.using(SQLDialect.POSTGRES))
                        .set(STATE, inline(AttemptState.BILLED.name()))
                        .set(REFERENCE, DSL.param("reference", String.class))
                        .set(DUE_AT, dueIn(markAfter))
                        .set(SETTLED_AT, CLOCK)
                        .set(CALLS, CALLS.plus(inline(called ? 1 : 0)))
                        .set(CODE, (String) null)
                        .set(MESSAGE, DSL.nullif(DSL.param("message", String.class), inline(""))))
                .where(isThis())
                .and(STATE.ne(inline(AttemptState.BILLED.name())))
                .returningResult(BILLED);
    }

    private static BillingAttempt billed(
            BillingAttempt attempt,
            String reference,
            @Nullable String message,
            Rows row,
            @Nullable Instant dueAt,
            @Nullable Instant settledAt) {
        return new BillingAttempt(
                attempt.id(),
                attempt.biller(),
                attempt.invoiceId(),
                attempt.number(),
                attempt.idempotencyKey(),
                AttemptState.BILLED,
                dueAt,
                Objects.requireNonNull(row.text(2)),
                (int) row.number(3),
                (int) row.number(4),
                attempt.startedAt(),
                settledAt,
                row.text(6),
                reference,
                null,
                message,
                row.text(7),
                row.text(8));
    }

    /**
     * Writes BILLED for many in one statement.
     *
     * @param charged the attempts, those of one invoice each
     * @param references the provider's ids of the charges, in the same order
     * @param marked whether each invoice has been marked by this transaction, in the same order
     * @param markAfter when to mark those that have not been
     * @return as they are now; without those that were BILLED already
     */
    public Request<List<BillingAttempt>> billed(
            List<BillingAttempt> charged, List<String> references, List<Boolean> marked, Duration markAfter) {
        Map<Long, Integer> indexes = new HashMap<>();
        List<Long> unmarked = new ArrayList<>();
        for (int i = 0; i < charged.size(); i++) {
            long id = charged.get(i).id();
            indexes.put(id, i);
            if (!marked.get(i)) {
                unmarked.add(id);
            }
        }
        return Request.of(
                prepared("billed many " + markAfter, () -> billedMany(markAfter)),
                Map.of(
                        "ids", charged.stream().map(BillingAttempt::id).toArray(Long[]::new),
                        "references", references.toArray(String[]::new),
                        "unmarked", unmarked.toArray(Long[]::new)),
                rows -> {
                    List<BillingAttempt> billed = new ArrayList<>(charged.size());
                    // One statement wrote them all, by one clock.
                    Instant settledAt = null;
                    while (rows.next()) {
                        int index = Objects.requireNonNull(indexes.get(rows.number(0)));
                        Instant dueAt = marked.get(index) ? null : rows.time(1);
                        settledAt = settledAt == null ? rows.time(5) : settledAt;
                        billed.add(billed(charged.get(index), references.get(index), null, rows, dueAt, settledAt));
                    }
                    return billed;
                });
    }

    private Query billedMany(Duration markAfter) {
        // No join: one with unnest(?) is planned for ten rows, and with statistics that were taken when the journal was
        // empty it reads
        // all of the journal for each of them.
        return withoutSnapshot(updateAttempts(DSL.using(SQLDialect.POSTGRES))
                        .set(STATE, inline(AttemptState.BILLED.name()))
                        .set(
                                REFERENCE,
                                field(
                                        "jsonb_object(cast({0} as text[]), {1}) ->> cast({2} as text)",
                                        String.class,
                                        DSL.param("ids", Long[].class),
                                        DSL.param("references", String[].class),
                                        ID))
                        .set(
                                DUE_AT,
                                DSL.when(
                                                DSL.condition(
                                                        "{0} = any({1})", ID, DSL.param("unmarked", Long[].class)),
                                                clockPlus(markAfter))
                                        .otherwise(inline((OffsetDateTime) null, DUE_AT)))
                        .set(SETTLED_AT, CLOCK)
                        .set(CALLS, CALLS.plus(inline(1)))
                        .set(CODE, (String) null)
                        .set(MESSAGE, (String) null))
                .where(DSL.condition("{0} = any({1})", ID, DSL.param("ids", Long[].class)))
                .and(STATE.ne(inline(AttemptState.BILLED.name())))
                .returningResult(BILLED);
    }

    /**
     * Takes the mark of a charged invoice upon this transaction, which holds the invoice's lock.
     *
     * @param tx the transaction
     * @param attempt which
     * @return as it is now; empty if it is not BILLED, or marked already
     */
    public Optional<BillingAttempt> takeMark(DSLContext tx, BillingAttempt attempt) {
        return takeMark(tx, attempt.id(), attempt.invoiceId());
    }

    /**
     * Takes the mark of a charged invoice upon this transaction, which holds the invoice's lock.
     *
     * @param tx the transaction
     * @param id the attempt's
     * @param invoiceId whose
     * @return as it is now; empty if it is not BILLED, or marked already
     */
    public Optional<BillingAttempt> takeMark(DSLContext tx, long id, String invoiceId) {
        return fetch(updateAttempts(tx)
                .set(DUE_AT, (OffsetDateTime) null)
                .set(MESSAGE, (String) null)
                .where(ID.eq(id))
                .and(INVOICE_ID.eq(invoiceId))
                .and(STATE.eq(inline(AttemptState.BILLED.name())))
                .and(DUE_AT.isNotNull())
                .returningResult(COLUMNS));
    }

    /**
     * Takes the mark of a refused invoice upon this transaction, which holds the invoice's lock; from then on the attempt is parked.
     *
     * @param tx the transaction
     * @param id the attempt's
     * @param invoiceId whose
     * @return as it is now; empty if it is not DECLINED, or not due for that
     */
    public Optional<BillingAttempt> takeDeclinedMark(DSLContext tx, long id, String invoiceId) {
        return fetch(updateAttempts(tx)
                .set(DUE_AT, (OffsetDateTime) null)
                .set(UNMARKED, inline(false))
                .where(ID.eq(id))
                .and(INVOICE_ID.eq(invoiceId))
                .and(forDeclinedMark())
                .returningResult(COLUMNS));
    }

    /**
     * Whether an attempt is due for its invoice to be marked as refused.
     *
     * @param tx the transaction
     * @param attempt which
     * @return false for any other, and where a new key is due
     */
    public boolean unmarked(DSLContext tx, BillingAttempt attempt) {
        return tx.fetchExists(selectOne().from(attempts).where(isThis(attempt)).and(forDeclinedMark()));
    }

    /**
     * Puts the mark of a charged or refused invoice off, because it failed.
     *
     * @param tx the transaction
     * @param id the attempt's
     * @param invoiceId whose
     * @param after when to try again
     * @param message why; a refusal keeps the provider's
     */
    public void postponeMark(DSLContext tx, long id, String invoiceId, Duration after, String message) {
        tx.update(attempts)
                .set(DUE_AT, clockPlus(after))
                .set(
                        MESSAGE,
                        DSL.when(STATE.eq(inline(AttemptState.BILLED.name())), val(cut(message)))
                                .otherwise(MESSAGE))
                .where(ID.eq(id))
                .and(INVOICE_ID.eq(invoiceId))
                .and(STATE.eq(inline(AttemptState.BILLED.name())).or(forDeclinedMark()))
                .and(DUE_AT.isNotNull())
                .execute();
    }

    /**
     * Writes any outcome but BILLED, if this server still owns the attempt (R5).
     *
     * @param tx the transaction
     * @param attempt as it was claimed
     * @param settlement the outcome
     * @return as it is now; empty if another owns it, or it has settled
     */
    public Optional<BillingAttempt> settle(DSLContext tx, BillingAttempt attempt, Settlement settlement) {
        return write(tx, settlement, isThis(attempt).and(ownedBy(attempt)));
    }

    /**
     * Gives a claim back that was never called: due at once, for any server.
     *
     * @param tx the transaction
     * @param attempt as it was claimed
     * @param before the state that it had before the claim: IN_DOUBT stays in doubt
     * @param after when it is due
     * @param reason for a person
     * @return as it is now; empty if another owns it, or it has settled
     */
    public Optional<BillingAttempt> release(
            DSLContext tx, BillingAttempt attempt, AttemptState before, Duration after, String reason) {
        return settle(tx, attempt, new Settlement(before, after, false, false, null, null, reason));
    }

    private Optional<BillingAttempt> write(DSLContext tx, Settlement settlement, Condition which) {
        Field<OffsetDateTime> due = dueIn(settlement.due());
        if (settlement.due() != null && settlement.notBefore()) {
            // Read first: in an update Citus adds nothing to a column's time.
            OffsetDateTime over = tx.select(plus(coalesce(LEASE_UNTIL, STARTED_AT), owner.findLag()))
                    .from(attempts)
                    .where(which)
                    .fetchOne(0, OffsetDateTime.class);
            due = DSL.greatest(due, val(over, DUE_AT));
        }
        UpdateSetMoreStep<Record> update = updateAttempts(tx)
                .set(STATE, settlement.state().name())
                .set(DUE_AT, due)
                .set(UNMARKED, inline(settlement.unmarked()))
                .set(SETTLED_AT, CLOCK)
                .set(CALLS, CALLS.plus(inline(settlement.called() ? 1 : 0)))
                .set(CODE, cut(settlement.code()))
                .set(MESSAGE, cut(settlement.message()));
        if (settlement.reference() != null) {
            update = update.set(REFERENCE, settlement.reference());
        }
        // R4: a refused key is never sent again, and the next one comes with a snapshot of its own.
        if (settlement.state() == AttemptState.WITHDRAWN || settlement.state() == AttemptState.DECLINED) {
            update = withoutSnapshot(update);
        }
        return fetch(update.where(which).returningResult(COLUMNS));
    }

    // ---- people, webhooks, hosts

    /**
     * All attempts of an invoice.
     *
     * @param tx the transaction
     * @param invoiceId whose
     * @return oldest first
     */
    public List<BillingAttempt> attempts(DSLContext tx, String invoiceId) {
        return tx.select(COLUMNS)
                .from(attempts)
                .where(BILLER.eq(owner.biller()))
                .and(INVOICE_ID.eq(invoiceId))
                .orderBy(NUMBER)
                .fetch(row -> attempt(row, ""));
    }

    /**
     * The attempts that wait for a person.
     *
     * @param tx the transaction
     * @return oldest first, at most {@link #MOST_LISTED}
     */
    public List<BillingAttempt> needingAttention(DSLContext tx) {
        return tx.select(COLUMNS)
                .from(attempts)
                .where(needsAttention())
                .orderBy(STARTED_AT, ID)
                .limit(inline(MOST_LISTED))
                .fetch(row -> attempt(row, ""));
    }

    private Condition needsAttention() {
        Table<?> newer = attempts.as("newer");
        // Not andNotExists: jOOQ 3.21 has it with another signature, and hosts bring that to what is compiled against
        // 3.19.
        return BILLER.eq(owner.biller())
                .and(parked())
                .and(field(selectOne()
                                .from(newer)
                                .where(field(name("newer", "biller"), SQLDataType.CLOB)
                                        .eq(owner.biller()))
                                .and(field(name("newer", "invoice_id")).eq(ofAttempts(INVOICE_ID)))
                                .and(field(name("newer", "number"), SQLDataType.INTEGER)
                                        .gt(ofAttempts(NUMBER)))
                                .limit(inline(1)))
                        .isNull());
    }

    /**
     * How things stand, by two ranges of the index on due times and one of that on parked attempts. At most {@link #MOST_LISTED} of a
     * kind are looked at.
     *
     * @param tx the transaction
     * @param longestLease no claim is believed for longer, so that attempts that are asked about in days are not looked at
     * @param firstPending the time of the host's first pending invoice; null if there is none
     * @return at this moment
     */
    public JournalStatus status(DSLContext tx, Duration longestLease, @Nullable OffsetDateTime firstPending) {
        // Read first: a volatile function is no bound of an index's range.
        OffsetDateTime now = clock(tx);
        Table<?> inFlight = select(DUE_AT.as("at"))
                .from(attempts)
                .where(BILLER.eq(owner.biller()))
                .and(STATE.eq(inline(AttemptState.STARTED.name())))
                .and(DUE_AT.gt(now))
                .and(DUE_AT.le(plus(val(now), longestLease)))
                .limit(inline(MOST_LISTED))
                .asTable("in_flight");
        Table<?> due = select(DUE_AT.as("at"))
                .from(attempts)
                .where(BILLER.eq(owner.biller()))
                .and(DUE_AT.le(now))
                .orderBy(DUE_AT)
                .limit(inline(MOST_LISTED))
                .asTable("due");
        Table<?> parked = select(STARTED_AT.as("at"))
                .from(attempts)
                .where(needsAttention())
                .orderBy(STARTED_AT, ID)
                .limit(inline(MOST_LISTED))
                .asTable("parked");
        return tx.select(
                        field(select(DSL.count()).from(inFlight)),
                        field(name("d", "count"), SQLDataType.INTEGER),
                        field(name("p", "count"), SQLDataType.INTEGER),
                        field(name("d", "first"), SQLDataType.TIMESTAMPWITHTIMEZONE(6)),
                        field(name("p", "first"), SQLDataType.TIMESTAMPWITHTIMEZONE(6)))
                .from(counted(due).asTable("d"), counted(parked).asTable("p"))
                .fetchSingle(row -> new JournalStatus(
                        row.value1(),
                        row.value2(),
                        row.value3(),
                        since(row.value4(), now),
                        since(row.value5(), now),
                        since(firstPending, now)));
    }

    private static Select<?> counted(Table<?> some) {
        return select(DSL.count().as("count"), DSL.min(field(name("at"))).as("first"))
                .from(some);
    }

    private static @Nullable Duration since(@Nullable OffsetDateTime time, OffsetDateTime now) {
        return time == null ? null : time.isAfter(now) ? Duration.ZERO : Duration.between(time, now);
    }

    /**
     * The attempts whose invoices were taken back: they wait for a person if they are pending all the same.
     *
     * @param tx the transaction
     * @return newest first, at most {@link #MOST_LISTED}
     */
    public List<BillingAttempt> withdrawn(DSLContext tx) {
        return tx.select(COLUMNS)
                .from(attempts)
                .where(BILLER.eq(owner.biller()))
                .and(STATE.eq(inline(AttemptState.WITHDRAWN.name())))
                .orderBy(ID.desc())
                .limit(inline(MOST_LISTED))
                .fetch(row -> attempt(row, ""));
    }

    /**
     * The attempt of a key.
     *
     * @param tx the transaction
     * @param idempotencyKey which the provider knows it by
     * @return empty if there is none
     */
    public Optional<BillingAttempt> ofKey(DSLContext tx, String idempotencyKey) {
        return tx.select(COLUMNS)
                .from(attempts)
                .where(IDEMPOTENCY_KEY.eq(idempotencyKey))
                .and(BILLER.eq(owner.biller()))
                .fetchOptional(row -> attempt(row, ""));
    }

    /**
     * Writes what a person, or the provider's own message to the host, says. Leaves an attempt alone that is not as it was read.
     *
     * @param tx the transaction
     * @param attempt as it was read
     * @param settlement what they say
     * @return as it is now; empty if it has changed meanwhile
     */
    public Optional<BillingAttempt> override(DSLContext tx, BillingAttempt attempt, Settlement settlement) {
        return write(
                tx,
                settlement,
                isThis(attempt)
                        .and(FENCE.eq(attempt.fence()))
                        .and(STATE.eq(attempt.state().name())));
    }

    /**
     * Writes who decided, when, and what they noted, behind what was noted before.
     *
     * @param tx the transaction
     * @param attempt which
     * @param resolvedBy who
     * @param note what they noted
     * @return as it is now
     */
    public BillingAttempt note(DSLContext tx, BillingAttempt attempt, String resolvedBy, String note) {
        return fetch(updateAttempts(tx)
                        .set(RESOLVED_BY, resolvedBy)
                        .set(
                                NOTE,
                                field(
                                        "coalesce({0} || E'\\n', '') || (to_char({1} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') || ' ' || {2})",
                                        String.class, NOTE, CLOCK, val(resolvedBy + ": " + cut(note))))
                        .where(isThis(attempt))
                        .returningResult(COLUMNS))
                .orElseThrow(() -> new IllegalStateException("Attempt " + attempt + " has vanished from the journal."));
    }

    /**
     * Makes an attempt due at once, as a person asked for.
     *
     * @param tx the transaction
     * @param attempt as it was read
     * @param next its next state
     * @return as it is now; empty if it has changed meanwhile
     */
    public Optional<BillingAttempt> makeDue(DSLContext tx, BillingAttempt attempt, AttemptState next) {
        return fetch(updateAttempts(tx)
                .set(STATE, next.name())
                .set(DUE_AT, CLOCK)
                .set(UNMARKED, inline(false))
                .set(RESOLVED_BY, (String) null)
                .where(isThis(attempt))
                .and(FENCE.eq(attempt.fence()))
                .and(STATE.eq(attempt.state().name()))
                .returningResult(COLUMNS));
    }

    /**
     * Blocks an invoice that has no attempt, so that none can begin (R16).
     *
     * @param tx the host's transaction
     * @param invoiceId whose
     * @return false if it has one after all
     */
    public boolean insertWithdrawn(DSLContext tx, String invoiceId) {
        return tx.insertInto(
                                attempts,
                                BILLER,
                                INVOICE_ID,
                                NUMBER,
                                IDEMPOTENCY_KEY,
                                STATE,
                                OWNER,
                                FENCE,
                                STARTED_AT,
                                SETTLED_AT)
                        .values(
                                val(owner.biller()),
                                val(invoiceId),
                                inline(1),
                                key(val(invoiceId), inline(1)),
                                inline(AttemptState.WITHDRAWN.name()),
                                val(owner.server()),
                                inline(1),
                                CLOCK,
                                CLOCK)
                        .onConflict(BILLER, INVOICE_ID, NUMBER)
                        .doNothing()
                        .execute()
                == 1;
    }

    // ---- prune

    /**
     * A page of the journal, whoever's it is, read without locks: what may be deleted of it, as far as the journal knows.
     *
     * @param tx the transaction
     * @param afterId the last id of the page before
     * @param before what settled earlier
     * @param limit how many at most
     * @return in the order of the ids, which is about that of time
     */
    public PrunablePage prunable(DSLContext tx, long afterId, OffsetDateTime before, int limit) {
        Result<? extends Record> rows = tx.select(
                        ID,
                        INVOICE_ID,
                        field(BILLER.eq(owner.biller())
                                .and(STATE.ne(inline(AttemptState.DECLINED.name())))
                                .and(settledBefore(before))),
                        field(STARTED_AT.lt(before)))
                .from(attempts)
                .where(ID.gt(afterId))
                .orderBy(ID)
                .limit(inline(limit))
                .fetch();
        Map<Long, String> prunable = new HashMap<>();
        boolean young = true;
        for (Record row : rows) {
            if (Boolean.TRUE.equals(row.get(2, Boolean.class))) {
                prunable.put(row.get(0, Long.class), row.get(1, String.class));
            }
            young &= !row.get(3, Boolean.class);
        }
        return new PrunablePage(
                prunable, rows.isEmpty() ? afterId : rows.get(rows.size() - 1).get(0, Long.class), young);
    }

    /**
     * Deletes settled attempts of invoices that this transaction has seen not to be pending, and keeps from becoming so; and all other
     * attempts of those invoices, or none: where one is open, young, or refused and newer, all stay.
     *
     * @param tx the transaction
     * @param ids of the attempts
     * @param before what settled earlier
     * @return how many were deleted
     */
    public int delete(DSLContext tx, Collection<Long> ids, OffsetDateTime before) {
        List<String> invoiceIds = tx.deleteFrom(attempts)
                .where(DSL.condition("{0} = any({1})", ID, val(ids.toArray(Long[]::new))))
                .and(STATE.ne(inline(AttemptState.DECLINED.name())))
                .and(settledBefore(before))
                // As a correlated look-up: an anti-join would hash all of a journal that was never analysed.
                .and(field(attemptOf(
                                ofAttempts(INVOICE_ID),
                                DSL.condition(
                                        "({0}) is not true",
                                        settledBefore(before)
                                                .and(qualified(STATE)
                                                        .ne(inline(AttemptState.DECLINED.name()))
                                                        .or(qualified(NUMBER).lt(ofAttempts(NUMBER)))))))
                        .isNull())
                .returning(INVOICE_ID)
                .fetch(INVOICE_ID);
        return invoiceIds.size()
                + tx.deleteFrom(attempts)
                        .where(BILLER.eq(owner.biller()))
                        .and(DSL.condition("{0} = any({1})", INVOICE_ID, val(invoiceIds.toArray(String[]::new))))
                        .and(settledBefore(before))
                        .execute();
    }

    /** Charged or taken back, and marked; or refused. Unqualified: of the innermost query that it stands in. */
    private static Condition settledBefore(OffsetDateTime before) {
        return STATE.in(
                        inline(AttemptState.BILLED.name()),
                        inline(AttemptState.WITHDRAWN.name()),
                        inline(AttemptState.DECLINED.name()))
                .and(DUE_AT.isNull())
                .and(SETTLED_AT.lt(before));
    }

    // ---- parts of statements

    /**
     * R3: the key is derived, so that a database that was put back mints the same again. The form of a UUID version 8 from the first
     * 16 bytes of a SHA-256. The biller's name has no control characters, so no two invoices share a text.
     */
    private Field<String> key(Field<String> invoiceId, Field<Integer> number) {
        // The hash three times over: Citus takes no subquery that would name it.
        return keyOf(hash(invoiceId, number));
    }

    private Field<byte[]> hash(Field<String> invoiceId, Field<Integer> number) {
        return field(
                "substring(sha256(convert_to({0} || {1} || {2}::text, 'UTF8')) from 1 for 16)",
                byte[].class,
                val(installation + "\n" + owner.biller() + "\n"),
                DSL.concat(invoiceId, inline("\n")),
                number);
    }

    private static Field<String> keyOf(Field<byte[]> hash) {
        return field(
                "encode(set_byte(set_byte({0}, 6, get_byte({0}, 6) & 15 | 128), 8, get_byte({0}, 8) & 63 | 128), 'hex')::uuid::text",
                String.class, hash);
    }

    private Select<Record1<Integer>> attemptOf(Field<String> invoiceId, Condition such) {
        return select(inline(1))
                .from(attempts.as("a"))
                .where(qualified(BILLER).eq(owner.biller()))
                .and(qualified(INVOICE_ID).eq(invoiceId))
                .and(such)
                .limit(inline(1));
    }

    private static <T> Field<T> qualified(Field<T> column) {
        return field(name("a", column.getName()), column.getDataType());
    }

    private static <T> Field<T> ofAttempts(Field<T> column) {
        return field(name("billing_attempt", column.getName()), column.getDataType());
    }

    private static Condition parked() {
        return DUE_AT.isNull()
                .and(STATE.notIn(inline(AttemptState.BILLED.name()), inline(AttemptState.WITHDRAWN.name())))
                .and(RESOLVED_BY.isNull());
    }

    /** R2: DECLINED and due means a new key, unless it is due for the mark of its invoice. */
    private static Condition forNewKey() {
        return UNMARKED.eq(inline(false));
    }

    private static Condition forDeclinedMark() {
        return STATE.eq(inline(AttemptState.DECLINED.name()))
                .and(UNMARKED.eq(inline(true)))
                .and(DUE_AT.isNotNull());
    }

    // Every statement that writes names the invoice: on Citus the journal is distributed by it.
    private static Condition isThis(BillingAttempt attempt) {
        return ID.eq(attempt.id()).and(INVOICE_ID.eq(attempt.invoiceId()));
    }

    private static Condition isThis() {
        return ID.eq(DSL.param("id", Long.class)).and(INVOICE_ID.eq(DSL.param("invoice", String.class)));
    }

    // The owner too, not the fence alone: a database that fell back to an older state counts the same fences again
    // (R3).
    private static Condition ownedBy(BillingAttempt claimed) {
        return OWNER.eq(claimed.owner())
                .and(FENCE.eq(claimed.fence()))
                .and(STATE.eq(inline(claimed.state().name())));
    }

    private static Condition is(DueAttempt due) {
        return ID.eq(due.id())
                .and(INVOICE_ID.eq(due.invoiceId()))
                .and(FENCE.eq(due.fence()))
                .and(STATE.eq(inline(due.state().name())))
                .and(DUE_AT.isNotNull());
    }

    @SuppressWarnings("unchecked")
    private UpdateSetMoreStep<Record> updateAttempts(DSLContext tx) {
        // A first assignment that changes nothing, so that all others can follow in any order.
        return (UpdateSetMoreStep<Record>) tx.update(attempts).set(Map.of());
    }

    private UpdateSetMoreStep<Record> withoutSnapshot(UpdateSetMoreStep<Record> update) {
        return owner.keepSnapshots() ? update : update.set(INVOICE, (JSONB) null);
    }

    private static Field<OffsetDateTime> clockPlus(Duration delay) {
        return plus(CLOCK, delay);
    }

    private static Field<OffsetDateTime> dueIn(@Nullable Duration delay) {
        return delay == null ? inline((OffsetDateTime) null, DUE_AT) : clockPlus(delay);
    }

    private static Field<OffsetDateTime> plus(Field<?> time, Duration delay) {
        return field("{0} + {1}", SQLDataType.TIMESTAMPWITHTIMEZONE(6), time, seconds(delay));
    }

    private static Field<?> seconds(Duration duration) {
        return field("{0} * interval '1 second'", Object.class, inline(duration.toMillis() / 1000d));
    }

    private static @Nullable String cut(@Nullable String text) {
        return text == null || text.length() <= LONGEST_MESSAGE ? text : text.substring(0, LONGEST_MESSAGE);
    }

    private static List<SelectFieldOrAsterisk> claimedFields(List<? extends SelectField<?>> more) {
        List<SelectFieldOrAsterisk> fields = new ArrayList<>();
        COLUMNS.forEach(column -> fields.add(
                field(name("claimed", column.getName()), column.getDataType()).as(PREFIX + column.getName())));
        fields.add(field("extract(epoch from {0} - {1})", Double.class, CLOCK, field(name("claimed", "started_at")))
                .as(PREFIX + "age"));
        fields.addAll(more);
        // An asterisk over an unknown table: jOOQ takes the columns and their types from the result.
        fields.add(table(name("invoice")).asterisk());
        return fields;
    }

    private static List<SelectFieldOrAsterisk> freshFields() {
        List<SelectFieldOrAsterisk> fields = new ArrayList<>();
        fields.add(table(name("invoice")).asterisk());
        FRESH.forEach(column -> fields.add(
                field(name("claimed", column.getName()), column.getDataType()).as(PREFIX + column.getName())));
        return fields;
    }

    private List<Claimed> fresh(Rows rows, int number) {
        List<Claimed> claimed = new ArrayList<>();
        // One statement wrote them all, by one clock.
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
                    owner.biller(),
                    Objects.requireNonNull(rows.text(first + 1)),
                    number,
                    Objects.requireNonNull(rows.text(first + 2)),
                    AttemptState.STARTED,
                    dueAt,
                    owner.server(),
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
            claimed.add(new Claimed(attempt, invoice(row, row.fields()), Duration.ZERO, true));
        }
        return claimed;
    }

    /** The host's columns of a row; the row itself where it has no others, and each value is of its column's type. */
    private static Record invoice(Record row, Field<?>[] columns) {
        Field<?>[] fitting = columns.clone();
        boolean fits = row.size() == columns.length;
        for (int i = 0; i < columns.length; i++) {
            Object value = row.get(columns[i]);
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

    private Prepared prepared(String which, Supplier<Query> query) {
        return statements.computeIfAbsent(which, w -> Prepared.of(query.get()));
    }

    private Claimed claimed(Record row) {
        BillingAttempt attempt = attempt(row, PREFIX);
        if (!attempt.biller().equals(owner.biller()) || !attempt.owner().equals(owner.server())) {
            throw new IllegalStateException("Claimed an attempt that is not ours: " + attempt);
        }
        Field<?>[] invoice = Arrays.stream(row.fields())
                .filter(column -> !column.getName().startsWith(PREFIX))
                .toArray(Field<?>[]::new);
        Double age = row.get(PREFIX + "age", Double.class);
        Boolean over = row.field(PREFIX + "over") == null ? Boolean.TRUE : row.get(PREFIX + "over", Boolean.class);
        return new Claimed(attempt, invoice(row, invoice), Duration.ofMillis((long) (age * 1000)), over);
    }

    private static Optional<BillingAttempt> fetch(org.jooq.ResultQuery<? extends Record> query) {
        return query.fetchOptional(row -> attempt(row, ""));
    }

    private static BillingAttempt attempt(Record row, String prefix) {
        JSONB invoice = row.get(prefix + INVOICE.getName(), JSONB.class);
        return new BillingAttempt(
                row.get(prefix + ID.getName(), Long.class),
                row.get(prefix + BILLER.getName(), String.class),
                row.get(prefix + INVOICE_ID.getName(), String.class),
                row.get(prefix + NUMBER.getName(), Integer.class),
                row.get(prefix + IDEMPOTENCY_KEY.getName(), String.class),
                AttemptState.valueOf(row.get(prefix + STATE.getName(), String.class)),
                instant(row, prefix, DUE_AT),
                row.get(prefix + OWNER.getName(), String.class),
                row.get(prefix + FENCE.getName(), Integer.class),
                row.get(prefix + CALLS.getName(), Integer.class),
                row.get(prefix + STARTED_AT.getName(), OffsetDateTime.class).toInstant(),
                instant(row, prefix, SETTLED_AT),
                invoice == null ? null : invoice.data(),
                row.get(prefix + REFERENCE.getName(), String.class),
                row.get(prefix + CODE.getName(), String.class),
                row.get(prefix + MESSAGE.getName(), String.class),
                row.get(prefix + RESOLVED_BY.getName(), String.class),
                row.get(prefix + NOTE.getName(), String.class));
    }

    private static @Nullable Instant instant(Record row, String prefix, Field<OffsetDateTime> column) {
        return instant(row.get(prefix + column.getName(), OffsetDateTime.class));
    }

    private static @Nullable Instant instant(@Nullable OffsetDateTime value) {
        return value == null ? null : value.toInstant();
    }
}
