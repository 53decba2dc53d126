package io.github.invoicelock.internal.engine;

import static io.github.invoicelock.AttemptState.ACCEPTED;
import static io.github.invoicelock.AttemptState.BILLED;
import static io.github.invoicelock.AttemptState.DECLINED;
import static io.github.invoicelock.AttemptState.IN_DOUBT;
import static io.github.invoicelock.AttemptState.NOT_BILLED;
import static io.github.invoicelock.AttemptState.STARTED;
import static io.github.invoicelock.AttemptState.WITHDRAWN;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.Withdrawal;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.LockNotAvailableException;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jooq.DSLContext;
import org.jspecify.annotations.Nullable;

/** What comes from outside of a run: a person's decision, the provider's message to the host, the host's wish to take an invoice back. */
public final class Decisions {
    /** A claim is momentary, so whoever holds the row longer is calling, or is the host. */
    private static final Duration PATIENCE_TO_WITHDRAW = Duration.ofSeconds(1);

    private final EngineSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Notices notices;
    private final Settlements settlements;

    /**
     * Beside an engine with the same settings.
     *
     * @param settings what the host set
     * @param database the door
     * @param journal its statements
     * @param invoices its statements
     */
    public Decisions(EngineSettings settings, Database database, Journal journal, Invoices invoices) {
        this.settings = settings;
        this.database = database;
        this.journal = journal;
        this.invoices = invoices;
        this.notices = new Notices(settings.name(), settings.listeners());
        this.settlements = new Settlements(settings, database, journal, invoices, notices);
    }

    /**
     * All attempts of an invoice.
     *
     * @param invoiceId as text
     * @return oldest first
     */
    public List<BillingAttempt> attempts(String invoiceId) {
        return database.inTransaction(tx -> journal.attempts(tx, invoiceId));
    }

    /**
     * The attempts that wait for a person.
     *
     * @return oldest first
     */
    public List<BillingAttempt> needsAttention() {
        return database.inTransaction(tx -> {
            List<BillingAttempt> waiting = new ArrayList<>(journal.needingAttention(tx));
            List<BillingAttempt> withdrawn = journal.withdrawn(tx);
            // Nothing is lost: an invoice that was taken back, and is pending again, is nobody's until a person says
            // so.
            Set<String> pending = Set.copyOf(invoices.candidates()
                    .pendingOf(
                            tx,
                            withdrawn.stream().map(BillingAttempt::invoiceId).toList()));
            withdrawn.stream().filter(a -> pending.contains(a.invoiceId())).forEach(waiting::add);
            waiting.sort(Comparator.comparing(BillingAttempt::startedAt).thenComparing(BillingAttempt::id));
            return waiting;
        });
    }

    /**
     * How things stand, over all servers.
     *
     * @return at this moment
     */
    public JournalStatus status() {
        return database.inTransaction(tx -> journal.status(
                tx,
                settings.leaseToAskAndSend(),
                invoices.candidates().firstPending(tx).orElse(null)));
    }

    /**
     * A person decides what became of an invoice's newest attempt.
     *
     * @param invoiceId as text
     * @param outcome what they found out
     * @param who decided
     * @param note how they know
     */
    public void resolve(String invoiceId, BillingOutcome outcome, String who, String note) {
        Settlement settlement = outcome instanceof Billed ? null : resolution(invoiceId, outcome);
        Settled settled = unlessHeld(invoiceId, "resolved", () -> {
            BillingAttempt newest = database.inTransaction(tx -> decidable(tx, invoiceId, "resolved"));
            if (newest.state() == DECLINED && outcome instanceof BillingOutcome.NotBilled) {
                // R4: its snapshot is gone, and another request under the same key must not be.
                throw new InvoiceLockException("Invoice " + invoiceId
                        + " cannot be resolved as notBilled: the key of its attempt " + newest.number()
                        + " was refused for good, so it is never sent again. Call retry, which sends a new key.");
            }
            // What a refusal has marked before, the host may have set otherwise since.
            boolean refusedBefore = newest.state() == DECLINED && newest.dueAt() == null;
            Writing decision = settlement == null
                    ? billing(newest, (Billed) outcome)
                    : settling(newest, settlement, marks(settlement) && !refusedBefore);
            return settledOutside(newest, decision.then((tx, written) -> {
                if (written.isEmpty()) {
                    throw changed(newest, "resolved");
                }
                return Optional.of(journal.note(tx, written.get(), who, note));
            }));
        });
        tell(settled, outcome);
    }

