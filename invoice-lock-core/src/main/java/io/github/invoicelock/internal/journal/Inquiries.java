package io.github.invoicelock.internal.journal;

import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.inline;
import static org.jooq.impl.DSL.name;
import static org.jooq.impl.DSL.select;
import static org.jooq.impl.DSL.val;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.Field;
import org.jooq.JSONB;
import org.jooq.Query;
import org.jooq.Record;
import org.jooq.Select;
import org.jooq.Table;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** What is asked of the journal, and the locks under which it is decided upon. */
public final class Inquiries {
    /** How many attempts are listed or counted at most. */
    public static final int MOST_LISTED = 10_000;

    private final AttemptTable table;
    private final Snapshots snapshots;
    private final Prepared owns;
    private final Prepared ofSome;
    private final Prepared locked;
    private final Prepared lockedAtOnce;
    private final Prepared read;

    Inquiries(AttemptTable table, Snapshots snapshots) {
        this.table = table;
        this.snapshots = snapshots;
        this.owns = Prepared.of(ownsStatement());
        this.ofSome = Prepared.of(select(AttemptTable.COLUMNS)
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(DSL.condition("{0} = any({1})", AttemptTable.INVOICE_ID, DSL.param("invoices", String[].class))));
        this.locked = Prepared.of(ids().forUpdate());
        this.lockedAtOnce = Prepared.of(ids().forUpdate().noWait());
        this.read = Prepared.of(select(AttemptTable.COLUMNS)
                .select(AttemptTable.CLOCK.as("clock"), table.hold().as("hold"))
                .from(table.table())
                .where(bound())
                .orderBy(AttemptTable.NUMBER));
    }

    private Condition bound() {
        return AttemptTable.BILLER
                .eq(table.biller())
                .and(AttemptTable.INVOICE_ID.eq(DSL.param("invoice", String.class)));
    }

    private org.jooq.SelectSeekStep1<org.jooq.Record1<Long>, Integer> ids() {
        return select(AttemptTable.ID).from(table.table()).where(bound()).orderBy(AttemptTable.NUMBER);
    }

    private Query ownsStatement() {
        // R18: no send while another attempt of the invoice is charged.
        Field<?> chargedBeside = field(table.attemptOf(
                AttemptTable.ofAttempts(AttemptTable.INVOICE_ID),
                AttemptTable.qualified(AttemptTable.STATE).eq(inline(AttemptState.BILLED.name()))));
        return select(chargedBeside.isNotNull(), table.hold())
                .from(table.table())
                .where(AttemptTable.isThis())
                .and(AttemptTable.OWNER.eq(table.server()))
                .and(AttemptTable.FENCE.eq(DSL.param("fence", Integer.class)))
                .and(AttemptTable.STATE.eq(DSL.param("state", String.class)));
    }

    /** Whose an attempt is that is about to be sent. */
    public enum Ownership {
        OURS,
        /** Another has taken it over, or it has settled. */
        LOST,
        /** Ours, but another attempt of the invoice is charged (R18). */
        OURS_BESIDE_A_CHARGE,
        /** Ours, but people have paused the biller since it was claimed. */
        OURS_IN_A_PAUSE,
        /** Ours, but the brake was put on for all servers since it was claimed. */
        OURS_UNDER_A_BRAKE
    }

    /** Whether this server still owns an attempt that it is about to send, read after the invoice's row was locked. */
    public Request<Ownership> owns(BillingAttempt attempt) {
        return Request.of(
                owns,
                Map.of(
                        "id", attempt.id(),
                        "invoice", attempt.invoiceId(),
                        "fence", attempt.fence(),
                        "state", attempt.state().name()),
                Inquiries::ownership);
    }

    private static Ownership ownership(Rows rows) {
        if (!rows.next()) {
            return Ownership.LOST;
        }
        boolean chargedBeside = rows.flag(0);
        return chargedBeside
                ? Ownership.OURS_BESIDE_A_CHARGE
                : switch (Hold.valueOf(String.valueOf(rows.text(1)))) {
                    case NONE -> Ownership.OURS;
                    case BRAKE -> Ownership.OURS_UNDER_A_BRAKE;
                    case PAUSE -> Ownership.OURS_IN_A_PAUSE;
                };
    }

