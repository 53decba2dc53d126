package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.settlement.Settlements;
import java.util.function.BiConsumer;

/** Writes what comes after a call was cut off: nobody waits for it any more, and a charge is a charge (R5). */
final class LateAnswers implements BiConsumer<Claim, BillingOutcome> {
    private final Settlements settlements;
    private final Notices notices;

    LateAnswers(Settlements settlements, Notices notices) {
        this.settlements = settlements;
        this.notices = notices;
    }

    @Override
    public void accept(Claim claim, BillingOutcome outcome) {
        try {
            settlements
                    .writeLate(claim, outcome)
                    .ifPresent(written -> written.tell(notices, claim.invoiceId(), outcome));
        } catch (Throwable e) {
            notices.lateAnswerLost(claim.invoiceId(), e);
        }
    }
}
