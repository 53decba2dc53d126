package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.limits.Pace;
import io.github.invoicelock.internal.run.RunInProgress;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Written;
import java.time.Duration;
import java.util.Optional;

/** The last look at a claim before its call, while nothing is locked and no connection is held: may it leave, and is it in time? */
final class LastLook {
    private static final String NO_MOMENT = "No moment was there for the call in time; it was not made";

    private final Settlements settlements;
    private final Pace pace;

    LastLook(Settlements settlements, Pace pace) {
        this.settlements = settlements;
        this.pace = pace;
    }

    /** What became of a claim that is not to be called: it was given back. Empty if it may leave now. */
    Optional<Written> at(Claim claim, RunInProgress run) {
        try {
            if (!run.givesBack(claim) && pace.leave(() -> run.givesBack(claim) || tooLate(claim))) {
                return Optional.empty();
            }
        } catch (InterruptedException e) {
            run.interrupted();
            Thread.currentThread().interrupt();
            return Optional.of(settlements.release(claim, Duration.ZERO, Calling.GIVEN_BACK));
        } catch (RuntimeException e) {
            // The journal could not be asked for a moment: no invoice's fault.
            return Optional.of(settlements.uncalled(claim, e, false));
        }
        return Optional.of(
                settlements.release(claim, Duration.ZERO, run.givesBack(claim) ? Calling.GIVEN_BACK : NO_MOMENT));
    }

    private static boolean tooLate(Claim claim) {
        return System.nanoTime() - claim.lastStart() >= 0;
    }
}
