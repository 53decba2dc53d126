package io.github.invoicelock.internal.words;

import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.journal.Act;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.settlement.Tables;

/** What a person proposes and a second one is to say. Nothing is changed by it. */
public final class Proposals {
    private final Database database;
    private final Journal journal;
    private final Resolutions resolutions;
    private final OutsideWriting writing;

    Proposals(Tables tables, Resolutions resolutions, OutsideWriting writing) {
        this.database = tables.database();
        this.journal = tables.journal();
        this.resolutions = resolutions;
        this.writing = writing;
    }

    /** Written down, unless the word itself would be refused. */
    public void propose(BillingAttempt seen, BillingOutcome outcome, String note, String who) {
        database.inTransaction(tx -> {
            resolutions.tryToResolve(tx, new Resolutions.Word(seen.invoiceId(), seen, who, note), outcome);
            Act act = new Act(AttemptEvent.What.PROPOSED, who, note, "Proposes " + outcome.kind());
            journal.events().add(tx, seen, seen.state(), act);
            return seen;
        });
        writing.tellWord(AttemptEvent.What.PROPOSED, who, seen);
    }
}
