package io.github.invoicelock.internal.settlement;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Act;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.NextState;
import io.github.invoicelock.internal.journal.Outcomes;
import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.judgement.Judgement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jooq.DSLContext;

/**
 * Writes outcomes: into the journal, then to the invoice's row, in one transaction; or, where the host holds the row or it cannot be marked,
 * into the journal alone (R12). The row is marked because the journal says so (R21).
 */
public final class Settlements {
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Judgement judgement;
    private final Marking marking;
    private final SessionSettings oneRow;
    private final SessionSettings manyRows;

    public Settlements(BillerSettings settings, Tables tables, Judgement judgement, Marking marking) {
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.judgement = judgement;
        this.marking = marking;
        this.oneRow = SessionSettings.momentary(settings.idleLimit(), SessionSettings.Work.ONE_ROW);
        this.manyRows = SessionSettings.momentary(settings.idleLimit(), SessionSettings.Work.MANY_ROWS);
    }

    /** Writes an outcome in a transaction of its own. */
    public Written write(Claim claim, Answer answer) {
        return write(claim, answer, judgement.of(claim, answer), claim.straight());
    }

    private Written write(Claim claim, Answer answer, NextState next, boolean straight) {
        boolean touchesInvoice = touchesInvoice(next);
        try {
            return database.inTransaction(oneRow, tx -> {
                if (touchesInvoice) {
                    invoices.rowLocks().lock(claim.invoiceId(), RowWait.NOWAIT).in(tx);
                }
                return writeLocked(tx, claim, answer, next, straight);
            });
        } catch (MarkedTooEarly e) {
            return write(claim, answer, next, false);
        } catch (LockNotAvailableException e) {
            return writeJournal(claim, answer, next.markedLater(Outcomes.MARK_AGAIN));
        } catch (RuntimeException e) {
            return rescue(claim, answer, next, e);
        } catch (Error e) {
            try {
                writeJournal(claim, answer, touchesInvoice ? next.markedLater(Outcomes.MARK_AGAIN) : next);
            } catch (Throwable again) {
                throw with(again, e);
            }
            throw e;
        }
    }

    /** R20: an Error, of the host's DataSource say, ends the run; what another try at writing met is told with it. */
    public static Error with(Throwable again, Error failure) {
        if (again != failure) {
            failure.addSuppressed(again);
        }
        return failure;
    }

    /**
     * Writes an outcome in a transaction that holds the invoice's lock, where the outcome touches the invoice.
     *
     * @throws MarkedTooEarly where it is to be written by {@link #write} instead
     */
    public Written writeLocked(DSLContext tx, Claim claim, Answer answer) {
        return writeLocked(tx, claim, answer, judgement.of(claim, answer), claim.straight());
    }

    private Written writeLocked(DSLContext tx, Claim claim, Answer answer, NextState next, boolean straight) {
        if (answer.outcome() instanceof Billed billed) {
            return straight && answer.source() != Answer.Source.LATE
                    ? marking.markWith(
                            tx,
                            journal.outcomes().billed(claim.attempt(), billed.reference()),
                            claim.invoiceId(),
                            journal.outcomes().stored(billed.reference()))
                    : billWhole(tx, claim.attempt(), next, act(answer));
        }
        // R18: a refusal of this key marks nothing where another attempt was charged meanwhile.
        boolean marks = touchesInvoice(next) && !chargedBeside(tx, claim.attempt());
        Optional<BillingAttempt> written =
                journal.outcomes().writeOwned(tx, claim.attempt(), markedNow(next), act(answer));
        if (written.isEmpty()) {
            return superseded(tx, claim);
        }
        if (marks) {
            invoices.marks().markDeclined(tx, claim.invoiceId());
        }
        boolean neverSeen = next.state() == AttemptState.NOT_BILLED && answer.source() == Answer.Source.FIND;
        return new Written(written.get(), neverSeen, List.of(), null, null);
    }

    private static Act act(Answer answer) {
        return switch (answer.source()) {
            case NOBODY -> Act.GIVEN_BACK;
            case FIND, FAILED_FIND, BILL -> Act.SETTLED;
            case LATE -> Act.LATE_ANSWER;
            case WEBHOOK -> Act.REPORTED;
        };
    }

