package io.github.invoicelock.internal.words;

import static io.github.invoicelock.AttemptState.BILLED;
import static io.github.invoicelock.AttemptState.DECLINED;
import static io.github.invoicelock.AttemptState.NOT_BILLED;
import static io.github.invoicelock.AttemptState.STARTED;
import static io.github.invoicelock.AttemptState.WITHDRAWN;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingOutcome.Accepted;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.BillingOutcome.Declined;
import io.github.invoicelock.BillingOutcome.NotBilled;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.Act;
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
import org.jspecify.annotations.Nullable;

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

    /**
     * A word of a person's.
     *
     * @param given the invoice's id
     * @param seen what they looked at; null: whatever there is
     * @param who says so
     * @param note how they know
     */
    public record Word(String given, @Nullable BillingAttempt seen, String who, String note) {
        /** The same, of the id as the row prints it. */
        private Word of(String printed) {
            return new Word(printed, seen, who, note);
        }

        private Act act(AttemptEvent.What what) {
            return Act.by(who, what, note);
        }
    }

    /** A person decides what became of an invoice's newest attempt. */
    public void resolve(Word word, BillingOutcome outcome) {
        NextState next = resolution(word.given(), outcome);
        String invoiceId = printed(word.given(), "resolved");
        Written written = OutsideWriting.unlessHeld(
                invoiceId,
                "resolved",
                () -> writing.write(
                        invoiceId,
                        settlements.touchesInvoice(next),
                        (tx, marks) -> resolve(tx, word.of(invoiceId), next, marks)));
        if (written.attempt() != null) {
            writing.tellWord(AttemptEvent.What.RESOLVED, word.who(), written.attempt());
        }
        writing.tell(invoiceId, outcome, written);
    }

    /** What would be refused is refused, and nothing is written. */
    void tryToResolve(DSLContext tx, Word word, BillingOutcome outcome) {
        NextState next = resolution(word.given(), outcome);
        InvoiceAttempts all = journal.inquiries().look(tx, word.given());
        AttemptRow newest = decidable(tx, all, word, "resolved");
        Optional<AttemptRow> charged = all.billed();
        if (charged.isPresent()) {
            refuseBesideACharge(all, charged.get().attempt(), next);
        } else {
            refuseAnotherRequest(newest, all, next);
        }
    }

    private AttemptRow decidable(DSLContext tx, InvoiceAttempts all, Word word, String what) {
        Refusals.refuseChanged(all, word.seen(), what, () -> journal.events().ofInvoice(tx, word.given()));
        return Refusals.decidable(all, word.given(), what);
    }

    private Written resolve(DSLContext tx, Word word, NextState next, OutsideWriting.Marks marks) {
        Act act = word.act(AttemptEvent.What.RESOLVED);
        InvoiceAttempts all = journal.inquiries().lock(tx, word.given(), false);
        AttemptRow newest = decidable(tx, all, word, "resolved");
        Optional<AttemptRow> charged = all.billed();
        if (charged.isPresent()) {
            refuseBesideACharge(all, charged.get().attempt(), next);
            return besideACharge(tx, all, next, marks, act);
        }
        if (next.state() == BILLED) {
            return settlements.billWhole(tx, newest.attempt(), marks.of(next), act);
        }
        refuseAnotherRequest(newest, all, next);
        if (next.state() == NOT_BILLED && mayHaveBeenSent(newest.attempt())) {
            // R4: from now on the journal knows that its key was sent, and keeps what was sent with it.
            return Written.as(journal.outcomes().writeLocked(tx, newest.attempt(), next.counted(), act));
        }
        // What a refusal has marked before, the host may have set otherwise since.
        boolean refusedBefore = newest.is(DECLINED) && newest.attempt().dueAt() == null;
        if (next.state() != DECLINED || refusedBefore || !invoices.marks().marksDeclined()) {
            return Written.as(journal.outcomes().writeLocked(tx, newest.attempt(), next, act));
        }
        NextState marked = marks.of(next);
        BillingAttempt written = journal.outcomes().writeLocked(tx, newest.attempt(), marked, act);
        if (marked.due() == null) {
            invoices.marks().markDeclined(tx, word.given());
        }
        return Written.as(written);
    }

    private static List<BillingAttempt> toldOfASecondCharge(InvoiceAttempts all) {
        return all.rows().stream()
                .map(AttemptRow::attempt)
                .filter(attempt -> attempt.cause() == AttemptCause.SECOND_CHARGE)
                .toList();
    }

    /** R18: beside a charge there is no word but BILLED, and that only where it says something new or settles what waits. */
    private void refuseBesideACharge(InvoiceAttempts all, BillingAttempt charged, NextState next) {
        String reference = next.reference();
        if (next.state() != BILLED || reference == null) {
            throw Refusals.billedAlready(charged, "resolved");
        }
        boolean acknowledges = toldOfASecondCharge(all).stream().anyMatch(told -> settlements.names(told, reference));
        boolean newestIsCharged = all.newest().filter(row -> row.is(BILLED)).isPresent();
        if (!acknowledges && settlements.names(charged, reference) && newestIsCharged) {
            throw Refusals.billedAlready(charged, "resolved");
        }
    }

    /** One that is known already settles what still waits for a person. */
    private Written besideACharge(
            DSLContext tx, InvoiceAttempts all, NextState next, OutsideWriting.Marks marks, Act act) {
        BillingAttempt charged = all.billed().orElseThrow().attempt();
        String reference = String.valueOf(next.reference());
        List<BillingAttempt> told = toldOfASecondCharge(all);
        if (told.stream().anyMatch(attempt -> settlements.names(attempt, reference))) {
            return told.stream().map(attempt -> journal.outcomes().acknowledged(tx, attempt, act)).toList().stream()
                    .findFirst()
                    .map(Written::as)
                    .orElseThrow();
        }
        BillingAttempt newest = all.newest().orElseThrow().attempt();
        return settlements.names(charged, reference)
                ? Written.as(journal.outcomes()
                        .writeLocked(
                                tx,
                                newest,
                                NextState.withdrawn("The invoice was charged by attempt " + charged.number() + ".")
                                        .uncalled(),
                                act))
                : settlements.billWhole(tx, newest, marks.of(next), act);
    }

    /** R4: another request under a key that was sent must not be, and without its snapshot it would be another. */
    private static void refuseAnotherRequest(AttemptRow row, InvoiceAttempts all, NextState next) {
        if (next.state() != NOT_BILLED) {
            return;
        }
        BillingAttempt attempt = row.attempt();
        if (attempt.state() == DECLINED) {
            throw Refusals.refused(
                    Refusal.KEY_REFUSED,
                    attempt.invoiceId(),
                    "resolved as notBilled",
                    "the key of its attempt " + attempt.number()
                            + " was refused for good, so it is never sent again. Call retry, which sends a new key.");
        }
        if (attempt.invoice() == null && attempt.calls() > 0) {
            throw Refusals.refused(
                    Refusal.REQUEST_NOT_KEPT,
                    attempt.invoiceId(),
                    "resolved as notBilled",
                    "the key of its attempt " + attempt.number()
                            + " was sent, and what was sent with it is not kept any more, so it is never sent again. Resolve it as "
                            + "declined, then call retry, which sends a new key.");
        }
        Refusals.refuseOnItsWay(row, all.clock());
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
                throw Refusals.refused(
                        Refusal.DECIDES_NOTHING,
                        invoiceId,
                        "resolved as " + outcome,
                        "that decides nothing. Say billed, declined or notBilled, as the provider's dashboard shows.");
        };
    }

    private static Duration bounded(String invoiceId, Duration delay) {
        if (delay.compareTo(LONGEST_DELAY) > 0) {
            throw Refusals.refused(
                    Refusal.DELAY_TOO_LONG,
                    invoiceId,
                    "resolved to be looked at after " + delay,
                    "that is longer than " + LONGEST_DELAY + ". Say a shorter delay.");
        }
        return delay;
    }

    /** A person releases an attempt that was parked, declined, withdrawn or set aside: it is due at once. */
    public void retry(Word word) {
        String invoiceId = printed(word.given(), "retried");
        BillingAttempt released = OutsideWriting.unlessHeld(
                invoiceId,
                "retried",
                () -> database.inTransaction(tx -> {
                    InvoiceAttempts all = journal.inquiries().lock(tx, invoiceId, false);
                    BillingAttempt attempt = releasable(tx, all, word.of(invoiceId));
                    AttemptState next = attempt.state() == WITHDRAWN ? NOT_BILLED : attempt.state();
                    return journal.outcomes().makeDue(tx, attempt, next, word.act(AttemptEvent.What.RETRIED));
                }));
        writing.tellWord(AttemptEvent.What.RETRIED, word.who(), released);
    }

    /** What would be refused is refused, and nothing is written. */
    void tryToRetry(DSLContext tx, Word word) {
        releasable(tx, journal.inquiries().look(tx, word.given()), word);
    }

    private BillingAttempt releasable(DSLContext tx, InvoiceAttempts all, Word word) {
        Refusals.refuseChanged(
                all, word.seen(), "retried", () -> journal.events().ofInvoice(tx, word.given()));
        Optional<BillingAttempt> charged = all.billed().map(AttemptRow::attempt);
        if (charged.isPresent()) {
            boolean unmarked = charged.get().dueAt() != null;
            if (unmarked && charged.get().cause() == AttemptCause.OWN_DATA_FAILS) {
                return charged.get();
            }
            throw Refusals.billedAlready(charged.get(), "retried");
        }
        AttemptRow newest = Refusals.decidable(all, word.given(), "retried");
        if (newest.is(DECLINED) && journal.events().closedInDoubt(tx, newest.attempt())) {
            Refusals.refuseOnItsWay(newest, all.clock());
        }
        boolean onlyToBeMarked = newest.unmarked() && newest.attempt().cause() == AttemptCause.OWN_DATA_FAILS;
        boolean mayBeSent = newest.is(NOT_BILLED) || newest.is(DECLINED) || newest.is(WITHDRAWN);
        if (mayBeSent
                && !onlyToBeMarked
                && invoices.candidates().pendingOf(tx, List.of(word.given())).isEmpty()) {
            throw Refusals.refused(
                    Refusal.NOT_PENDING,
                    word.given(),
                    "retried",
                    "it is not pending. Set it back to pending first, then retry.");
        }
        return newest.attempt();
    }

    /** The id as the row prints it; of a row that is gone, as the journal has it. */
    private String printed(String given, String what) {
        return database.inTransaction(tx -> {
            Optional<String> printed = invoices.ids().printed(tx, given);
            if (printed.isEmpty() && journal.inquiries().attempts(tx, given).isEmpty()) {
                throw Refusals.refused(
                        Refusal.NO_SUCH_INVOICE,
                        given,
                        what,
                        "there is no such invoice in " + invoices.qualifiedName() + ". Check the id.");
            }
            return printed.orElse(given);
        });
    }
}