    private static Settlement resolution(String invoiceId, BillingOutcome outcome) {
        if (outcome instanceof BillingOutcome.Declined declined) {
            return new Settlement(DECLINED, null, false, false, null, declined.code(), declined.reason());
        }
        if (outcome instanceof BillingOutcome.NotBilled notBilled) {
            Duration after = notBilled.retryAfter() == null ? Duration.ZERO : notBilled.retryAfter();
            return new Settlement(NOT_BILLED, after, false, false, null, null, notBilled.reason());
        }
        if (outcome instanceof BillingOutcome.Accepted accepted) {
            return new Settlement(ACCEPTED, accepted.askAgainAfter(), false, false, accepted.reference(), null, null);
        }
        throw new InvoiceLockException("Invoice " + invoiceId + " cannot be resolved as " + outcome
                + ": that decides nothing. Say billed, declined or notBilled, as the provider's dashboard shows.");
    }

    /**
     * A person releases an attempt that was parked, declined or withdrawn: it is due at once.
     *
     * @param invoiceId as text
     */
    public void retry(String invoiceId) {
        unlessHeld(
                invoiceId,
                "retried",
                () -> database.inTransaction(tx -> {
                    BillingAttempt newest = decidable(tx, invoiceId, "retried");
                    boolean mayBeSent =
                            newest.state() == NOT_BILLED || newest.state() == DECLINED || newest.state() == WITHDRAWN;
                    if (mayBeSent
                            && invoices.candidates()
                                    .pendingOf(tx, List.of(invoiceId))
                                    .isEmpty()) {
                        throw new InvoiceLockException("Invoice " + invoiceId
                                + " cannot be retried: it is not pending. Set it back to pending first, then retry.");
                    }
                    AttemptState next = newest.state() == WITHDRAWN ? NOT_BILLED : newest.state();
                    return journal.makeDue(tx, newest, next).orElseThrow(() -> changed(newest, "retried"));
                }));
    }

    /**
     * The provider told the host what became of a key.
     *
     * @param idempotencyKey which
     * @param outcome what it told
     */
    public void report(String idempotencyKey, BillingOutcome outcome) {
        BillingAttempt attempt = database.inTransaction(tx -> journal.ofKey(tx, idempotencyKey))
                .orElseThrow(
                        () -> new InvoiceLockException("There is no attempt with the idempotency key " + idempotencyKey
                                + " of the biller \"" + settings.name()
                                + "\". Report only what carries a key from BillingRequest.idempotencyKey()."));
        if (outcome instanceof Billed billed) {
            reportBilled(attempt, billed);
            return;
        }
        // R5: what is not final waits for the attempt's present owner, who is about to learn it; and never replaces
        // what is.
        boolean open = attempt.state() == ACCEPTED || attempt.state() == IN_DOUBT || attempt.state() == NOT_BILLED;
        if (open && !(outcome instanceof BillingOutcome.Unknown)) {
            reportOpen(attempt, outcome);
        }
    }

    private void reportBilled(BillingAttempt attempt, Billed billed) {
        if (attempt.state() == BILLED) {
            if (!billed.reference().equals(attempt.reference())) {
                notices.anomaly(
                        attempt.invoiceId(),
                        "Key " + attempt.idempotencyKey() + " is reported as charged as " + billed.reference()
                                + ", but was charged as " + attempt.reference() + ".");
            }
            return;
        }
        Settled settled =
                unlessHeld(attempt.invoiceId(), "reported on", () -> settledOutside(attempt, billing(attempt, billed)));
        tell(settled, billed);
    }

    private void reportOpen(BillingAttempt attempt, BillingOutcome outcome) {
        Settlement settlement;
        if (outcome instanceof BillingOutcome.Declined declined) {
            Duration next = settings.retryPolicy()
                    .nextTry(Judgement.projected(attempt, DECLINED, declined.code(), declined.reason()))
                    .orElse(null);
            settlement = new Settlement(DECLINED, next, false, false, null, declined.code(), declined.reason());
        } else if (outcome instanceof BillingOutcome.NotBilled notBilled) {
            Duration next = settings.retryPolicy()
                    .nextTry(Judgement.projected(attempt, NOT_BILLED, null, notBilled.reason()))
                    .orElse(null);
            settlement = new Settlement(NOT_BILLED, next, false, false, null, null, notBilled.reason());
        } else if (outcome instanceof BillingOutcome.Accepted accepted) {
            settlement =
                    new Settlement(ACCEPTED, accepted.askAgainAfter(), false, false, accepted.reference(), null, null);
        } else {
            return;
        }
        // Empty where it is not as it was read: its owner, or another report, was faster and knows as much.
        Settled settled = unlessHeld(
                attempt.invoiceId(),
                "reported on",
                () -> settledOutside(attempt, settling(attempt, settlement, marks(settlement))));
        tell(settled, outcome);
    }

