package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.database.SessionSettings.Work;
import io.github.invoicelock.internal.errors.Anew;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.Candidate;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Claimed;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.Approach;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/** Takes fresh invoices for this server: locks the row and writes the first attempt, in one short transaction (R1, R10). */
final class Claims {
    private final BillerSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Notices notices;
    private final RowWait wait;
    private final SessionSettings one;
    private final SessionSettings many;
    private final Duration lease;

    Claims(BillerSettings settings, Tables tables, Notices notices) {
        this.settings = settings;
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.notices = notices;
        this.wait = switch (settings.strategy()) {
            case NOWAIT -> RowWait.NOWAIT;
            case SKIP_LOCKED -> RowWait.SKIP_LOCKED;
            case WAIT -> RowWait.WAIT;
        };
        this.one = settings.strategy() == LockStrategy.WAIT
                ? new SessionSettings(settings.waitTimeout(), settings.idleLimit(), Work.ONE_ROW)
                : SessionSettings.momentary(settings.idleLimit(), Work.ONE_ROW);
        this.many = SessionSettings.momentary(settings.idleLimit(), Work.MANY_ROWS);
        this.lease = settings.leases().of(Approach.BILL);
    }

    /** What came of claiming one. */
    sealed interface Result {
        /** It is ours: call the provider. */
        record Mine(Claim claim) implements Result {}

        /** It is not: another's, or set aside. */
        record Not(Written written) implements Result {}
    }

    /** One by its id. Contended if another holds it, or has claimed it, or it is no longer pending and billable. */
    Result claim(String invoiceId) {
        long start = System.nanoTime();
        Optional<Claim> claim;
        try {
            claim = Anew.afterChanges(() -> database.inTransaction(
                    one,
                    invoices.rowLocks().lockFresh(invoiceId, wait),
                    (tx, snapshot) -> snapshot.flatMap(row -> {
                        // R19: a lease begins with the lock, not with the wait for it.
                        long locked = System.nanoTime();
                        return Database.askAndCommit(tx, journal.firsts().insert(invoiceId, row, lease))
                                .map(claimed -> fresh(claimed, locked));
                    })));
        } catch (LockNotAvailableException e) {
            claim = Optional.empty();
        } catch (RuntimeException e) {
            if (!SqlStates.ofOneInvoice(e)) {
                throw e;
            }
            return setAside(invoiceId, e);
        }
        Notices.Batch told = notices.batch().claimTook(claim.isPresent() ? 1 : 0, start);
        claim.ifPresent(mine -> told.claimed(mine.attempt()));
        told.tell();
        return claim.<Result>map(Result.Mine::new).orElseGet(() -> new Result.Not(Written.CONTENDED));
    }

    /** It cannot be claimed, by its own data: kept where people find it, and looked at again by later runs; others go on. */
    private Result setAside(String invoiceId, RuntimeException failure) {
        BillingAttempt attempt = database.inTransaction(tx -> {
            boolean ours = journal.firsts().insertSetAside(tx, invoiceId, HostCode.why(failure));
            List<BillingAttempt> attempts = journal.inquiries().attempts(tx, invoiceId);
            return ours ? attempts.get(0) : null;
        });
        return new Result.Not(attempt == null ? Written.CONTENDED : Written.setAside(attempt, failure));
    }

    private Claim fresh(Claimed claimed, long locked) {
        return new Claim(
                claimed,
                Approach.BILL,
                AttemptState.NOT_BILLED,
                false,
                true,
                settings.leases().lastStart(locked + lease.toNanos()));
    }

    /**
     * What one claim of many took.
     *
     * @param claims in the configured order
     * @param locked how many rows had been locked; more than claims where another had claimed and committed since the statement began (R10)
     * @param next where the next page begins; null where nothing is left
     */
    record Page(List<Claim> claims, int locked, @Nullable Position next) {}

    /** SKIP_LOCKED: as many as there is room for, of those that nobody holds. */
    Page claimPage(Position from, int room) {
        long start = System.nanoTime();
        Page page = Anew.afterChanges(() -> database.inTransaction(
                invoices.candidates().lockPage(from, room, journal.firsts().withoutAttempt(invoices.idText())),
                (tx, locked) -> insert(tx, from, locked)));
        Notices.Batch told = notices.batch().claimTook(page.claims().size(), start);
        page.claims().forEach(claim -> told.claimed(claim.attempt()));
        told.tell();
        return page;
    }

    private Page insert(DSLContext tx, Position from, List<Candidate> candidates) {
        if (candidates.isEmpty()) {
            return new Page(List.of(), 0, invoices.candidates().nextPhase(from));
        }
        long locked = System.nanoTime();
        List<String> invoiceIds = candidates.stream().map(Candidate::invoiceId).toList();
        Map<String, Claimed> claimed = database.ask(
                tx,
                many,
                journal.firsts()
                        .insertAll(
                                invoices.snapshots()::locked,
                                Map.of("invoice", invoiceIds.toArray(String[]::new)),
                                lease));
        // Taken out: a view may show an invoice twice.
        List<Claim> claims = invoiceIds.stream()
                .flatMap(invoiceId -> Optional.ofNullable(claimed.remove(invoiceId)).stream())
                .map(each -> fresh(each, locked))
                .toList();
        return new Page(
                claims, candidates.size(), candidates.get(candidates.size() - 1).position());
    }
}
