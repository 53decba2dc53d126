package io.github.invoicelock.internal.words;

import static io.github.invoicelock.AttemptState.BILLED;
import static io.github.invoicelock.AttemptState.DECLINED;
import static io.github.invoicelock.AttemptState.NOT_BILLED;
import static io.github.invoicelock.AttemptState.STARTED;
import static io.github.invoicelock.AttemptState.WITHDRAWN;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingOutcome.Accepted;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.BillingOutcome.Declined;
import io.github.invoicelock.BillingOutcome.NotBilled;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.NextState;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jooq.DSLContext;

/** The words of people: each is decided over all attempts of its invoice, under their locks (R18). */
public final class Resolutions {
    private static final Duration LONGEST_DELAY = Duration.ofDays(31);

    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Settlements settlements;
    private final OutsideWriting writing;

    public Resolutions(Tables tables, Settlements settlements, OutsideWriting writing) {
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.settlements = settlements;
        this.writing = writing;
    }

    /** A person decides what became of an invoice's newest attempt. */
    public void resolve(String given, BillingOutcome outcome, String who, String note) {
        NextState next = resolution(given, outcome);
        String invoiceId = printed(given, "resolved");
        boolean touches = settlements.touchesInvoice(next);
        Written written = OutsideWriting.unlessHeld(
                invoiceId,
                "resolved",
                () -> writing.write(invoiceId, touches, (tx, marks) -> {
                    Written word = resolve(tx, invoiceId, next, marks);
                    BillingAttempt attempt = word.attempt();
                    return attempt == null
                            ? word
                            : Written.as(journal.outcomes().noted(tx, attempt, who, note), word.anomalies());
                }));
        writing.tell(invoiceId, outcome, written);
    }

    private Written resolve(DSLContext tx, String invoiceId, NextState next, OutsideWriting.Marks marks) {
        InvoiceAttempts all = journal.inquiries().lock(tx, invoiceId, false);
        AttemptRow newest = decidable(all, invoiceId, "resolved");
        Optional<AttemptRow> charged = all.billed();
        if (charged.isPresent()) {
            return besideACharge(tx, all, charged.get().attempt(), next, marks);
        }
        if (next.state() == BILLED) {
            return settlements.billWhole(tx, newest.attempt(), marks.of(next));
        }
        refuseAnotherRequest(newest.attempt(), next);
        if (next.state() == NOT_BILLED && mayHaveBeenSent(newest.attempt())) {
            // R4: from now on the journal knows that its key was sent, and keeps what was sent with it.
            return Written.as(journal.outcomes().writeLocked(tx, newest.attempt(), next.counted()));
        }
        // What a refusal has marked before, the host may have set otherwise since.
        boolean refusedBefore = newest.is(DECLINED) && newest.attempt().dueAt() == null;
        if (next.state() != DECLINED || refusedBefore || !invoices.marks().marksDeclined()) {
            return Written.as(journal.outcomes().writeLocked(tx, newest.attempt(), next));
        }
        NextState marked = marks.of(next);
        BillingAttempt written = journal.outcomes().writeLocked(tx, newest.attempt(), marked);
        if (marked.due() == null) {
            invoices.marks().markDeclined(tx, invoiceId);
        }
        return Written.as(written);
    }

    /** R18: beside a charge there is no word but BILLED. One that is known already settles what still waits for a person. */
    private Written besideACharge(
            DSLContext tx, InvoiceAttempts all, BillingAttempt charged, NextState next, OutsideWriting.Marks marks) {
        String reference = next.reference();
        if (next.state() != BILLED || reference == null) {
            throw billedAlready(charged.invoiceId(), charged, "resolved");
        }
        List<BillingAttempt> told = all.rows().stream()
                .map(AttemptRow::attempt)
                .filter(attempt -> attempt.cause() == AttemptCause.SECOND_CHARGE)
                .toList();
        boolean known = told.stream().anyMatch(attempt -> settlements.names(attempt, reference));
        if (known) {
            told.forEach(attempt -> journal.outcomes().acknowledged(tx, attempt));
            return Written.as(journal.inquiries().attempts(tx, charged.invoiceId()).stream()
                    .filter(attempt -> attempt.id() == told.get(0).id())
                    .findFirst()
                    .orElseThrow());
        }
        BillingAttempt newest = all.newest().orElseThrow().attempt();
        boolean sameCharge = settlements.names(charged, reference);
        if (sameCharge && newest.state() == BILLED) {
            throw billedAlready(charged.invoiceId(), charged, "resolved");
        }
        return sameCharge
                ? Written.as(journal.outcomes()
                        .writeLocked(
                                tx,
                                newest,
                                NextState.withdrawn("The invoice was charged by attempt " + charged.number() + ".")
                                        .uncalled()))
                : settlements.billWhole(tx, newest, marks.of(next));
    }

    /** R4: another request under a key that was sent must not be, and without its snapshot it would be another. */
    private static void refuseAnotherRequest(BillingAttempt attempt, NextState next) {
        if (next.state() != NOT_BILLED) {
            return;
        }
        if (attempt.state() == DECLINED) {
            throw new InvoiceLockException("Invoice " + attempt.invoiceId()
                    + " cannot be resolved as notBilled: the key of its attempt " + attempt.number()
                    + " was refused for good, so it is never sent again. Call retry, which sends a new key.");
        }
        if (attempt.invoice() == null && attempt.calls() > 0) {
            throw new InvoiceLockException("Invoice " + attempt.invoiceId()
                    + " cannot be resolved as notBilled: the key of its attempt " + attempt.number()
                    + " was sent, and what was sent with it is not kept any more, so it is never sent again. Resolve it as "
                    + "declined, then call retry, which sends a new key.");
        }
    }