    /**
     * The host takes an invoice back, in its own transaction (R16).
     *
     * @param tx over the host's connection
     * @param invoiceId as text
     * @return what was found
     */
    public Withdrawal withdraw(DSLContext tx, String invoiceId) {
        return Database.translatingErrors(() -> {
            Optional<Withdrawal> tooLate = tooLate(journal.attempts(tx, invoiceId));
            if (tooLate.isPresent()) {
                return tooLate.get();
            }
            // Where it is too late, the host's transaction must not keep the row that the call is about to lock.
            boolean withdrawn = Database.tryPatiently(tx, PATIENCE_TO_WITHDRAW, () -> {
                // Under the row's lock no claim can be written: claims and take-overs lock the row first.
                invoices.rowLocks().lock(invoiceId, RowWait.WAIT).in(tx);
                return writeWithdrawn(tx, invoiceId);
            });
            return withdrawn
                    ? Withdrawal.WITHDRAWN
                    : tooLate(journal.attempts(tx, invoiceId)).orElse(Withdrawal.IN_FLIGHT);
        });
    }

    private boolean writeWithdrawn(DSLContext tx, String invoiceId) {
        List<BillingAttempt> attempts = journal.attempts(tx, invoiceId);
        if (attempts.isEmpty()) {
            return journal.insertWithdrawn(tx, invoiceId);
        }
        BillingAttempt newest = attempts.get(attempts.size() - 1);
        if (tooLate(attempts).isPresent() || newest.state() == WITHDRAWN) {
            return newest.state() == WITHDRAWN;
        }
        if (newest.state() == DECLINED) {
            // R2: a refused key stays refused, so that a later retry uses a new one; but there is nothing left to
            // decide.
            Settlement refused = new Settlement(DECLINED, null, false, false, null, newest.code(), newest.message());
            return journal.override(tx, newest, refused)
                    .map(written -> journal.note(tx, written, "the host", "withdrawn"))
                    .isPresent();
        }
        Settlement withdrawn = new Settlement(
                WITHDRAWN, null, false, false, null, newest.code(), "Taken back by the host before it was charged.");
        return journal.override(tx, newest, withdrawn).isPresent();
    }

    private static Optional<Withdrawal> tooLate(List<BillingAttempt> attempts) {
        if (attempts.stream().anyMatch(a -> a.state() == BILLED)) {
            return Optional.of(Withdrawal.BILLED);
        }
        boolean inFlight =
                attempts.stream().anyMatch(a -> a.state() == STARTED || a.state() == ACCEPTED || a.state() == IN_DOUBT);
        return inFlight ? Optional.of(Withdrawal.IN_FLIGHT) : Optional.empty();
    }

    private void tell(Settled settled, BillingOutcome outcome) {
        notices.settled(settled, outcome, Duration.ZERO);
        if (settled.failure() != null) {
            throw settled.failure();
        }
    }

    /**
     * A decision as it is written.
     *
     * @param marks whether it marks the invoice
     * @param statements what it writes
     */
    private record Writing(boolean marks, Statements statements) {
        /** To be done in the same transaction, with what was written; empty if the attempt has changed since it was read. */
        Writing then(BiFunction<DSLContext, Optional<BillingAttempt>, Optional<BillingAttempt>> next) {
            return new Writing(
                    marks, (tx, markAfter, failure) -> next.apply(tx, statements.write(tx, markAfter, failure)));
        }

        Settled write(DSLContext tx, @Nullable Duration markAfter, @Nullable String failure) {
            return statements.write(tx, markAfter, failure).map(Settled::as).orElse(Settled.CONTENDED);
        }
    }

    @FunctionalInterface
    private interface Statements {
        /** The mark comes later, or, where {@code markAfter} is null, in this transaction, which holds the invoice's lock. */
        Optional<BillingAttempt> write(DSLContext tx, @Nullable Duration markAfter, @Nullable String failure);
    }