    private boolean chargedBeside(DSLContext tx, BillingAttempt attempt) {
        return attempt.number() > 1
                && journal.inquiries().attempts(tx, attempt.invoiceId()).stream()
                        .anyMatch(other -> other.state() == AttemptState.BILLED);
    }

    /** A refusal that is marked in the same transaction is closed: the host knows by a column of its own. */
    public NextState markedNow(NextState next) {
        return next.refusedForGood() && invoices.marks().marksDeclined()
                ? NextState.closed(next.code(), next.message())
                : next;
    }

    public boolean touchesInvoice(NextState next) {
        return next.state() == AttemptState.BILLED
                || (next.refusedForGood() && invoices.marks().marksDeclined());
    }

    /**
     * Writes BILLED over all attempts of the invoice (R5, R18), whoever owns this one by now, and marks the invoice if the journal came to
     * say it just now and this transaction holds the row.
     *
     * @param next BILLED, marked now or later
     * @param act who says so
     */
    public Written billWhole(DSLContext tx, BillingAttempt attempt, NextState next, Act act) {
        InvoiceAttempts all = journal.inquiries().lock(tx, attempt.invoiceId(), false);
        AttemptRow row = all.withId(attempt.id())
                .orElseThrow(() -> new IllegalStateException("No such attempt any more: " + attempt));
        String reference = requireNonNull(next.reference(), "a charge has a reference");
        boolean later = next.due() != null;
        if (row.is(AttemptState.BILLED)) {
            return billedBefore(tx, row, reference, later, act);
        }
        List<String> anomalies = new ArrayList<>();
        if (row.is(AttemptState.DECLINED)) {
            anomalies.add("Key " + row.attempt().idempotencyKey() + " was charged after it had been refused.");
        }
        Optional<AttemptRow> beside = all.billedBeside(attempt.id());
        if (beside.isEmpty()) {
            Act told = anomalies.isEmpty() ? act : act.saying(anomalies.get(0));
            BillingAttempt billed = journal.outcomes().writeLocked(tx, row.attempt(), next, told);
            if (!later) {
                anomalies.addAll(marking.mark(tx, billed));
            }
            return Written.as(billed, anomalies);
        }
        // R23: told from what was written, and kept where people find it. The row is marked for the first charge alone.
        String what = "Charged twice: as " + beside.get().attempt().reference() + " by attempt "
                + beside.get().attempt().number() + ", and as " + reference + " by attempt " + attempt.number()
                + ". Refund one of them.";
        anomalies.add(what);
        NextState second = NextState.billed(reference).secondCharge(what);
        return Written.as(
                journal.outcomes().writeLocked(tx, row.attempt(), next.called() ? second : second.uncalled(), act),
                anomalies);
    }

    /** The journal knew; if the row was still to be marked, this transaction does it, with the journal's reference (R21). */
    private Written billedBefore(DSLContext tx, AttemptRow row, String reference, boolean later, Act act) {
        BillingAttempt now = row.attempt();
        List<String> anomalies = new ArrayList<>();
        if (!names(now, reference)) {
            String what = "Charged twice under one key: as " + now.reference() + ", and as " + reference
                    + ". Refund one of them.";
            anomalies.add(what);
            now = journal.outcomes()
                    .secondCharge(tx, now, now.message() == null ? what : now.message() + " " + what, act);
        }
        if (now.dueAt() != null && !later) {
            now = journal.outcomes().marked(tx, now, Act.MARKED);
            anomalies.addAll(marking.mark(tx, now));
        }
        return Written.as(now, anomalies);
    }

    /** Whether people have been told of a charge: it is the journal's own, or a second one that is named beside it. */
    public boolean names(BillingAttempt billed, String given) {
        String reference = journal.outcomes().stored(given);
        if (reference.equals(billed.reference())) {
            return true;
        }
        String told = billed.message() == null ? "" : billed.message();
        String named = " as " + reference;
        for (int at = told.indexOf(named); at >= 0; at = told.indexOf(named, at + 1)) {
            int end = at + named.length();
            // Not one that only begins so: behind a whole one comes a space, or a mark and a space.
            boolean whole = told.startsWith(" ", end) || (end < told.length() - 1 && told.charAt(end + 1) == ' ');
            if (whole) {
                return true;
            }
        }
        return false;
    }

