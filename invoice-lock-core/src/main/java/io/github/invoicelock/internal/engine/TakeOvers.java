package io.github.invoicelock.internal.engine;

import static io.github.invoicelock.AttemptState.IN_DOUBT;
import static io.github.invoicelock.AttemptState.NOT_BILLED;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.LockNotAvailableException;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Claimed;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.Settlement;
import java.time.Duration;
import java.util.Optional;
import org.jooq.DSLContext;
import org.jooq.JSONB;

/** Continues attempts whose owner is gone, or whose time has come: each in one short transaction, the invoice's lock first. */
final class TakeOvers {
    /** What came of looking at a due attempt. */
    sealed interface Result {
        /** It is ours: call or ask the provider. */
        record Taken(Claim claim) implements Result {}

        /** There was nothing to call or ask; or another has it. */
        record Done(Settled settled) implements Result {}
    }

    private static final Result CONTENDED = new Result.Done(Settled.CONTENDED);

    private final EngineSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Judgement judgement;
    private final boolean canBeAsked;

    TakeOvers(EngineSettings settings, Database database, Journal journal, Invoices invoices) {
        this.settings = settings;
        this.database = database;
        this.journal = journal;
        this.invoices = invoices;
        this.judgement = new Judgement(settings);
        this.canBeAsked = settings.providerCanBeAsked();
    }

    Result take(DueAttempt due) {
        long start = System.nanoTime();
        try {
            Result result = Database.withPlansAnew(() -> database.inTransaction(tx -> {
                Result taken =
                        switch (due.state()) {
                            case NOT_BILLED -> repeat(tx, due, start);
                            case STARTED, IN_DOUBT -> resolve(tx, due, start);
                            case ACCEPTED -> ask(tx, due, start);
                            case DECLINED -> startNext(tx, due, start);
                            case BILLED, WITHDRAWN -> throw new IllegalStateException("Not to be taken over: " + due);
                        };
                settings.failPoints().reached(Point.BEFORE_TAKE_OVER_COMMIT, due.invoiceId());
                return taken;
            }));
            settings.failPoints().reached(Point.AFTER_TAKE_OVER_COMMIT, due.invoiceId());
            return result;
        } catch (LockNotAvailableException e) {
            // The row's lock is a sign of life: the owner is calling, or the host is at work on the invoice.
            return CONTENDED;
        } catch (DatabaseException e) {
            if (!isMisfit(e)) {
                throw e;
            }
            return database.inTransaction(tx -> misfit(tx, due, e));
        }
    }

    /** The host altered a column's type, or an enum's labels, since the claim: a person decides, and the run goes on. */
    private Result misfit(DSLContext tx, DueAttempt due, DatabaseException e) {
        AttemptState state = due.state() == AttemptState.STARTED ? IN_DOUBT : due.state();
        return done(journal.settle(
                        tx,
                        due,
                        new Settlement(
                                state,
                                null,
                                false,
                                false,
                                null,
                                null,
                                // Not what the database says: that may name a value of the invoice.
                                "The snapshot does not fit the table as it is now: SQLSTATE " + e.sqlState() + "."))
                .map(Settled::as));
    }

    /** A value that is not one of its type, or breaks a domain's constraint. */
    private static boolean isMisfit(DatabaseException e) {
        return e.sqlState() != null
                && (e.sqlState().startsWith("22") || e.sqlState().startsWith("23"));
    }

    /** Surely nothing was charged: the same key again, or never mind if the host took the invoice back. */
    private Result repeat(DSLContext tx, DueAttempt due, long start) {
        if (!lockPending(tx, due)) {
            return withdrawn(tx, due);
        }
        // An attempt that had been withdrawn has no snapshot any more; nothing was ever charged under its key.
        JSONB snapshot = invoices.snapshots().snapshot(tx, due.invoiceId());
        return taken(
                journal.takeOver(tx, due, settings.lease(), true, snapshot),
                Approach.BILL,
                NOT_BILLED,
                true,
                settings.lease(),
                start);
    }

    /** R6: in doubt. Ask if the gateway can; the same key again while the provider remembers it and the invoice is pending; else park. */
    private Result resolve(DSLContext tx, DueAttempt due, long start) {
        boolean pending = lockPending(tx, due);
        boolean sends = pending && settings.repeatable(journal.keyAge(tx, due));
        if (!sends && !canBeAsked) {
            Settlement parked = judgement.parkedInDoubt(
                    pending
                            ? "The outcome is unknown, and the key may not be sent again: the provider does not remember it (any more)."
                            : "The outcome is unknown, and the invoice is no longer pending.");
            return done(journal.settle(tx, due, parked).map(Settled::as));
        }
        Approach approach = !sends ? Approach.ASK : canBeAsked ? Approach.ASK_THEN_BILL : Approach.BILL;
        Duration lease = approach == Approach.ASK_THEN_BILL ? settings.leaseToAskAndSend() : settings.lease();
        return taken(journal.takeOver(tx, due, lease, sends, null), approach, IN_DOUBT, pending, lease, start);
    }

    /** R15: accepted is never sent again. */
    private Result ask(DSLContext tx, DueAttempt due, long start) {
        if (!canBeAsked) {
            return done(journal.settle(
                            tx,
                            due,
                            new Settlement(
                                    AttemptState.ACCEPTED,
                                    null,
                                    false,
                                    false,
                                    null,
                                    null,
                                    "Accepted by the provider, not heard of since, and the gateway cannot be asked."))
                    .map(Settled::as));
        }
        return taken(
                journal.takeOver(tx, due, settings.lease(), false, null),
                Approach.ASK,
                AttemptState.ACCEPTED,
                true,
                settings.lease(),
                start);
    }

    /** R2: after a final refusal, and only then, a new key. */
    private Result startNext(DSLContext tx, DueAttempt due, long start) {
        if (!lockPending(tx, due)) {
            return done(journal.unschedule(tx, due).map(Settled::as));
        }
        JSONB snapshot = invoices.snapshots().snapshot(tx, due.invoiceId());
        return taken(journal.insertNext(tx, due, snapshot), Approach.BILL, NOT_BILLED, true, settings.lease(), start);
    }

    private boolean lockPending(DSLContext tx, DueAttempt due) {
        return invoices.rowLocks().lock(due.invoiceId(), RowWait.NOWAIT).in(tx).orElse(false);
    }

    private Result withdrawn(DSLContext tx, DueAttempt due) {
        return done(journal.settle(
                        tx,
                        due,
                        new Settlement(
                                AttemptState.WITHDRAWN,
                                null,
                                false,
                                false,
                                null,
                                null,
                                "No longer pending; never charged."))
                .map(Settled::as));
    }

    private static Result taken(
            Optional<Claimed> claimed,
            Approach approach,
            AttemptState before,
            boolean pending,
            Duration lease,
            long start) {
        return claimed.<Result>map(c -> new Result.Taken(Claim.takenOver(c, approach, before, pending, lease, start)))
                .orElse(CONTENDED);
    }

    private static Result done(Optional<Settled> settled) {
        return new Result.Done(settled.orElse(Settled.CONTENDED));
    }
}
