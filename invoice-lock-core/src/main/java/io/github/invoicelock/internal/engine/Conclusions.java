package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.internal.journal.DueAttempt;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How an invoice leaves a run: what came of it is told and counted, and its slot is free for another. Each that was admitted is concluded
 * once.
 */
final class Conclusions {
    /** Why a claim was not called. */
    static final String GIVEN_BACK = "Claimed, and given back uncalled when the run stopped.";

    private final Settlements settlements;
    private final Notices notices;
    private final Pace pace;
    private final Slots slots;
    private final Again again;

    /** What is done with an attempt whose key the provider surely never saw. */
    @FunctionalInterface
    interface Again {
        void go(DueAttempt due, RunInProgress run);
    }

    Conclusions(Settlements settlements, Notices notices, Pace pace, Slots slots, Again again) {
        this.settlements = settlements;
        this.notices = notices;
        this.pace = pace;
        this.slots = slots;
        this.again = again;
    }

    void settleAlone(Claim claim, Answer answer, RunInProgress run) {
        conclude(claim, answer, settlements.write(claim, answer), run);
    }

    /** An error while the invoice's transaction was open: nothing was called, or what was heard is written by another transaction. */
    void afterError(Claim claim, @Nullable Answer heard, RuntimeException e, RunInProgress run) {
        BillingAttempt attempt = null;
        try {
            if (heard == null) {
                attempt = settlements
                        .release(claim, Duration.ZERO, "An error before the call: " + e.getMessage())
                        .orElse(null);
            } else {
                Settled settled = e instanceof BilledHookException
                        ? settlements.rescue(claim, heard, e)
                        : settlements.write(claim, heard);
                attempt = settled.attempt();
                notices.settled(settled, heard.outcome(), heard.callTime());
            }
        } catch (RuntimeException again) {
            // It stays STARTED in the journal, to be found out about under the same key.
            if (again != e) {
                e.addSuppressed(again);
            }
        }
        slots.release();
        run.failed(e, attempt, claim.takenOver());
    }

    void giveBack(Claim claim, RunInProgress run) {
        Settled settled = settlements
                .release(claim, Duration.ZERO, GIVEN_BACK)
                .map(Settled::as)
                .orElse(Settled.CONTENDED);
        concludeUncalled(settled, claim.invoiceId(), claim.takenOver(), run);
    }

    void conclude(Claim claim, @Nullable Answer answer, Settled settled, RunInProgress run) {
        if (answer == null) {
            concludeUncalled(settled, claim.invoiceId(), claim.takenOver(), run);
            return;
        }
        notices.settled(settled, answer.outcome(), answer.callTime());
        BillingAttempt attempt = settled.attempt();
        Throwable failure = answer.error() != null ? answer.error() : settled.failure();
        if (failure != null) {
            slots.release();
            run.failed(failure, attempt, claim.takenOver());
        } else if (settled.neverSeen() && attempt != null && attempt.dueAt() != null && !run.stopped()) {
            // The provider surely never saw the key: send it now, with the slot that this invoice has.
            pace.owe();
            again.go(DueAttempt.of(attempt, attempt.dueAt(), false), run);
        } else {
            conclude(settled, claim.invoiceId(), claim.takenOver(), run);
        }
    }

    /** The call that was waited for is not made. */
    void concludeUncalled(Settled settled, String invoiceId, boolean takenOver, RunInProgress run) {
        pace.giveBack(1);
        conclude(settled, invoiceId, takenOver, run);
    }

    void conclude(Settled settled, String invoiceId, boolean takenOver, RunInProgress run) {
        BillingAttempt attempt = settled.attempt();
        if (attempt == null) {
            // Told first: when the run returns, its listeners have heard everything.
            notices.contended(invoiceId);
        }
        slots.release();
        if (attempt == null) {
            run.contended();
        } else {
            run.settled(attempt, takenOver);
        }
    }

    /** What a step throws ends the run, not the thread. */
    void guarded(RunInProgress run, Runnable way) {
        try {
            way.run();
        } catch (Throwable e) {
            lose(e, run);
        }
    }

    /** What became of it is not known here: the journal has it. */
    void lose(Throwable e, RunInProgress run) {
        slots.release();
        run.failed(e, null, false);
    }
}