    /** Writes many outcomes in one transaction; rows that the host holds are left for a later pass. */
    public List<Written> writeAll(List<Claim> claims, List<Answer> answers) {
        // The host's policy is asked before: its time is none of a transaction's.
        List<NextState> nexts = new ArrayList<>(claims.size());
        for (int i = 0; i < claims.size(); i++) {
            nexts.add(judgement.of(claims.get(i), answers.get(i)));
        }
        return database.inTransaction(manyRows, tx -> {
            Map<Long, Written> written = billAll(tx, claims, answers);
            for (int i = 0; i < claims.size(); i++) {
                Claim claim = claims.get(i);
                if (!written.containsKey(claim.attempt().id())) {
                    NextState next = nexts.get(i);
                    if (touchesInvoice(next)) {
                        invoices.rowLocks()
                                .lock(claim.invoiceId(), RowWait.NOWAIT)
                                .in(tx);
                    }
                    written.put(claim.attempt().id(), writeLocked(tx, claim, answers.get(i), next, false));
                }
            }
            return claims.stream()
                    .map(claim -> requireNonNull(written.get(claim.attempt().id())))
                    .toList();
        });
    }

    /** R21: rows are locked, the journal is written, and of those only what it newly billed is marked. */
    private Map<Long, Written> billAll(DSLContext tx, List<Claim> claims, List<Answer> answers) {
        Map<Long, BillingAttempt> straight = new LinkedHashMap<>();
        List<String> references = new ArrayList<>();
        for (int i = 0; i < claims.size(); i++) {
            if (claims.get(i).straight() && answers.get(i).outcome() instanceof Billed billed) {
                straight.put(claims.get(i).attempt().id(), claims.get(i).attempt());
                references.add(billed.reference());
            }
        }
        Map<Long, Written> written = new LinkedHashMap<>();
        if (straight.size() < 2) {
            return written;
        }
        List<BillingAttempt> charged = List.copyOf(straight.values());
        Set<String> locked = new HashSet<>(invoices.rowLocks()
                .lockUnlocked(charged.stream().map(BillingAttempt::invoiceId).toList())
                .in(tx));
        Set<Long> unmarked = new HashSet<>();
        charged.stream()
                .filter(attempt -> !locked.contains(attempt.invoiceId()))
                .forEach(attempt -> unmarked.add(attempt.id()));
        List<BillingAttempt> billed =
                journal.outcomes().billed(charged, references, unmarked).in(tx);
        Map<Long, List<String>> anomalies = marking.markAll(
                tx,
                billed.stream()
                        .filter(attempt -> locked.contains(attempt.invoiceId()))
                        .toList());
        billed.forEach(attempt ->
                written.put(attempt.id(), Written.as(attempt, anomalies.getOrDefault(attempt.id(), List.of()))));
        return written;
    }

    /** R5: a late answer that the invoice was charged is written, whoever owns the attempt by now. */
    public Optional<Written> writeLate(Claim claim, BillingOutcome outcome) {
        return outcome instanceof Billed
                ? Optional.of(write(claim, new Answer(outcome, Answer.Source.LATE, Duration.ZERO, null)))
                : Optional.empty();
    }

    /** Gives a claim back that was not called: due again at once, or a little later. */
    public Written release(Claim claim, Duration after, String reason) {
        return database.inTransaction(tx -> release(tx, claim, after, reason));
    }

    public Written release(DSLContext tx, Claim claim, Duration after, String reason) {
        return journal.outcomes()
                .writeOwned(tx, claim.attempt(), judgement.givenBack(claim, after, reason), Act.GIVEN_BACK)
                .map(Written::as)
                .orElse(Written.CONTENDED);
    }

    /** The invoice cannot be locked for its call, by its own data: nothing was sent. */
    private Written setAside(Claim claim, RuntimeException failure) {
        NextState next = claim.before() == AttemptState.NOT_BILLED
                ? NextState.setAside(Outcomes.MARK_AGAIN, HostCode.why(failure))
                : NextState.parked(AttemptState.IN_DOUBT, AttemptCause.OWN_DATA_FAILS, null, HostCode.why(failure));
        return database.inTransaction(tx -> journal.outcomes()
                .writeOwned(tx, claim.attempt(), next.uncalled(), Act.SET_ASIDE)
                .map(attempt -> Written.setAside(attempt, failure))
                .orElse(Written.CONTENDED));
    }

