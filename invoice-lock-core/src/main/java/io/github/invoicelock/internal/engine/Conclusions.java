package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.limits.Pace;
import io.github.invoicelock.internal.settlement.Written;
import org.jspecify.annotations.Nullable;

/** How an invoice leaves a run: told, counted, and its slot free for another; each that was admitted once, after the commit. */
final class Conclusions {
    private final Notices notices;
    private final Pace pace;
    private final Slots slots;

    Conclusions(Notices notices, Pace pace, Slots slots) {
        this.notices = notices;
        this.pace = pace;
        this.slots = slots;
    }

    /**
     * After a call.
     *
     * @param settledAt since when the settlement took its time, by {@link System#nanoTime()}
     */
    void called(Claim claim, Answer answer, Written written, long settledAt, RunInProgress run) {
        try {
            tellCalled(claim, answer, written, settledAt, run);
        } catch (Throwable e) {
            // What the host's objects do while they are told of is nothing to lose a slot for (R20).
            notices.notTold(claim.invoiceId(), e);
        }
        leave(written, answer.thrown() instanceof Error error ? error : null, claim.takenOver(), run);
    }

    /** Tells of a call whose invoice stays in the run: the provider surely never saw the key, and it is sent now. */
    void tellCalled(Claim claim, Answer answer, Written written, long settledAt, RunInProgress run) {
        Notices.Batch told = notices.batch().settleTook(1, settledAt);
        tell(told, claim, answer, written, run);
        told.tell();
    }

    /** One of many that were settled together. */
    void tell(Notices.Batch told, Claim claim, Answer answer, Written written, RunInProgress run) {
        Throwable thrown = answer.thrown();
        if (thrown != null && run.firstOfItsKind(thrown)) {
            notices.gatewayThrew(claim.invoiceId(), claim.claimed().invoice(), thrown);
        }
        if (written.attempt() != null) {
            told.settled(written.attempt(), answer.outcome(), answer.callTime());
        }
        tell(told, claim.invoiceId(), written);
    }

    /** No call was made that the invoice had been given a slot and a moment for. */
    void uncalled(String invoiceId, Written written, boolean takenOver, RunInProgress run) {
        pace.giveBack(1);
        without(invoiceId, written, takenOver, run);
    }

    /** Nothing was written, and nothing is counted: the biller is held back on all servers. */
    void held(RunInProgress run) {
        pace.giveBack(1);
        slots.release();
        run.withdrawAdmission(1);
    }

    /** None was to be made. */
    void without(String invoiceId, Written written, boolean takenOver, RunInProgress run) {
        try {
            Notices.Batch told = notices.batch();
            tell(told, invoiceId, written);
            told.tell();
        } catch (Throwable e) {
            notices.notTold(invoiceId, e);
        }
        leave(written, null, takenOver, run);
    }

    private static void tell(Notices.Batch told, String invoiceId, Written written) {
        BillingAttempt attempt = written.attempt();
        if (attempt == null) {
            told.contended(invoiceId);
        } else {
            told.leftOrGivenUp(attempt);
        }
        written.anomalies().forEach(what -> told.anomaly(invoiceId, what));
    }

    /** Counted after it was told: when the run returns, its listeners have heard everything. */
    void leave(Written written, @Nullable Error error, boolean takenOver, RunInProgress run) {
        slots.release();
        BillingAttempt attempt = written.attempt();
        Throwable failure = error != null ? error : written.failure();
        if (failure != null) {
            run.failed(failure, attempt, takenOver);
        } else if (attempt == null) {
            run.contended();
        } else {
            // What was set aside before says nothing new.
            run.settled(attempt, takenOver, takenOver ? null : written.ownFault());
        }
    }

    /** What became of it is not known here: the journal has it, and the run ends. */
    void lost(Throwable e, RunInProgress run) {
        slots.release();
        run.failed(e, null, false);
    }
}
