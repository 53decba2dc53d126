package io.github.invoicelock.internal.engine;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.database.SessionSettings.Work;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Inquiries.Ownership;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.run.RunInProgress;
import io.github.invoicelock.internal.settlement.MarkedTooEarly;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/**
 * THROUGH_CALL: a transaction of this invoice alone: lock, still ours, still to be charged, call, settle, commit. What was heard is written
 * whatever becomes of the transaction (R12).
 */
final class CallUnderLock implements Calling {
    /** R9: the second lock of an invoice that is ours may meet another's momentary look. */
    private static final Duration LOCK_FOR_CALL = Duration.ofSeconds(1);
    /** How soon an invoice is tried again that the host held when it was to be called. */
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Settlements settlements;
    private final LastLook lastLook;
    private final Calls calls;
    private final SessionSettings calling;

    CallUnderLock(BillerSettings settings, Tables tables, Settlements settlements, LastLook lastLook, Calls calls) {
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.settlements = settlements;
        this.lastLook = lastLook;
        this.calls = calls;
        // R9: a dead server's lock ends a margin after the longest call, and no limit of the server's own cuts a call
        // short.
        this.calling = new SessionSettings(LOCK_FOR_CALL, settings.idleLimit(), Work.CALL);
    }

    /** What the second lock finds: whether the invoice is pending (empty if it is not there any more), and whose the attempt is. */
    private record Found(Optional<Boolean> pending, Ownership ownership) {}

    /** What the provider said, where no rollback reaches it. */
    private static final class Heard {
        private Claim claim;
        private @Nullable Answer answer;
        private long at = System.nanoTime();

        private Heard(Claim claim) {
            this.claim = claim;
        }

        private Answer hear(Claim allowed, Answer heard) {
            claim = allowed;
            answer = heard;
            at = System.nanoTime();
            return heard;
        }
    }

    @Override
    public void call(Claim claim, RunInProgress run, Concluding then) {
        Optional<Written> uncalled = lastLook.at(claim, run);
        if (uncalled.isPresent()) {
            then.uncalled(claim, run, uncalled.get());
            return;
        }
        Heard heard = new Heard(claim);
        if (!claim.approach().sends()) {
            // Asking changes nothing at the provider: no lock is held meanwhile.
            Answer answer = heard.hear(claim, calls.make(claim, run.carried()));
            run.answered(answer);
            then.called(List.of(new Called(claim, run, answer, settlements.write(claim, answer))), heard.at);
            return;
        }
        Written written = callAndSettle(claim, heard, run);
        if (heard.answer == null) {
            then.uncalled(claim, run, written);
        } else {
            then.called(List.of(new Called(heard.claim, run, heard.answer, written)), heard.at);
        }
    }

    private Written callAndSettle(Claim claim, Heard heard, RunInProgress run) {
        try {
            return database.inTransaction(
                    calling,
                    Request.both(
                            invoices.rowLocks().lock(claim.invoiceId(), RowWait.WAIT),
                            journal.inquiries().owns(claim.attempt()),
                            Found::new),
                    (tx, found) -> callAndSettle(tx, claim, found, heard, run));
        } catch (MarkedTooEarly e) {
            return settlements.write(heard.claim, requireNonNull(heard.answer, "marked after its answer"));
        } catch (LockNotAvailableException e) {
            // The host held the row, before the call or, by a statement of its hook's, after it.
            return heard.answer == null ? held(claim) : settlements.write(heard.claim, heard.answer);
        } catch (RuntimeException e) {
            return heard.answer == null
                    ? settlements.uncalled(claim, e, Settlements.isOwnFault(e))
                    : settleAfter(e, heard.claim, heard.answer);
        } catch (Error e) {
            if (heard.answer != null) {
                settleDespite(e, heard.claim, heard.answer);
            }
            throw e;
        }
    }

    /** R20: an Error ends the run, and takes nothing along that was heard. */
    private void settleDespite(Error failure, Claim claim, Answer answer) {
        try {
            settlements.write(claim, answer);
        } catch (Throwable again) {
            throw Settlements.with(again, failure);
        }
    }

    /** One invoice's own fault is that one's; after anything else what was heard is written by another transaction, and the run ends. */
    private Written settleAfter(RuntimeException failure, Claim claim, Answer answer) {
        if (Settlements.isOwnFault(failure)) {
            return settlements.rescue(claim, answer, failure);
        }
        try {
            return settlements.write(claim, answer).failing(failure);
        } catch (RuntimeException again) {
            if (again != failure) {
                failure.addSuppressed(again);
            }
            throw failure;
        }
    }

    private Written callAndSettle(DSLContext tx, Claim claim, Found found, Heard heard, RunInProgress run) {
        // A server that was stalled since its claim finds that another has taken over.
        if (found.ownership() == Ownership.LOST) {
            return Written.CONTENDED;
        }
        // R18: what another attempt of the invoice was charged for is not charged again.
        boolean pending = found.pending().orElse(false) && found.ownership() != Ownership.OURS_BESIDE_A_CHARGE;
        if (!pending && claim.before() == AttemptState.NOT_BILLED) {
            return settlements.withdraw(tx, claim, "No longer to be charged; never charged under this key.");
        }
        if (found.ownership() == Ownership.OURS_IN_A_PAUSE) {
            run.pause();
        }
        boolean braked = found.ownership() == Ownership.OURS_UNDER_A_BRAKE && !claim.trial();
        if (braked || run.givesBack(claim)) {
            return settlements.release(tx, claim, Duration.ZERO, GIVEN_BACK);
        }
        Claim allowed = pending ? claim : claim.askOnly();
        Answer answer = heard.hear(allowed, calls.make(allowed, run.carried()));
        run.answered(answer);
        return settlements.writeLocked(tx, allowed, answer);
    }

    private Written held(Claim claim) {
        settlements.release(claim, TRY_AGAIN, "The host held the invoice when it was to be called.");
        return Written.CONTENDED;
    }
}