    /** An error before the call: the invoice's own sets it aside, any other gives the claim back and ends the run. */
    public Written uncalled(Claim claim, RuntimeException failure, boolean own) {
        try {
            return own
                    ? setAside(claim, failure)
                    : release(claim, Duration.ZERO, "An error before the call: " + failure.getMessage())
                            .failing(failure);
        } catch (RuntimeException again) {
            // It stays STARTED in the journal, to be found out about under the same key.
            failure.addSuppressed(again);
            throw failure;
        }
    }

    /** The invoice is not to be charged any more, and nothing was sent. */
    public Written withdraw(DSLContext tx, Claim claim, String why) {
        return journal.outcomes()
                .writeOwned(tx, claim.attempt(), NextState.withdrawn(why).uncalled(), Act.WITHDRAWN)
                .map(Written::as)
                .orElse(Written.CONTENDED);
    }

    /** R12: the truth is not delayed by anybody's lock, nor by a mark that fails. */
    private Written writeJournal(Claim claim, Answer answer, NextState next) {
        return database.inTransaction(oneRow, tx -> {
            if (answer.outcome() instanceof Billed) {
                return billWhole(tx, claim.attempt(), next, act(answer));
            }
            return journal.outcomes()
                    .writeOwned(tx, claim.attempt(), next, act(answer))
                    .map(Written::as)
                    .orElse(Written.CONTENDED);
        });
    }

    /**
     * A settlement failed. If that is this one invoice's own fault, the journal is written and the invoice set aside: others go on. Else the
     * journal is written if it can be, and the run ends.
     */
    public Written rescue(Claim claim, Answer answer, RuntimeException failure) {
        return rescue(claim, answer, judgement.of(claim, answer), failure);
    }

    /** Whether a failure is one invoice's own: its data's, or the host's hook's. */
    public static boolean isOwnFault(RuntimeException failure) {
        return failure instanceof HostCode.Fault || SqlStates.ofOneInvoice(failure);
    }

    private Written rescue(Claim claim, Answer answer, NextState next, RuntimeException failure) {
        boolean own = isOwnFault(failure);
        if (!touchesInvoice(next)) {
            if (own) {
                return writePlain(claim, answer, next, failure);
            }
            throw failure;
        }
        try {
            if (own) {
                Written written = writeJournal(claim, answer, next.markFailed(Duration.ZERO, HostCode.why(failure)));
                return new Written(written.attempt(), false, written.anomalies(), failure, null);
            }
            return writeJournal(claim, answer, next.markedLater(Outcomes.MARK_AGAIN))
                    .failing(failure);
        } catch (RuntimeException again) {
            failure.addSuppressed(again);
            if (own && SqlStates.ofOneInvoice(again)) {
                return writePlain(claim, answer, next, failure);
            }
            // The attempt is STARTED in the journal: it is found out about under the same key.
            throw failure;
        }
    }

    /** The outcome cannot be written as it is: its state and count are, without the host's words. */
    private Written writePlain(Claim claim, Answer answer, NextState next, RuntimeException failure) {
        String why = "The outcome could not be stored in its own words: SQLSTATE "
                + SqlStates.of(failure).orElse("unknown") + ".";
        NextState plain = new NextState(
                next.state(),
                next.state() == AttemptState.BILLED ? Outcomes.MARK_AGAIN : null,
                false,
                next.state() == AttemptState.WITHDRAWN ? null : AttemptCause.OWN_DATA_FAILS,
                next.called(),
                next.reference() == null ? null : plain(next.reference()),
                next.code() == null ? null : plain(next.code()),
                why);
        Written written = writeJournal(claim, answer, plain);
        return new Written(written.attempt(), false, written.anomalies(), failure, null);
    }

    private static String plain(String text) {
        return text.replaceAll("[^\\x20-\\x7e]", "?");
    }

    /** The attempt is not ours any more: BILLED by a webhook meanwhile, and thus in this run; or another's, which counts it. */
    private Written superseded(DSLContext tx, Claim claim) {
        return journal.inquiries().attempts(tx, claim.invoiceId()).stream()
                .filter(now -> now.id() == claim.attempt().id()
                        && now.state() == AttemptState.BILLED
                        && now.fence() == claim.attempt().fence())
                .findFirst()
                .map(Written::as)
                .orElse(Written.CONTENDED);
    }
}
