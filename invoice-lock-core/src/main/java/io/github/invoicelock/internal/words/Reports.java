package io.github.invoicelock.internal.words;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.Act;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.NextState;
import io.github.invoicelock.internal.judgement.Judgement;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.util.Optional;
import org.jooq.DSLContext;

/** The provider's own messages to the host: webhooks, for example. May come at any time, and more than once. */
public final class Reports {
    private final String biller;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Settlements settlements;
    private final Judgement judgement;
    private final OutsideWriting writing;

    public Reports(String biller, Tables tables, Settlements settlements, Judgement judgement, OutsideWriting writing) {
        this.biller = biller;
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.settlements = settlements;
        this.judgement = judgement;
        this.writing = writing;
    }

    /** The provider told the host what became of a key. */
    public void report(String idempotencyKey, BillingOutcome outcome) {
        BillingAttempt attempt = database.inTransaction(
                        tx -> journal.inquiries().ofKey(tx, idempotencyKey))
                .orElseThrow(() -> new InvoiceLockException("There is no attempt with the idempotency key "
                        + idempotencyKey + " of the biller \"" + biller
                        + "\". Report only what carries a key from BillingRequest.idempotencyKey()."));
        String invoiceId = attempt.invoiceId();
        boolean touches =
                switch (outcome.kind()) {
                    case BILLED -> true;
                    case DECLINED -> invoices.marks().marksDeclined();
                    case ACCEPTED, NOT_BILLED, UNKNOWN -> false;
                };
        Written written = OutsideWriting.unlessHeld(
                invoiceId,
                "reported on",
                () -> writing.write(
                        invoiceId,
                        touches,
                        (tx, marks) -> outcome.kind() == BillingOutcome.Kind.BILLED
                                ? billed(tx, attempt, outcome, marks)
                                : reported(tx, attempt, outcome, marks)));
        if (written.attempt() != null) {
            writing.tell(invoiceId, outcome, written);
        }
    }

    private Written billed(DSLContext tx, BillingAttempt attempt, BillingOutcome outcome, OutsideWriting.Marks marks) {
        NextState next =
                NextState.billed(((BillingOutcome.Billed) outcome).reference()).uncalled();
        return settlements.billWhole(tx, attempt, marks.of(next), Act.REPORTED);
    }

    /** R5: what is not final waits for the attempt's present owner, who is about to learn it; and never replaces what is. */
    private Written reported(
            DSLContext tx, BillingAttempt attempt, BillingOutcome outcome, OutsideWriting.Marks marks) {
        InvoiceAttempts all = journal.inquiries().lock(tx, attempt.invoiceId(), false);
        Optional<AttemptRow> open = all.withId(attempt.id()).filter(Reports::isOpen);
        if (open.isEmpty() || outcome.kind() == BillingOutcome.Kind.UNKNOWN) {
            return Written.CONTENDED;
        }
        NextState next = sendable(open.get().attempt(), judgement.of(open.get(), all.clock(), outcome));
        if (!settlements.touchesInvoice(next) || all.billed().isPresent()) {
            NextState counted = Resolutions.mayHaveBeenSent(open.get().attempt()) ? next.counted() : next;
            return Written.as(journal.outcomes().writeLocked(tx, open.get().attempt(), counted, Act.REPORTED));
        }
        NextState marked = marks.of(settlements.markedNow(next));
        BillingAttempt written = journal.outcomes().writeLocked(tx, open.get().attempt(), marked, Act.REPORTED);
        if (marked.due() == null) {
            invoices.marks().markDeclined(tx, attempt.invoiceId());
        }
        return Written.as(written);
    }

    /** R4: a key whose request is not kept any more, since it had been refused, is not sent again; a person may try a new one. */
    private static NextState sendable(BillingAttempt attempt, NextState next) {
        boolean another = next.state() == AttemptState.NOT_BILLED && attempt.invoice() == null && attempt.calls() > 0;
        return another
                ? NextState.refused("not_billed", String.valueOf(next.message()))
                        .uncalled()
                : next;
    }

    private static boolean isOpen(AttemptRow row) {
        return switch (row.attempt().state()) {
            case ACCEPTED, IN_DOUBT, NOT_BILLED -> true;
            case STARTED, DECLINED, BILLED, WITHDRAWN -> false;
        };
    }
}
