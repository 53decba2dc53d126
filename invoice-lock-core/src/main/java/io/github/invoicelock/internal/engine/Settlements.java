package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.LockNotAvailableException;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.Mark;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/** Writes outcomes: to the journal and the invoice together, or, where the host holds the invoice, to the journal alone (R12). */
final class Settlements {
    /** How soon the mark of a charged invoice is tried again whose row the host holds. */
    static final Duration MARK_AGAIN = Duration.ofSeconds(1);
    /** How long a mark that failed, by the host's hook or a constraint, is left alone. */
    static final Duration MARK_AFTER_FAILURE = Duration.ofMinutes(1);

    /** Classes of SQLSTATE that the next try may not meet: connection, rollback, resources, an operator. */
    private static final Set<String> PASSING = Set.of("08", "40", "53", "57");

    private final EngineSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Judgement judgement;
    private final Notices notices;
    private final SessionSettings oneRow;
    private final SessionSettings manyRows;

    Settlements(EngineSettings settings, Database database, Journal journal, Invoices invoices, Notices notices) {
        this.settings = settings;
        this.database = database;
        this.journal = journal;
        this.invoices = invoices;
        this.judgement = new Judgement(settings);
        this.notices = notices;
        this.oneRow = SessionSettings.momentary(settings.leaseToAskAndSend(), SessionSettings.Work.ONE_ROW);
        this.manyRows = SessionSettings.momentary(settings.leaseToAskAndSend(), SessionSettings.Work.MANY_ROWS);
    }

    /** Writes an outcome in a transaction of its own. */
    Settled write(Claim claim, Answer answer) {
        long start = System.nanoTime();
        try {
            Settled settled = database.inTransaction(oneRow, tx -> {
                if (touchesInvoice(answer)) {
                    invoices.rowLocks().lock(claim.invoiceId(), RowWait.NOWAIT).in(tx);
                }
                Settled written = writeLocked(tx, claim, answer);
                reached(Point.BEFORE_SETTLE_COMMIT, claim);
                return written;
            });
            notices.settleTook(1, start);
            reached(Point.AFTER_SETTLE_COMMIT, claim);
            return settled;
        } catch (LockNotAvailableException e) {
            return writeJournal(claim, answer, MARK_AGAIN, null);
        } catch (RuntimeException e) {
            if (touchesInvoice(answer)) {
                return rescue(claim, answer, e);
            }
            throw e;
        }
    }

    /** Writes an outcome in a transaction that holds the invoice's lock, where the outcome touches the invoice. */
    Settled writeLocked(DSLContext tx, Claim claim, Answer answer) {
        if (answer.outcome() instanceof Billed billed) {
            return Settled.as(bill(tx, claim.attempt(), billed.reference(), answer.called()));
        }
        Settlement settlement = judgement.of(claim, answer);
        Optional<BillingAttempt> written = journal.settle(tx, claim.attempt(), settlement);
        if (written.isEmpty()) {
            return superseded(tx, claim);
        }
        if (settlement.refusedForGood()) {
            invoices.marks().markDeclined(tx, claim.invoiceId());
        }
        boolean neverSeen = settlement.state() == AttemptState.NOT_BILLED && answer.source() == Answer.Source.FIND;
        return new Settled(written.get(), neverSeen, null);
    }

    /** Writes many outcomes in one transaction; rows that the host holds are left for a later pass. */
    List<Settled> writeAll(List<Claim> claims, List<Answer> answers) {
        long start = System.nanoTime();
        List<Settled> all = database.inTransaction(manyRows, tx -> {
            Map<Integer, Settled> settled = new HashMap<>();
            billAll(tx, claims, answers, settled);
            for (int i = 0; i < claims.size(); i++) {
                if (!settled.containsKey(i)) {
                    Claim claim = claims.get(i);
                    if (touchesInvoice(answers.get(i))) {
                        invoices.rowLocks()
                                .lock(claim.invoiceId(), RowWait.NOWAIT)
                                .in(tx);
                    }
                    settled.put(i, writeLocked(tx, claim, answers.get(i)));
                }
            }
            List<Settled> inOrder = new ArrayList<>();
            for (int i = 0; i < claims.size(); i++) {
                inOrder.add(java.util.Objects.requireNonNull(settled.get(i)));
                reached(Point.BEFORE_SETTLE_COMMIT, claims.get(i));
            }
            return inOrder;
        });
        notices.settleTook(all.size(), start);
        claims.forEach(claim -> reached(Point.AFTER_SETTLE_COMMIT, claim));
        return all;
    }

    /** R5: a late answer that the invoice was charged is written, whoever owns the attempt by now. */
    void writeLate(Claim claim, BillingOutcome outcome) {
        if (outcome instanceof Billed) {
            Settled settled = write(claim, new Answer(outcome, Answer.Source.BILL, Duration.ZERO, null));
            notices.settled(settled, outcome, Duration.ZERO);
        }
    }

