package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.LockNotAvailableException;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.database.SessionSettings.Work;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Journal;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/** THROUGH_CALL: a second transaction holds an invoice's row while the provider is called, and settles before it commits. */
final class CallUnderLock {
    /** R9: the second lock of an invoice that is ours may meet another's momentary look. */
    private static final Duration LOCK_FOR_CALL = Duration.ofSeconds(1);
    /** How soon an invoice is tried again that the host held when it was to be called. */
    private static final Duration TRY_AGAIN = Duration.ofSeconds(1);

    private final EngineSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Notices notices;
    private final Settlements settlements;
    private final Calls calls;
    private final Conclusions conclusions;
    private final SessionSettings calling;

    CallUnderLock(
            EngineSettings settings,
            Database database,
            Journal journal,
            Invoices invoices,
            Notices notices,
            Settlements settlements,
            Calls calls,
            Conclusions conclusions) {
        this.settings = settings;
        this.database = database;
        this.journal = journal;
        this.invoices = invoices;
        this.notices = notices;
        this.settlements = settlements;
        this.calls = calls;
        this.conclusions = conclusions;
        // R9: a dead server's lock ends a margin after the longest call, and no limit of the server's own cuts a call
        // short.
        this.calling = new SessionSettings(LOCK_FOR_CALL, settings.leaseToAskAndSend(), Work.CALL);
    }

    /** What the second lock finds: whether the invoice is pending (empty if it is not there any more), and whether the attempt is ours. */
    private record Found(Optional<Boolean> pending, boolean ours) {}

    /** What the provider said to a claim, where no rollback reaches it: that is written whatever happens (R12). */
    private record Heard(Claim claim, Answer answer, long at) {}

    void call(Claim claim, RunInProgress run) {
        if (run.givesBack()) {
            conclusions.giveBack(claim, run);
            return;
        }
        if (!claim.approach().sends()) {
            // Asking changes nothing at the provider: no lock is held meanwhile.
            Answer answer = calls.make(claim);
            run.answered(answer.failed());
            conclusions.settleAlone(claim, answer, run);
            return;
        }
        AtomicReference<@Nullable Heard> heard = new AtomicReference<>();
        Settled settled;
        try {
            settled = database.inTransaction(
                    calling, lockAndCheck(claim), (tx, found) -> callAndSettle(tx, claim, found, heard, run));
        } catch (LockNotAvailableException e) {
            concludeHeld(claim, heard.get(), run);
            return;
        } catch (RuntimeException e) {
            concludeFailed(claim, heard.get(), e, run);
            return;
        }
        conclude(claim, heard.get(), settled, run);
    }

    private Request<Found> lockAndCheck(Claim claim) {
        return Request.both(invoices.lock(claim.invoiceId(), RowWait.WAIT), journal.owns(claim.attempt()), Found::new);
    }

    private Settled callAndSettle(
            DSLContext tx, Claim claim, Found found, AtomicReference<@Nullable Heard> heard, RunInProgress run) {
        settings.failPoints().reached(Point.AFTER_LOCK_FOR_CALL, claim.invoiceId());
        // A server that was stalled since its claim finds that another has taken over.
        if (!found.ours()) {
            return Settled.CONTENDED;
        }
        boolean pending = found.pending().orElse(false);
        if (!pending && claim.before() == AttemptState.NOT_BILLED) {
            return settlements.withdraw(tx, claim);
        }
        if (run.givesBack()) {
            return settlements
                    .release(tx, claim, Duration.ZERO, Conclusions.GIVEN_BACK)
                    .map(Settled::as)
                    .orElse(Settled.CONTENDED);
        }
        Claim allowed = pending ? claim : claim.askOnly();
        Answer answer = calls.make(allowed);
        heard.set(new Heard(allowed, answer, System.nanoTime()));
        run.answered(answer.failed());
        Settled settled = settlements.writeLocked(tx, allowed, answer);
        settings.failPoints().reached(Point.BEFORE_SETTLE_COMMIT, claim.invoiceId());
        return settled;
    }

    private void conclude(Claim claim, @Nullable Heard heard, Settled settled, RunInProgress run) {
        if (heard == null) {
            notices.leftOrGivenUp(settled);
        } else {
            notices.settleTook(1, heard.at());
        }
        settings.failPoints().reached(Point.AFTER_SETTLE_COMMIT, claim.invoiceId());
        conclusions.conclude(claim, heard == null ? null : heard.answer(), settled, run);
    }

    /** The host held the row, before the call or, by a statement of its hook's, after it. */
    private void concludeHeld(Claim claim, @Nullable Heard heard, RunInProgress run) {
        if (heard == null) {
            settlements.release(claim, TRY_AGAIN, "The host held the invoice when it was to be called.");
            conclusions.concludeUncalled(Settled.CONTENDED, claim.invoiceId(), false, run);
        } else {
            conclusions.settleAlone(heard.claim(), heard.answer(), run);
        }
    }

    private void concludeFailed(Claim claim, @Nullable Heard heard, RuntimeException e, RunInProgress run) {
        if (heard == null) {
            conclusions.afterError(claim, null, e, run);
        } else {
            conclusions.afterError(heard.claim(), heard.answer(), e, run);
        }
    }
}
