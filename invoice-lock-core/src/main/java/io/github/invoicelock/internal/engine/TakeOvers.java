package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.errors.Anew;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.Claimed;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.DueAttempts;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.NextState;
import io.github.invoicelock.internal.judgement.Approach;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.judgement.Judgement;
import io.github.invoicelock.internal.settlement.Marking;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jooq.DSLContext;
import org.jooq.JSONB;
import org.jspecify.annotations.Nullable;

/**
 * Continues attempts whose owner is gone, or whose time has come: each in one short transaction, the invoice's lock first, then those of all
 * of its attempts (R18). Nobody is waited for.
 */
final class TakeOvers {
    private static final String NOT_TO_BE_CHARGED = "No longer pending; never charged.";

    private final BillerSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Judgement judgement;
    private final boolean canBeAsked;

    TakeOvers(BillerSettings settings, Tables tables, Judgement judgement) {
        this.settings = settings;
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.judgement = judgement;
        this.canBeAsked = settings.providerCanBeAsked();
    }

    /** What came of looking at a due attempt. */
    sealed interface Result {
        /** It is ours: call or ask the provider. */
        record Taken(Claim claim) implements Result {}

        /** There was nothing to call or ask; or another has it. */
        record Done(Written written) implements Result {}
    }

    private static final Result CONTENDED = new Result.Done(Written.CONTENDED);

    /** The invoice's own data keeps its row from being read. */
    private static final class UnreadableException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final String why;