    /** Gives a claim back that was not called: due again at once, or a little later. */
    Optional<BillingAttempt> release(Claim claim, Duration after, String reason) {
        return database.inTransaction(tx -> release(tx, claim, after, reason));
    }

    /** The same in a transaction. */
    Optional<BillingAttempt> release(DSLContext tx, Claim claim, Duration after, String reason) {
        return journal.release(tx, claim.attempt(), claim.before(), after, reason);
    }

    /** The host took the invoice back before anything was sent. */
    Settled withdraw(DSLContext tx, Claim claim) {
        return journal.settle(
                        tx,
                        claim.attempt(),
                        new Settlement(
                                AttemptState.WITHDRAWN,
                                null,
                                false,
                                false,
                                null,
                                null,
                                "No longer pending; never charged."))
                .map(Settled::as)
                .orElse(Settled.CONTENDED);
    }

    /** Marks an invoice whose row was held, or whose mark failed, when it was charged or refused (R12). */
    Settled markLater(DueAttempt due) {
        try {
            Settled settled = database.inTransaction(tx -> {
                invoices.rowLocks().lock(due.invoiceId(), RowWait.NOWAIT).in(tx);
                Optional<BillingAttempt> attempt = due.unmarked() ? markDeclined(tx, due) : markBilled(tx, due);
                settings.failPoints().reached(Point.BEFORE_MARK_COMMIT, due.invoiceId());
                return attempt.map(Settled::as).orElse(Settled.CONTENDED);
            });
            settings.failPoints().reached(Point.AFTER_MARK_COMMIT, due.invoiceId());
            return settled;
        } catch (LockNotAvailableException e) {
            return Settled.CONTENDED;
        } catch (RuntimeException e) {
            database.inTransaction(tx -> {
                journal.postponeMark(tx, due.id(), due.invoiceId(), markAfter(e), e.toString());
                return null;
            });
            throw e;
        }
    }

    private Optional<BillingAttempt> markBilled(DSLContext tx, DueAttempt due) {
        Optional<BillingAttempt> attempt = journal.takeMark(tx, due.id(), due.invoiceId());
        attempt.ifPresent(a -> mark(tx, a));
        return attempt;
    }

    private Optional<BillingAttempt> markDeclined(DSLContext tx, DueAttempt due) {
        Optional<BillingAttempt> attempt = journal.takeDeclinedMark(tx, due.id(), due.invoiceId());
        attempt.ifPresent(a -> invoices.marks().markDeclined(tx, a.invoiceId()));
        return attempt;
    }

    /** Writes BILLED and marks the invoice, whose lock this transaction holds; once, whoever comes first. */
    BillingAttempt bill(DSLContext tx, BillingAttempt attempt, String reference, boolean called) {
        Optional<BillingAttempt> billed =
                journal.billed(attempt, reference, null, called, null).in(tx).or(() -> journal.takeMark(tx, attempt));
        billed.ifPresent(a -> mark(tx, a));
        BillingAttempt now = billed.orElseGet(() -> current(tx, attempt));
        if (billed.isPresent() && attempt.state() == AttemptState.DECLINED) {
            notices.anomaly(now.invoiceId(), "Key " + now.idempotencyKey() + " was charged after it had been refused.");
        }
        return now;
    }

    /** R12: the truth is not delayed by anybody's lock, nor by a hook that fails. */
    Settled writeJournal(Claim claim, Answer answer, Duration markAfter, @Nullable String message) {
        long start = System.nanoTime();
        Settled settled = database.inTransaction(tx -> {
            if (answer.outcome() instanceof Billed billed) {
                return Settled.as(
                        journal.billed(claim.attempt(), billed.reference(), markAfter, answer.called(), message)
                                .in(tx)
                                .orElseGet(() -> current(tx, claim.attempt())));
            }
            Settlement settlement = judgement.of(claim, answer);
            boolean marks = settlement.refusedForGood() && invoices.marks().marksDeclined();
            return journal.settle(tx, claim.attempt(), marks ? settlement.markedLater(markAfter) : settlement)
                    .map(Settled::as)
                    .orElse(Settled.CONTENDED);
        });
        notices.settleTook(1, start);
        reached(Point.AFTER_SETTLE_COMMIT, claim);
        return settled;
    }

    /** The settlement of a charge or a refusal failed, by the host's hook or a constraint: at least the journal must know. */
    Settled rescue(Claim claim, Answer answer, RuntimeException failure) {
        try {
            return new Settled(
                    writeJournal(claim, answer, markAfter(failure), failure.getMessage())
                            .attempt(),
                    false,
                    failure);
        } catch (RuntimeException again) {
            // The attempt is STARTED in the journal: it is found out about under the same key.
            failure.addSuppressed(again);
            throw failure;
        }
    }

    /** A database that was away for a moment is not a row that cannot be marked. */
    static Duration markAfter(RuntimeException failure) {
        boolean passing = failure instanceof DatabaseException error
                && (error.sqlState() == null
                        || error.sqlState().equals(Database.LOCK_NOT_AVAILABLE)
                        || PASSING.contains(error.sqlState().substring(0, 2)));
        return passing ? MARK_AGAIN : MARK_AFTER_FAILURE;
    }

