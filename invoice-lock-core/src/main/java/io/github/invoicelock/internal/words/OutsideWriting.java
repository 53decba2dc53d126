package io.github.invoicelock.internal.words;

import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.InvoiceNotMarkedException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.NextState;
import io.github.invoicelock.internal.journal.Outcomes;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.time.Duration;
import java.util.function.Supplier;
import org.jooq.DSLContext;

/** How what is said outside of a run is written: journal and invoice together, or the journal alone (R12); and then told. */
public final class OutsideWriting {
    private final Database database;
    private final Invoices invoices;
    private final Notices notices;

    public OutsideWriting(Tables tables, Notices notices) {
        this.database = tables.database();
        this.invoices = tables.invoices();
        this.notices = notices;
    }

    /** What is written, over locked attempts; {@code how} says of an outcome whether its invoice is marked now or later. */
    public interface Work {
        Written write(DSLContext tx, Marks how);
    }

    /** Whether the invoice is marked in the same transaction. */
    public interface Marks {
        NextState of(NextState next);
    }

    /**
     * Writes.
     *
     * @param touches whether the invoice's row is to be marked
     */
    public Written write(String invoiceId, boolean touches, Work work) {
        if (!touches) {
            return database.inTransaction(tx -> work.write(tx, next -> next));
        }
        try {
            return database.inTransaction(tx -> {
                invoices.rowLocks().lock(invoiceId, RowWait.NOWAIT).in(tx);
                return work.write(tx, next -> next);
            });
        } catch (LockNotAvailableException e) {
            return database.inTransaction(tx -> work.write(tx, next -> next.markedLater(Outcomes.MARK_AGAIN)));
        } catch (HostCode.Fault | DatabaseException e) {
            return alone(work, e);
        }
    }

    private Written alone(Work work, RuntimeException failure) {
        boolean own = Settlements.isOwnFault(failure);
        try {
            return database.inTransaction(tx -> work.write(
                            tx,
                            next -> own
                                    ? next.markFailed(Duration.ZERO, HostCode.why(failure))
                                    : next.markedLater(Outcomes.MARK_AGAIN)))
                    .failing(failure);
        } catch (RuntimeException again) {
            failure.addSuppressed(again);
            if (failure instanceof DatabaseException) {
                throw failure;
            }
            throw new InvoiceLockException(
                    HostCode.why(failure)
                            + " The journal could not be written after that, so nothing was. Say it again.",
                    failure);
        }
    }

    /** After the commit, from the row as written (R23). What kept the invoice from being marked is thrown: the journal knows the outcome. */
    public void tell(String invoiceId, BillingOutcome outcome, Written written) {
        tellAll(invoiceId, outcome, written);
        BillingAttempt attempt = written.attempt();
        RuntimeException failure = written.failure();
        if (attempt != null && failure != null) {
            throw new InvoiceNotMarkedException(
                    "The journal has it that invoice " + invoiceId + " is " + attempt.state()
                            + (attempt.reference() == null ? "" : " as " + attempt.reference())
                            + ", but its row could not be marked: " + HostCode.why(failure)
                            + " Say nothing again: the mark is tried by itself; retry makes it due at once.",
                    failure);
        }
    }

    /** A person's word, for the log. */
    public void tellWord(AttemptEvent.What what, String who, BillingAttempt attempt) {
        notices.word(what, who, attempt);
    }

    /** The same, where what kept the invoice from being marked is no reason to stop. */
    public void tellAll(String invoiceId, BillingOutcome outcome, Written written) {
        written.tell(notices, invoiceId, outcome);
    }

    /** What ends a word on many: it says what became of those before it. */
    static RuntimeException endedBy(RuntimeException failure, String before) {
        String text = HostCode.why(failure) + " " + before;
        return failure instanceof DatabaseException database
                ? new DatabaseException(text, database.sqlState(), failure)
                : new InvoiceLockException(text, failure);
    }

    /** R9: a lock of the journal is waited for no longer than lock_timeout. */
    public static <T> T unlessHeld(String invoiceId, String what, Supplier<T> work) {
        try {
            return work.get();
        } catch (DatabaseException e) {
            if (SqlStates.lockNotAvailable(e)) {
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
}