    /** Its server died before it could count the call. */
    public static boolean mayHaveBeenSent(BillingAttempt attempt) {
        return attempt.calls() == 0 && (attempt.state() == STARTED || attempt.state() == AttemptState.IN_DOUBT);
    }

    private static NextState resolution(String invoiceId, BillingOutcome outcome) {
        return switch (outcome.kind()) {
            case BILLED -> NextState.billed(((Billed) outcome).reference()).uncalled();
            case DECLINED ->
                NextState.closed(((Declined) outcome).code(), ((Declined) outcome).reason())
                        .uncalled();
            case NOT_BILLED -> {
                Duration after = ((NotBilled) outcome).retryAfter();
                yield NextState.notBilled(
                                bounded(invoiceId, after == null ? Duration.ZERO : after),
                                ((NotBilled) outcome).reason())
                        .uncalled();
            }
            case ACCEPTED ->
                NextState.accepted(
                                ((Accepted) outcome).reference(),
                                bounded(invoiceId, ((Accepted) outcome).askAgainAfter()))
                        .uncalled();
            case UNKNOWN ->
                throw new InvoiceLockException(
                        "Invoice " + invoiceId + " cannot be resolved as " + outcome
                                + ": that decides nothing. Say billed, declined or notBilled, as the provider's dashboard shows.");
        };
    }

    private static Duration bounded(String invoiceId, Duration delay) {
        if (delay.compareTo(LONGEST_DELAY) > 0) {
            throw new InvoiceLockException("Invoice " + invoiceId + " cannot be resolved to be looked at after " + delay
                    + ": that is longer than " + LONGEST_DELAY + ". Say a shorter delay.");
        }
        return delay;
    }

    /** A person releases an attempt that was parked, declined, withdrawn or set aside: it is due at once. */
    public void retry(String given) {
        String invoiceId = printed(given, "retried");
        OutsideWriting.unlessHeld(invoiceId, "retried", () -> database.inTransaction(tx -> retry(tx, invoiceId)));
    }

    private BillingAttempt retry(DSLContext tx, String invoiceId) {
        InvoiceAttempts all = journal.inquiries().lock(tx, invoiceId, false);
        Optional<BillingAttempt> charged = all.billed().map(AttemptRow::attempt);
        if (charged.isPresent()) {
            boolean unmarked = charged.get().dueAt() != null;
            if (unmarked && charged.get().cause() == AttemptCause.OWN_DATA_FAILS) {
                return journal.outcomes().makeDue(tx, charged.get(), BILLED);
            }
            throw billedAlready(invoiceId, charged.get(), "retried");
        }
        AttemptRow newest = decidable(all, invoiceId, "retried");
        AttemptState state = newest.attempt().state();
        boolean mayBeSent = state == NOT_BILLED || state == DECLINED || state == WITHDRAWN;
        if (mayBeSent && invoices.candidates().pendingOf(tx, List.of(invoiceId)).isEmpty()) {
            throw new InvoiceLockException("Invoice " + invoiceId
                    + " cannot be retried: it is not pending. Set it back to pending first, then retry.");
        }
        return journal.outcomes().makeDue(tx, newest.attempt(), state == WITHDRAWN ? NOT_BILLED : state);
    }

    /** The id as the row prints it; of a row that is gone, as the journal has it. */
    private String printed(String given, String what) {
        return database.inTransaction(tx -> {
            Optional<String> printed = invoices.ids().printed(tx, given);
            if (printed.isEmpty() && journal.inquiries().attempts(tx, given).isEmpty()) {
                throw new InvoiceLockException("Invoice " + given + " cannot be " + what
                        + ": there is no such invoice in " + invoices.qualifiedName() + ". Check the id.");
            }
            return printed.orElse(given);
        });
    }

    private static AttemptRow decidable(InvoiceAttempts all, String invoiceId, String what) {
        AttemptRow row = all.newest()
                .orElseThrow(
                        () -> new InvoiceLockException(
                                "Invoice " + invoiceId + " cannot be " + what
                                        + ": the journal has no attempt of it. If it is pending and billable, billPending() takes it up."));
        BillingAttempt newest = row.attempt();
        boolean leased = newest.state() == STARTED
                && newest.dueAt() != null
                && all.clock().isBefore(newest.dueAt());
        if (leased) {
            throw new InvoiceLockException("Invoice " + invoiceId + " cannot be " + what + ": its attempt "
                    + newest.number() + " (key " + newest.idempotencyKey() + ") is being called by server "
                    + newest.owner() + " until " + newest.dueAt() + ". Wait for that, or for recover().");
        }
        return row;
    }

    private static InvoiceLockException billedAlready(String invoiceId, BillingAttempt charged, String what) {
        return new InvoiceLockException("Invoice " + invoiceId + " cannot be " + what + ": it was billed as "
                + charged.reference() + " (attempt " + charged.number() + ", key " + charged.idempotencyKey() + ").");
    }
}