    private Writing billing(BillingAttempt attempt, Billed billed) {
        return new Writing(
                true,
                (tx, markAfter, failure) -> Optional.of(
                        markAfter == null
                                ? settlements.bill(tx, attempt, billed.reference(), false)
                                : journal.billed(attempt, billed.reference(), markAfter, false, failure)
                                        .in(tx)
                                        .orElseGet(() -> settlements.current(tx, attempt))));
    }

    private Writing settling(BillingAttempt attempt, Settlement settlement, boolean marks) {
        return new Writing(marks, (tx, markAfter, failure) -> {
            Optional<BillingAttempt> written =
                    journal.override(tx, attempt, markAfter == null ? settlement : settlement.markedLater(markAfter));
            if (marks && markAfter == null) {
                written.ifPresent(a -> invoices.marks().markDeclined(tx, a.invoiceId()));
            }
            return written;
        });
    }

    private boolean marks(Settlement settlement) {
        return settlement.refusedForGood() && invoices.marks().marksDeclined();
    }

    /** Attempt and invoice together; the attempt alone where the host holds the invoice just now, or it cannot be marked (R12). */
    private Settled settledOutside(BillingAttempt attempt, Writing writing) {
        if (!writing.marks()) {
            return database.inTransaction(tx -> writing.write(tx, null, null));
        }
        try {
            return database.inTransaction(tx -> {
                invoices.rowLocks().lock(attempt.invoiceId(), RowWait.NOWAIT).in(tx);
                return writing.write(tx, null, null);
            });
        } catch (LockNotAvailableException e) {
            return database.inTransaction(tx -> writing.write(tx, Settlements.MARK_AGAIN, null));
        } catch (BilledHookException | DatabaseException e) {
            return alone(writing, e);
        }
    }

    private Settled alone(Writing writing, RuntimeException failure) {
        try {
            return new Settled(
                    database.inTransaction(
                                    tx -> writing.write(tx, Settlements.markAfter(failure), failure.getMessage()))
                            .attempt(),
                    false,
                    failure);
        } catch (RuntimeException again) {
            failure.addSuppressed(again);
            throw failure;
        }
    }

    private BillingAttempt decidable(DSLContext tx, String invoiceId, String what) {
        BillingAttempt newest = newest(tx, invoiceId)
                .orElseThrow(
                        () -> new InvoiceLockException(
                                "Invoice " + invoiceId + " cannot be " + what
                                        + ": the journal has no attempt of it. If it is pending and billable, billPending() takes it up."));
        if (newest.state() == BILLED) {
            throw new InvoiceLockException("Invoice " + invoiceId + " cannot be " + what + ": it was billed as "
                    + newest.reference() + " (attempt " + newest.number() + ", key " + newest.idempotencyKey() + ").");
        }
        boolean leased = newest.state() == STARTED
                && newest.dueAt() != null
                && journal.clock(tx).toInstant().isBefore(newest.dueAt());
        if (leased) {
            throw new InvoiceLockException("Invoice " + invoiceId + " cannot be " + what + ": its attempt "
                    + newest.number() + " (key " + newest.idempotencyKey() + ") is being called by server "
                    + newest.owner() + " until " + newest.dueAt() + ". Wait for that, or for recover().");
        }
        return newest;
    }

    private Optional<BillingAttempt> newest(DSLContext tx, String invoiceId) {
        List<BillingAttempt> attempts = journal.attempts(tx, invoiceId);
        return attempts.isEmpty() ? Optional.empty() : Optional.of(attempts.get(attempts.size() - 1));
    }

    /** R9: a lock of the journal is waited for no longer than lock_timeout. */
    private static <T> T unlessHeld(String invoiceId, String what, Supplier<T> work) {
        try {
            return work.get();
        } catch (DatabaseException e) {
            if (Database.LOCK_NOT_AVAILABLE.equals(e.sqlState())) {
                throw new DatabaseException(
                        "Invoice " + invoiceId + " cannot be " + what
                                + ": another session holds its row of the journal for too long. That may be a settlement whose BilledHook "
                                + "or trigger takes long, a withdraw in a transaction of yours that is still open, or somebody's psql. "
                                + "pg_stat_activity and pg_blocking_pids() show who. Nothing was written. Try again.",
                        e.sqlState(),
                        e);
            }
            throw e;
        }
    }

    private static InvoiceLockException changed(BillingAttempt attempt, String what) {
        return new InvoiceLockException("Invoice " + attempt.invoiceId() + " cannot be " + what + ": its attempt "
                + attempt.number() + " changed at the same moment. Look at attempts() and decide again.");
    }
}
