package io.github.invoicelock.internal.engine;

import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.LockNotAvailableException;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.database.SessionSettings.Work;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import io.github.invoicelock.internal.invoices.Candidate;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Claimed;
import io.github.invoicelock.internal.journal.Journal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/** Takes fresh invoices for this server: locks the row and writes the first attempt, in one short transaction (R1, R10). */
final class Claims {
    private final EngineSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Notices notices;
    private final RowWait wait;
    private final SessionSettings one;
    private final SessionSettings many;

    Claims(EngineSettings settings, Database database, Journal journal, Invoices invoices, Notices notices) {
        this.settings = settings;
        this.database = database;
        this.journal = journal;
        this.invoices = invoices;
        this.notices = notices;
        this.wait = switch (settings.strategy()) {
            case NOWAIT -> RowWait.NOWAIT;
            case SKIP_LOCKED -> RowWait.SKIP_LOCKED;
            case WAIT -> RowWait.WAIT;
        };
        this.one = settings.strategy() == LockStrategy.WAIT
                ? new SessionSettings(settings.waitTimeout(), settings.leaseToAskAndSend(), Work.ONE_ROW)
                : SessionSettings.momentary(settings.leaseToAskAndSend(), Work.ONE_ROW);
        this.many = SessionSettings.momentary(settings.leaseToAskAndSend(), Work.MANY_ROWS);
    }

    /** One by its id; empty if another holds it, or has claimed it, or it is no longer pending and billable. */
    Optional<Claim> claim(String invoiceId) {
        long start = System.nanoTime();
        Optional<Claim> claim;
        try {
            claim = Database.withPlansAnew(() -> lockAndInsert(invoiceId))
                    .map(claimed -> Claim.fresh(claimed, settings.lease(), start));
        } catch (LockNotAvailableException e) {
            claim = Optional.empty();
        }
        notices.claimTook(claim.isPresent() ? 1 : 0, start);
        claim.ifPresent(this::tell);
        return claim;
    }

    /** Locked first, and checked by the same statement: billed while we waited is not pending any more. */
    private Optional<Claimed> lockAndInsert(String invoiceId) {
        return database.distributed()
                // No statement may be on both tables there.
                ? database.inTransaction(
                        one,
                        invoices.lockFresh(invoiceId, wait),
                        (tx, snapshot) -> beforeCommit(
                                invoiceId,
                                snapshot.flatMap(row ->
                                        journal.insertFirst(invoiceId, row).in(tx))))
                : database.inTransaction(
                        one,
                        journal.insertFirst(
                                wait.name(), () -> invoices.freshAndLocked(wait), invoices.bound(invoiceId)),
                        (tx, claimed) -> beforeCommit(invoiceId, claimed));
    }

    private Optional<Claimed> beforeCommit(String invoiceId, Optional<Claimed> claimed) {
        settings.failPoints().reached(Point.BEFORE_CLAIM_COMMIT, invoiceId);
        return claimed;
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
        Page page = Database.withPlansAnew(() -> database.inTransaction(
                invoices.lockPage(from, room, journal.withoutAttempt(invoices.idText())),
                (tx, locked) -> insert(tx, from, locked, start)));
        notices.claimTook(page.claims().size(), start);
        page.claims().forEach(this::tell);
        return page;
    }

    private Page insert(DSLContext tx, Position from, List<Candidate> locked, long start) {
        if (locked.isEmpty()) {
            return new Page(List.of(), 0, invoices.nextPhase(from));
        }
        List<String> invoiceIds = locked.stream().map(Candidate::invoiceId).toList();
        Map<String, Claimed> claimed =
                database.ask(tx, many, journal.insertFirsts("many", invoices::locked, invoices.bound(invoiceIds)));
        // Taken out: a view may show an invoice twice.
        List<Claim> claims = invoiceIds.stream()
                .flatMap(invoiceId -> Optional.ofNullable(claimed.remove(invoiceId)).stream())
                .map(each -> Claim.fresh(each, settings.lease(), start))
                .toList();
        claims.forEach(claim -> settings.failPoints().reached(Point.BEFORE_CLAIM_COMMIT, claim.invoiceId()));
        return new Page(claims, locked.size(), locked.get(locked.size() - 1).position());
    }

    private void tell(Claim claim) {
        settings.failPoints().reached(Point.AFTER_CLAIM_COMMIT, claim.invoiceId());
        notices.claimed(claim.attempt());
    }
}
