package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.internal.engine.Calling.Called;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.limits.Pace;
import io.github.invoicelock.internal.run.RunInProgress;
import io.github.invoicelock.internal.run.Slots;
import io.github.invoicelock.internal.settlement.Written;
import java.util.List;
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

    /** Tells of calls whose outcomes were settled together. What the host's objects do meanwhile is nothing to lose a slot for (R20). */
    void tell(List<Called> settled, long since) {
        try {
            Notices.Batch told = notices.batch().settleTook(settled.size(), since);
            settled.forEach(each -> tell(told, each));
            told.tell();
        } catch (Throwable e) {
            notices.notTold(settled.get(0).claim().invoiceId(), e);
        }
    }

    private void tell(Notices.Batch told, Called called) {
        Throwable thrown = called.answer().thrown();
        String invoiceId = called.claim().invoiceId();
        if (thrown != null && called.run().firstOfItsKind(thrown)) {
            notices.gatewayThrew(invoiceId, called.claim().claimed().invoice(), thrown);
        }
        BillingAttempt attempt = called.written().attempt();
        if (attempt != null) {
            told.settled(attempt, called.answer().outcome(), called.answer().callTime());
        }
        tell(told, invoiceId, called.written());
    }

    /** It leaves the run after its call. */
    void leave(Called called) {
        leave(
                called.written(),
                called.answer().thrown() instanceof Error error ? error : null,
                called.claim().takenOver(),
                called.run());
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
    private void leave(Written written, @Nullable Error error, boolean takenOver, RunInProgress run) {
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