    /**
     * Locks all attempts of an invoice and reads them as they are then (R18). A second statement, because the first one's snapshot may be
     * older than the locks that it waited for.
     *
     * @param atOnce whether another's lock is contention, not to be waited for
     */
    public InvoiceAttempts lock(DSLContext tx, String invoiceId, boolean atOnce) {
        Map<String, ?> bound = Map.of("invoice", invoiceId);
        if (atOnce) {
            Request.locking(lockedAtOnce, bound, Inquiries::all).in(tx);
        } else {
            Request.of(locked, bound, Inquiries::all).in(tx);
        }
        return look(tx, invoiceId);
    }

    /** The same without locks: for what is shown, or tried. */
    public InvoiceAttempts look(DSLContext tx, String invoiceId) {
        return Request.of(read, Map.of("invoice", invoiceId), rows -> {
                    List<AttemptRow> all = new ArrayList<>();
                    OffsetDateTime[] clock = {null};
                    Hold[] hold = {Hold.NONE};
                    rows.records().forEach(row -> {
                        all.add(AttemptTable.row(row));
                        clock[0] = row.get("clock", OffsetDateTime.class);
                        hold[0] = Hold.valueOf(row.get("hold", String.class));
                    });
                    return new InvoiceAttempts(
                            List.copyOf(all), clock[0] == null ? Instant.EPOCH : clock[0].toInstant(), hold[0]);
                })
                .in(tx);
    }

    private static int all(Rows rows) {
        int count = 0;
        while (rows.next()) {
            count++;
        }
        return count;
    }

    /** The attempts of each of these invoices, oldest first; without invoices that have none. */
    public Request<Map<String, List<AttemptRow>>> ofInvoices(Collection<String> invoiceIds) {
        return Request.of(ofSome, Map.of("invoices", invoiceIds.toArray(String[]::new)), rows -> {
            Map<String, List<AttemptRow>> attempts = new HashMap<>();
            rows.records()
                    .map(AttemptTable::row)
                    .forEach(row -> attempts.computeIfAbsent(row.attempt().invoiceId(), id -> new ArrayList<>())
                            .add(row));
            attempts.values()
                    .forEach(list ->
                            list.sort(Comparator.comparing(row -> row.attempt().number())));
            return attempts;
        });
    }

    /** All attempts of an invoice, oldest first. */
    public List<BillingAttempt> attempts(DSLContext tx, String invoiceId) {
        return tx.select(AttemptTable.COLUMNS)
                .from(table.table())
                .where(table.ofInvoice(invoiceId))
                .orderBy(AttemptTable.NUMBER)
                .fetch(row -> AttemptTable.row(row).attempt());
    }

    /** The attempt that the provider knows by this key. */
    public Optional<BillingAttempt> ofKey(DSLContext tx, String idempotencyKey) {
        return tx.fetchOptional(table.ofKey(val(idempotencyKey)))
                .map(row -> AttemptTable.row(row).attempt());
    }

    /** The invoice of a snapshot, as a call has it (R4). */
    public Record invoice(DSLContext tx, JSONB snapshot) {
        return snapshots.invoice(tx, snapshot);
    }

    /** Whether this transaction still has an attempt as BILLED and marked. */
    public boolean isMarked(DSLContext tx, BillingAttempt attempt) {
        return tx.fetchExists(DSL.selectOne()
                .from(table.table())
                .where(AttemptTable.isThis(attempt))
                .and(AttemptTable.STATE.eq(inline(AttemptState.BILLED.name())))
                .and(AttemptTable.DUE_AT.isNull()));
    }

    /** The database's clock. */
    public OffsetDateTime clock(DSLContext tx) {
        return tx.select(AttemptTable.CLOCK).fetchSingle().value1();
    }

    /** The attempts that wait for a person, oldest first, at most {@link #MOST_LISTED}. */
    public List<BillingAttempt> needingAttention(DSLContext tx) {
        return tx.select(AttemptTable.COLUMNS)
                .from(table.table())
                .where(table.needsAttention())
                .orderBy(AttemptTable.ID)
                .limit(inline(MOST_LISTED))
                .fetch(row -> AttemptTable.row(row).attempt());
    }

