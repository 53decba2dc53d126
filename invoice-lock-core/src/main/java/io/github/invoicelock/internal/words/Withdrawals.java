package io.github.invoicelock.internal.words;

import static io.github.invoicelock.AttemptState.ACCEPTED;
import static io.github.invoicelock.AttemptState.BILLED;
import static io.github.invoicelock.AttemptState.DECLINED;
import static io.github.invoicelock.AttemptState.IN_DOUBT;
import static io.github.invoicelock.AttemptState.STARTED;
import static io.github.invoicelock.AttemptState.WITHDRAWN;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.Withdrawal;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.RowWait;
import io.github.invoicelock.internal.journal.Act;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.journal.NextState;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jooq.DSLContext;

/** The host takes an invoice back, in its own transaction (R16). */
public final class Withdrawals {
    /** A claim is momentary, so whoever holds the row longer is calling, or is the host. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final Journal journal;
    private final Invoices invoices;

    public Withdrawals(Tables tables) {
        this.journal = tables.journal();
        this.invoices = tables.invoices();
    }

    /**
     * Takes it back.
     *
     * @param tx over the host's connection
     */
    public Withdrawal withdraw(DSLContext tx, String given) {
        return Database.translatingErrors(() -> {
            String invoiceId = invoices.ids()
                    .printed(tx, given)
                    .orElseThrow(() -> new InvoiceLockException("Invoice " + given
                            + " cannot be withdrawn: there is no such invoice in " + invoices.qualifiedName()
                            + ". Check the id."));
            Optional<Withdrawal> tooLate = tooLate(journal.inquiries().attempts(tx, invoiceId));
            if (tooLate.isPresent()) {
                return tooLate.get();
            }
            // Where it is too late, the host's transaction must not keep the row that the call is about to lock.
            boolean withdrawn = Database.tryPatiently(tx, PATIENCE, () -> {
                // Under the row's lock no claim can be written: claims and take-overs lock the row first.
                invoices.rowLocks().lock(invoiceId, RowWait.WAIT).in(tx);
                return writeWithdrawn(tx, invoiceId);
            });
            return withdrawn
                    ? Withdrawal.WITHDRAWN
                    : tooLate(journal.inquiries().attempts(tx, invoiceId)).orElse(Withdrawal.IN_FLIGHT);
        });
    }

    /**
     * The answer comes from attempts that are locked (R18): a snapshot of the host's transaction that is older than a retry fails here,
     * with a serialization error, and is no answer.
     */
    private boolean writeWithdrawn(DSLContext tx, String invoiceId) {
        List<BillingAttempt> attempts = journal.inquiries().lock(tx, invoiceId, false).rows().stream()
                .map(AttemptRow::attempt)
                .toList();
        if (attempts.isEmpty()) {
            return journal.firsts().insertWithdrawn(tx, invoiceId);
        }
        BillingAttempt newest = attempts.get(attempts.size() - 1);
        if (tooLate(attempts).isPresent()) {
            return false;
        }
        if (newest.state() == WITHDRAWN) {
            return true;
        }
        if (newest.state() == DECLINED) {
            // R2: a refused key stays refused, so that a later retry uses a new one; but there is nothing left to
            // decide.
            write(tx, newest, NextState.closed(newest.code(), newest.message()), Act.byTheHost("withdrawn"));
            return true;
        }
        write(tx, newest, NextState.withdrawn("Taken back by the host before it was charged."), Act.byTheHost(null));
        return true;
    }

    private void write(DSLContext tx, BillingAttempt newest, NextState next, Act act) {
        journal.outcomes().writeLocked(tx, newest, next.uncalled(), act);
    }

    private static Optional<Withdrawal> tooLate(List<BillingAttempt> attempts) {
        if (attempts.stream().anyMatch(a -> a.state() == BILLED)) {
            return Optional.of(Withdrawal.BILLED);
        }
        boolean inFlight =
                attempts.stream().anyMatch(a -> a.state() == STARTED || a.state() == ACCEPTED || a.state() == IN_DOUBT);
        return inFlight ? Optional.of(Withdrawal.IN_FLIGHT) : Optional.empty();
    }
}
