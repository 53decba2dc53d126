package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Request;
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
import io.github.invoicelock.internal.journal.BrakedException;
import io.github.invoicelock.internal.journal.Claimed;
import io.github.invoicelock.internal.journal.Hold;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.PausedException;
import io.github.invoicelock.internal.journal.PlaceTakenException;
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
import org.jooq.JSONB;
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

        /** Nothing was written: another invoice of its customer is being called. */
        record Busy() implements Result {}

        /** Nothing was written: people have paused the biller, or the brake is on for all servers. */
        record Held(Hold by) implements Result {
            static final Held BY_THE_BRAKE = new Held(Hold.BRAKE);
        }
    }

    /** One by its id; a trial is claimed although the brake is on. Contended if another holds it, or has claimed it, or it is no longer pending and billable. */
    Result claim(String invoiceId, boolean trial) {
        long start = System.nanoTime();
        Optional<Claim> claim;
        try {
            claim = Anew.afterChanges(() -> database.inTransaction(
                    one,
                    // With the lock: once the claim is committed, which goes with its insert, it is too late.
                    Request.both(
                            invoices.rowLocks().lockFresh(invoiceId, wait),
                            journal.limits().hold(),
                            Found::new),
                    (tx, found) -> found.snapshot().flatMap(row -> insert(tx, invoiceId, row, found.hold(), trial))));
        } catch (LockNotAvailableException e) {
            claim = Optional.empty();
        } catch (PlaceTakenException e) {
            return new Result.Busy();
        } catch (PausedException e) {
            return new Result.Held(Hold.PAUSE);
        } catch (BrakedException e) {
            return Result.Held.BY_THE_BRAKE;
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

    private Optional<Claim> insert(DSLContext tx, String invoiceId, JSONB row, Hold hold, boolean trial) {
        // R19: a lease begins with the lock, not with the wait for it.
        long locked = System.nanoTime();
        refuse(hold, trial);
        Request<Optional<Claimed>> insert = journal.firsts().insert(invoiceId, row, lease);
        Optional<Claimed> claimed = journal.places().kept()
                ? insert.in(tx).or(() -> journal.firsts().requireAttempt(tx, invoiceId))
                : Database.askAndCommit(tx, insert);
        return claimed.map(each -> fresh(each, locked, trial));
    }

    /** What a lock finds: the invoice if it is fresh, and what holds the biller back. */
    private record Found(Optional<JSONB> snapshot, Hold hold) {}

    /** The same of many. */
    private record FoundMany(List<Candidate> candidates, Hold hold) {}

    private static void refuse(Hold hold, boolean trial) {
        if (hold == Hold.PAUSE) {
            throw new PausedException();
        }
        if (hold == Hold.BRAKE && !trial) {
            throw new BrakedException();
        }
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

    private Claim fresh(Claimed claimed, long locked, boolean trial) {
        return new Claim(
                claimed,
                Approach.BILL,
                AttemptState.NOT_BILLED,
                false,
                true,
                trial,
                settings.leases().lastStart(locked + lease.toNanos()));
    }

    /**
     * What one claim of many took.
     *
     * @param claims in the configured order
     * @param locked how many rows had been locked; more than claims where another had claimed and committed since the statement began (R10)
     * @param next where the next page begins; null where nothing is left, or nothing may be claimed
     * @param held why nothing was claimed, although something could be
     */
    record Page(List<Claim> claims, int locked, @Nullable Position next, Hold held) {
        private static Page of(Hold held) {
            return new Page(List.of(), 0, null, held);
        }
    }

    /** SKIP_LOCKED: as many as there is room for, of those that nobody holds. */
    Page claimPage(Position from, int room, boolean trial) {
        long start = System.nanoTime();
        Page page;
        try {
            page = Anew.afterChanges(() -> database.inTransaction(
                    Request.both(
                            invoices.candidates()
                                    .lockPage(from, room, journal.firsts().withoutAttempt(invoices.idText())),
                            journal.limits().hold(),
                            FoundMany::new),
                    (tx, found) -> insert(tx, from, found, trial)));
        } catch (PausedException e) {
            return Page.of(Hold.PAUSE);
        } catch (BrakedException e) {
            return Page.of(Hold.BRAKE);
        }
        Notices.Batch told = notices.batch().claimTook(page.claims().size(), start);
        page.claims().forEach(claim -> told.claimed(claim.attempt()));
        told.tell();
        return page;
    }

    private Page insert(DSLContext tx, Position from, FoundMany found, boolean trial) {
        List<Candidate> candidates = found.candidates();
        if (candidates.isEmpty()) {
            return new Page(List.of(), 0, invoices.candidates().nextPhase(from), Hold.NONE);
        }
        refuse(found.hold(), trial);
        long locked = System.nanoTime();
        List<String> invoiceIds = candidates.stream().map(Candidate::invoiceId).toList();
        Map<String, Claimed> claimed = database.askAndCommit(
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
                .map(each -> fresh(each, locked, trial))
                .toList();
        return new Page(
                claims, candidates.size(), candidates.get(candidates.size() - 1).position(), Hold.NONE);
    }
}