    /**
     * A page of them that somebody means, in the same order.
     *
     * @param which its invoice as the row prints it
     * @param begun what was first claimed later is not meant
     * @param after the last one of the page before; null for the first page
     */
    public List<BillingAttempt> needingAttention(
            DSLContext tx, AttemptFilter which, OffsetDateTime begun, @Nullable BillingAttempt after, int limit) {
        return tx.select(AttemptTable.COLUMNS)
                .from(table.table())
                .where(table.needsAttention())
                .and(AttemptPages.meets(table, which))
                .and(AttemptTable.STARTED_AT.le(begun))
                .and(after == null ? DSL.noCondition() : AttemptTable.ID.gt(after.id()))
                .orderBy(AttemptTable.ID)
                .limit(inline(limit))
                .fetch(row -> AttemptTable.row(row).attempt());
    }

    /** Those whose invoices were found pending although they should not be, at most {@link #MOST_LISTED}. */
    public List<BillingAttempt> pendingAgain(DSLContext tx) {
        return tx.select(AttemptTable.COLUMNS)
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                // As the index has it.
                .and(AttemptTable.CAUSE.in(
                        inline(AttemptCause.PENDING_THOUGH_BILLED.name()),
                        inline(AttemptCause.TAKEN_BACK_AND_PENDING.name())))
                .orderBy(AttemptTable.ID)
                .limit(inline(MOST_LISTED))
                .fetch(row -> AttemptTable.row(row).attempt());
    }

    /** That an invoice was charged and marked as such, or taken back: it should not be pending. Its id as the outer query has it. */
    public Condition over(Field<String> invoiceId) {
        return field(table.attemptOf(
                        invoiceId,
                        AttemptTable.qualified(AttemptTable.STATE)
                                .in(inline(AttemptState.BILLED.name()), inline(AttemptState.WITHDRAWN.name()))
                                .and(AttemptTable.qualified(AttemptTable.DUE_AT).isNull())))
                .isNotNull();
    }

    /** The attempts whose invoices were taken back, newest first, at most {@link #MOST_LISTED}: they wait for a person if they are pending. */
    public List<BillingAttempt> withdrawn(DSLContext tx) {
        return tx.select(AttemptTable.COLUMNS)
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(AttemptTable.STATE.eq(inline(AttemptState.WITHDRAWN.name())))
                .orderBy(AttemptTable.ID.desc())
                .limit(inline(MOST_LISTED))
                .fetch(row -> AttemptTable.row(row).attempt());
    }

    /**
     * How things stand, by two ranges of the index on due times and one of that on parked attempts. At most {@link #MOST_LISTED} of a
     * kind are looked at.
     *
     * @param longestLease no claim is believed for longer, so that attempts that are asked about in days are not looked at
     * @param firstPending the time of the host's first pending invoice; null if there is none
     * @param pending how many are
     * @param standing how the biller stands
     */
    public JournalStatus status(
            DSLContext tx,
            Duration longestLease,
            @Nullable OffsetDateTime firstPending,
            int pending,
            Billers.Standing standing) {
        // Read first: a volatile function is no bound of an index's range.
        OffsetDateTime now = clock(tx);
        Table<?> due = select(AttemptTable.DUE_AT.as("at"))
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(AttemptTable.DUE_AT.le(now))
                .orderBy(AttemptTable.DUE_AT)
                .limit(inline(MOST_LISTED))
                .asTable("due");
        Table<?> parked = select(AttemptTable.STARTED_AT.as("at"))
                .from(table.table())
                .where(table.needsAttention())
                .orderBy(AttemptTable.ID)
                .limit(inline(MOST_LISTED))
                .asTable("parked");
        return tx.select(
                        field(select(DSL.count()).from(inFlight(now, longestLease))),
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
                        since(firstPending, now),
                        pending,
                        standing.pause(),
                        standing.sinceLastRun(),
                        standing.brake()));
    }

    private Table<?> inFlight(OffsetDateTime now, Duration longestLease) {
        return select(AttemptTable.DUE_AT.as("at"))
                .from(table.table())
                .where(AttemptTable.BILLER.eq(table.biller()))
                .and(AttemptTable.STATE.eq(inline(AttemptState.STARTED.name())))
                .and(AttemptTable.DUE_AT.gt(now))
                .and(AttemptTable.DUE_AT.le(val(now.plus(longestLease))))
                .limit(inline(MOST_LISTED))
                .asTable("in_flight");
    }

    private static Select<?> counted(Table<?> some) {
        return select(DSL.count().as("count"), DSL.min(field(name("at"))).as("first"))
                .from(some);
    }

    private static @Nullable Duration since(@Nullable OffsetDateTime time, OffsetDateTime now) {
        return time == null ? null : time.isAfter(now) ? Duration.ZERO : Duration.between(time, now);
    }
}
