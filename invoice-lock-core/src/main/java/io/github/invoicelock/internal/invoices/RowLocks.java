package io.github.invoicelock.internal.invoices;

import static io.github.invoicelock.internal.invoices.InvoiceColumns.INVOICE;
import static io.github.invoicelock.internal.invoices.InvoiceColumns.MANY;
import static io.github.invoicelock.internal.invoices.InvoiceColumns.ONE;

import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.statements.Prepared;
import io.github.invoicelock.internal.statements.Rows;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jooq.Condition;
import org.jooq.DSLContext;
import org.jooq.JSONB;
import org.jooq.Record1;
import org.jooq.impl.DSL;

/** Locks of invoices' rows, each with what its own statement sees of the row once it is locked (R1). */
public final class RowLocks {
    private final InvoiceColumns columns;
    private final Map<RowWait, Prepared> one = new ConcurrentHashMap<>();
    private final Map<RowWait, Prepared> fresh = new ConcurrentHashMap<>();
    private final Prepared again;
    private final Prepared snapshot;
    private final Prepared unlocked;

    RowLocks(InvoiceColumns columns, Snapshots snapshots) {
        this.columns = columns;
        this.again = Prepared.of(
                DSL.select(columns.isPending()).from(columns.table()).where(columns.isId(ONE)));
        this.snapshot = Prepared.of(snapshots.select().where(columns.isId(ONE)).and(columns.fresh()));
        // In one order, so that no two servers wait for one another; nobody waits here, but the host's statements may.
        this.unlocked = Prepared.of(columns.locking(
                DSL.select(columns.idText())
                        .from(columns.table())
                        .where(columns.isOneOf(MANY))
                        .orderBy(columns.idField()),
                RowWait.SKIP_LOCKED));
    }

    /** Locks one invoice, whatever its state: whether it is pending; empty if there is no such row, or it was skipped. */
    public Request<Optional<Boolean>> lock(String invoiceId, RowWait wait) {
        Map<String, ?> bound = Map.of(INVOICE, invoiceId);
        Request<Optional<Boolean>> locked =
                Request.locking(one.computeIfAbsent(wait, this::one), bound, rows -> pending(rows, invoiceId));
        // PostgreSQL looks again at a row that it waited for, but not at others that a condition of the host's reads.
        return columns.settings().pendingColumn() != null
                ? locked
                : Request.both(
                        locked,
                        Request.of(again, bound, rows -> pending(rows, invoiceId)),
                        (found, now) -> found.isPresent() ? now : found);
    }

    private Optional<Boolean> pending(Rows rows, String invoiceId) {
        Optional<Boolean> pending = rows.next() ? Optional.of(rows.flag(0)) : Optional.empty();
        columns.requireLast(rows, invoiceId);
        return pending;
    }

    /**
     * Locks one invoice if it is still pending and billable, and takes its snapshot, by a statement of its own under the lock: what the host
     * committed while we waited is seen, in other tables, too. Empty if it is not, or was skipped.
     */
    public Request<Optional<JSONB>> lockFresh(String invoiceId, RowWait wait) {
        Map<String, ?> bound = Map.of(INVOICE, invoiceId);
        return Request.both(
                Request.locking(fresh.computeIfAbsent(wait, this::fresh), bound, Rows::next),
                Request.of(
                        snapshot,
                        bound,
                        rows -> rows.next() ? Optional.of(JSONB.valueOf(rows.text(1))) : Optional.<JSONB>empty()),
                (locked, row) -> locked ? row : Optional.empty());
    }

    private Prepared one(RowWait wait) {
        return Prepared.of(columns.locking(
                DSL.select(columns.isPending()).from(columns.table()).where(columns.isId(ONE)), wait));
    }

    private Prepared fresh(RowWait wait) {
        return Prepared.of(columns.locking(
                DSL.select(columns.idText())
                        .from(columns.table())
                        .where(columns.isId(ONE))
                        .and(columns.fresh()),
                wait));
    }

    /** Locks those of these that nobody holds, whatever their state, and says which. */
    public Request<Set<String>> lockUnlocked(Collection<String> ids) {
        return Request.of(unlocked, Map.of(INVOICE, ids.toArray(String[]::new)), rows -> {
            Set<String> locked = new LinkedHashSet<>();
            while (rows.next()) {
                locked.add(Objects.requireNonNull(rows.text(0)));
            }
            return locked;
        });
    }

    /**
     * Those of these that are not pending, or are not there any more. Until the transaction ends, nobody can set one back that is there
     * (R14). Leaves out those that another holds, who may be setting them back just now.
     */
    public Set<String> lockedNotPending(DSLContext tx, Collection<String> ids) {
        Condition these = columns.isOneOf(DSL.val(ids.toArray(String[]::new)));
        Set<String> locked = tx.select(columns.idText())
                .from(columns.table())
                .where(these)
                .andNot(columns.isPending())
                .orderBy(columns.idField())
                .forShare()
                .skipLocked()
                .fetchSet(Record1::value1);
        Set<String> notPending = new HashSet<>(ids);
        // A statement of its own sees what was committed until the rows were locked.
        tx.select(columns.idText(), columns.isPending())
                .from(columns.table())
                .where(these)
                .forEach(row -> {
                    if (row.value2() || !locked.contains(row.value1())) {
                        notPending.remove(row.value1());
                    }
                });
        return notPending;
    }
}