    /** Those that a webhook had reported as BILLED before are left out, to be settled one by one: their hook may have been called. */
    private void billAll(DSLContext tx, List<Claim> claims, List<Answer> answers, Map<Integer, Settled> settled) {
        Map<Long, Integer> indexes = new LinkedHashMap<>();
        Map<String, String> references = new HashMap<>();
        for (int i = 0; i < claims.size(); i++) {
            if (answers.get(i).outcome() instanceof Billed billed) {
                indexes.put(claims.get(i).attempt().id(), i);
                references.put(claims.get(i).invoiceId(), billed.reference());
            }
        }
        if (indexes.size() < 2) {
            return;
        }
        // Rows that the host holds are left for a later pass (R12).
        Set<String> locked =
                invoices.rowLocks().lockUnlocked(references.keySet()).in(tx);
        List<BillingAttempt> charged =
                indexes.values().stream().map(i -> claims.get(i).attempt()).toList();
        List<String> invoiceIds =
                charged.stream().map(BillingAttempt::invoiceId).toList();
        List<BillingAttempt> billed = journal.billed(
                        charged,
                        invoiceIds.stream()
                                .map(id -> java.util.Objects.requireNonNull(references.get(id)))
                                .toList(),
                        invoiceIds.stream().map(locked::contains).toList(),
                        MARK_AGAIN)
                .in(tx);
        billed.forEach(attempt ->
                settled.put(java.util.Objects.requireNonNull(indexes.get(attempt.id())), Settled.as(attempt)));
        // R21: what the journal has newly billed is marked, and nothing else.
        markAll(tx, billed.stream().filter(a -> locked.contains(a.invoiceId())).toList());
    }

    private void markAll(DSLContext tx, List<BillingAttempt> billed) {
        if (billed.isEmpty()) {
            return;
        }
        Map<String, String> references = new HashMap<>();
        billed.forEach(attempt -> references.put(
                attempt.invoiceId(),
                java.util.Objects.requireNonNull(attempt.reference(), "a BILLED attempt has a reference")));
        Map<String, Mark> marks = invoices.marks().markAll(references).in(tx);
        for (BillingAttempt attempt : billed) {
            checkMark(tx, attempt, java.util.Objects.requireNonNull(marks.get(attempt.invoiceId())));
            callHook(tx, attempt);
        }
    }

    private void mark(DSLContext tx, BillingAttempt billed) {
        String reference = java.util.Objects.requireNonNull(billed.reference(), "a BILLED attempt has a reference");
        checkMark(
                tx,
                billed,
                marking(() ->
                        invoices.marks().mark(billed.invoiceId(), reference).in(tx)));
        callHook(tx, billed);
    }

    private <T> T marking(Supplier<T> statement) {
        try {
            return Database.translatingErrors(statement);
        } catch (DatabaseException e) {
            throw invoices.marks().explained(e);
        }
    }

    private void checkMark(DSLContext tx, BillingAttempt billed, Mark mark) {
        switch (mark) {
            case MARKED -> {}
            case STILL_PENDING ->
                notices.anomaly(
                        billed.invoiceId(),
                        "The invoice was charged and marked, but is still pending by pendingWhen; it is not charged again.");
            case UNCHANGED ->
                notices.anomaly(
                        billed.invoiceId(),
                        invoices.ids().printed(tx, billed.invoiceId()).isPresent()
                                ? "The invoice was charged, but its mark changed nothing, though its row is there: a trigger or a policy? It is not charged again."
                                : "The invoice was charged, but its row is not to be seen any more: it was deleted, or a view or a policy hides it.");
        }
    }

    private void callHook(DSLContext tx, BillingAttempt billed) {
        try {
            settings.hook().billed(tx, billed, java.util.Objects.requireNonNull(billed.reference(), "reference"));
        } catch (Exception e) {
            throw new BilledHookException(billed.invoiceId(), e);
        }
    }

    /** The attempt is not ours any more: BILLED by a webhook meanwhile, and thus in this run; or another's, which counts it. */
    private Settled superseded(DSLContext tx, Claim claim) {
        BillingAttempt now = current(tx, claim.attempt());
        boolean reported = now.state() == AttemptState.BILLED
                && now.fence() == claim.attempt().fence();
        return reported ? Settled.as(now) : Settled.CONTENDED;
    }

    BillingAttempt current(DSLContext tx, BillingAttempt attempt) {
        return journal.attempts(tx, attempt.invoiceId()).stream()
                .filter(a -> a.id() == attempt.id())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("Attempt " + attempt + " has vanished from the journal."));
    }

    private boolean touchesInvoice(Answer answer) {
        return answer.outcome() instanceof Billed
                || (answer.outcome() instanceof BillingOutcome.Declined
                        && invoices.marks().marksDeclined());
    }

    private void reached(Point point, Claim claim) {
        settings.failPoints().reached(point, claim.invoiceId());
    }
}