        private UnreadableException(RuntimeException cause) {
            super(cause);
            this.why = HostCode.why(cause);
        }
    }

    /**
     * A due attempt under its locks.
     *
     * @param all attempts of its invoice
     * @param pending whether the invoice is to be charged: pending, and not charged by another attempt (R18)
     * @param start by {@link System#nanoTime()}, from before anything was read
     */
    private record Locked(AttemptRow row, InvoiceAttempts all, boolean pending, long start) {
        BillingAttempt attempt() {
            return row.attempt();
        }
    }

    Result take(DueAttempt due) {
        long start = System.nanoTime();
        try {
            return Anew.afterChanges(() -> database.inTransaction(tx -> take(tx, due, start)));
        } catch (LockNotAvailableException e) {
            // A lock is a sign of life: the owner is calling or settling, or the host is at work on the invoice.
            return CONTENDED;
        } catch (UnreadableException e) {
            return setAside(due, e);
        } catch (RuntimeException e) {
            if (!SqlStates.ofOneInvoice(e)) {
                throw e;
            }
            return park(due, AttemptCause.SNAPSHOT_DOES_NOT_FIT, e);
        }
    }

    private Result take(DSLContext tx, DueAttempt due, long start) {
        // R15: one that only asks holds up nobody.
        boolean rowLocked = due.state() != AttemptState.ACCEPTED;
        boolean pending = rowLocked
                && invoices.rowLocks()
                        .lock(due.invoiceId(), RowWait.NOWAIT)
                        .in(tx)
                        .orElse(false);
        InvoiceAttempts all = journal.inquiries().lock(tx, due.invoiceId(), true);
        Optional<AttemptRow> row = all.withId(due.id()).filter(due::isStill);
        if (row.isEmpty()) {
            return CONTENDED;
        }
        boolean chargedBeside = all.billedBeside(due.id()).isPresent();
        Locked locked = new Locked(row.get(), all, pending && !chargedBeside, start);
        return switch (due.state()) {
            case NOT_BILLED -> repeat(tx, locked);
            case STARTED, IN_DOUBT -> resolve(tx, locked);
            case ACCEPTED -> ask(tx, locked);
            case DECLINED -> startNext(tx, locked);
            case BILLED, WITHDRAWN -> throw new IllegalStateException("Not to be taken over: " + due);
        };
    }

    /** Surely nothing was charged: the same key again, or never mind if the invoice is not to be charged any more. */
    private Result repeat(DSLContext tx, Locked locked) {
        if (!locked.pending()) {
            return done(tx, locked, NextState.withdrawn(NOT_TO_BE_CHARGED));
        }
        BillingAttempt attempt = locked.attempt();
        // One that was never claimed with a snapshot, because it was set aside, is as good as fresh.
        boolean fresh = attempt.invoice() == null && attempt.calls() == 0;
        if (fresh && !reading(() -> invoices.candidates().isFresh(tx, attempt.invoiceId()))) {
            return done(tx, locked, NextState.notBilled(again(locked), "Not billable yet."));
        }
        // One that was set aside, or withdrawn before it was sent, has no snapshot; nothing was ever sent under its
        // key.
        JSONB snapshot = attempt.invoice() == null
                ? reading(() -> invoices.snapshots().snapshot(tx, attempt.invoiceId()))
                : null;
        return taken(tx, locked, Approach.BILL, AttemptState.NOT_BILLED, snapshot);
    }

    /** R6: in doubt. Ask if the gateway can; the same key again while the provider remembers it and the invoice is pending; else park. */
    private Result resolve(DSLContext tx, Locked locked) {
        boolean sends = locked.pending()
                && settings.repeatable(locked.row().age(locked.all().clock()));
        if (!sends && !canBeAsked) {
            return done(
                    tx,
                    locked,
                    NextState.parked(
                            AttemptState.IN_DOUBT,
                            judgement.notRepeatable(locked.pending()),
                            null,
                            locked.pending()
                                    ? "The outcome is unknown, and the key may not be sent again: the provider does not remember it (any more)."
                                    : "The outcome is unknown, and the invoice is no longer pending."));
        }
        Approach approach = !sends ? Approach.ASK : canBeAsked ? Approach.ASK_THEN_BILL : Approach.BILL;
        return taken(tx, locked, approach, AttemptState.IN_DOUBT, null);
    }

    /** R15: accepted is never sent again. */
    private Result ask(DSLContext tx, Locked locked) {
        if (!canBeAsked) {
            return done(
                    tx,
                    locked,
                    NextState.parked(
                            AttemptState.ACCEPTED,
                            AttemptCause.CANNOT_BE_ASKED,
                            locked.attempt().reference(),
                            "Accepted by the provider, not heard of since, and the gateway cannot be asked."));
        }
        return taken(tx, locked, Approach.ASK, AttemptState.ACCEPTED, null);
    }

    /** R2: after a final refusal, and only then, a new key. */
    private Result startNext(DSLContext tx, Locked locked) {
        BillingAttempt declined = locked.attempt();
        if (!locked.pending()) {
            return done(
                    tx,
                    locked,
                    locked.all().billed().isPresent()
                            ? NextState.closed(declined.code(), declined.message())
                            : NextState.refused(String.valueOf(declined.code()), String.valueOf(declined.message())));
        }
        JSONB snapshot = reading(() -> invoices.snapshots().snapshot(tx, declined.invoiceId()));
        Duration lease = settings.leases().of(Approach.BILL);
        return journal.dues()
                .insertNext(tx, declined, snapshot, lease)
                .<Result>map(
                        claimed -> new Result.Taken(claim(claimed, Approach.BILL, AttemptState.NOT_BILLED, locked)))
                .orElse(CONTENDED);
    }

    private Result taken(
            DSLContext tx, Locked locked, Approach approach, AttemptState before, @Nullable JSONB snapshot) {
        Claimed claimed = journal.dues()
                .takeOver(
                        tx,
                        locked.row(),
                        new DueAttempts.TakeOver(
                                locked.all().clock(),
                                settings.leases().of(approach),
                                settings.findLag(),
                                approach.sends()),
                        snapshot);
        return new Result.Taken(claim(claimed, approach, before, locked));
    }

    private Claim claim(Claimed claimed, Approach approach, AttemptState before, Locked locked) {
        long leaseEnd = locked.start() + settings.leases().of(approach).toNanos();
        return new Claim(
                claimed,
                approach,
                before,
                true,
                locked.pending() || before == AttemptState.ACCEPTED,
                settings.leases().lastStart(leaseEnd));
    }

    private Result done(DSLContext tx, Locked locked, NextState next) {
        return new Result.Done(Written.as(journal.outcomes().writeLocked(tx, locked.attempt(), next.uncalled())));
    }

    private static <T> T reading(Supplier<T> statement) {
        try {
            return Database.translatingErrors(statement);
        } catch (RuntimeException e) {
            if (SqlStates.ofOneInvoice(e)) {
                throw new UnreadableException(e);
            }
            throw e;
        }
    }

    /** Tried again by a later run, the more rarely, the longer it has been failing. */
    private static Duration again(Locked locked) {
        return Marking.afterFailing(locked.row().age(locked.all().clock()));
    }

    private Result setAside(DueAttempt due, UnreadableException failure) {
        return write(
                due,
                failure,
                row -> row.is(AttemptState.NOT_BILLED)
                        ? NextState.setAside(Duration.ZERO, failure.why)
                        // A refused one keeps what the provider said.
                        : NextState.refused(
                                String.valueOf(row.attempt().code()),
                                row.attempt().message() + " No new key: " + failure.why));
    }

    /** The host altered a column's type, or an enum's labels, since the claim: a person decides, and the run goes on. */
    private Result park(DueAttempt due, AttemptCause cause, RuntimeException failure) {
        // Not what the database says: that may name a value of the invoice.
        String why = "The snapshot does not fit the table as it is now: SQLSTATE "
                + SqlStates.of(failure).orElse("unknown") + ".";
        return write(due, null, row -> {
            AttemptState state = row.is(AttemptState.STARTED)
                    ? AttemptState.IN_DOUBT
                    : row.attempt().state();
            return new NextState(
                    state,
                    null,
                    false,
                    cause,
                    false,
                    state == AttemptState.ACCEPTED ? row.attempt().reference() : null,
                    row.attempt().code(),
                    why);
        });
    }

    private Result write(DueAttempt due, @Nullable UnreadableException failure, Function<AttemptRow, NextState> next) {
        return database.inTransaction(tx -> {
            InvoiceAttempts all = journal.inquiries().lock(tx, due.invoiceId(), false);
            Optional<AttemptRow> still = all.withId(due.id()).filter(due::isStill);
            if (still.isEmpty()) {
                return CONTENDED;
            }
            NextState becomes = next.apply(still.get());
            if (becomes.cause() == AttemptCause.OWN_DATA_FAILS) {
                becomes = NextState.setAside(
                        Marking.afterFailing(still.get().age(all.clock())), String.valueOf(becomes.message()));
            }
            BillingAttempt written =
                    journal.outcomes().writeLocked(tx, still.get().attempt(), becomes.uncalled());
            return new Result.Done(
                    failure == null || written.cause() != AttemptCause.OWN_DATA_FAILS
                            ? Written.as(written)
                            : Written.setAside(written, failure));
        });
    }
}
