package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.errors.LockNotAvailableException;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.PendingAgainst;
import io.github.invoicelock.internal.settlement.Tables;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * R14: tells of invoices that are pending although they were charged, or taken back. None of them is charged. The journal keeps it as the
 * cause for which they wait, until they are not pending any more.
 */
final class PendingAgain {
    private static final int MOST_TOLD = 100;

    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Notices notices;

    PendingAgain(Tables tables, Notices notices) {
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.notices = notices;
    }

    /** Of all that are pending. */
    void tell() {
        List<String> pending;
        try {
            pending = pendingAlthough(true);
        } catch (DatabaseException e) {
            if (!SqlStates.ofOneInvoice(e)) {
                throw e;
            }
            // One cannot be asked whether it is billable; it has been set aside, and is named there.
            pending = pendingAlthough(false);
        }
        if (!pending.isEmpty()) {
            tell(database.atOnce(journal.inquiries().ofInvoices(pending)));
        }
    }

    private List<String> pendingAlthough(boolean onlyBillable) {
        return database.inTransaction(tx -> invoices.candidates()
                .pendingAlthough(tx, journal.inquiries().over(invoices.idText()), onlyBillable, MOST_TOLD));
    }

    /** Of those whose attempts these are, by invoice id. */
    void tell(Map<String, List<AttemptRow>> attempts) {
        Map<String, PendingAgainst> over = new LinkedHashMap<>();
        attempts.forEach((id, all) -> PendingAgainst.of(all).ifPresent(against -> over.put(id, against)));
        if (over.isEmpty()) {
            return;
        }
        // The page of pending invoices was read before the journal was: what is pending now was set back.
        List<String> pending =
                database.inTransaction(tx -> invoices.candidates().pendingOf(tx, over.keySet()));
        Notices.Batch told = notices.batch();
        for (String id : pending) {
            PendingAgainst against = Objects.requireNonNull(over.get(id));
            if (against.attempt().cause() == null) {
                write(against.attempt(), against.cause()).ifPresent(told::parked);
            }
            told.anomaly(id, against.sentence());
        }
        told.tell();
    }

    /** What is not pending any more waits for nobody. */
    void forgetMended() {
        List<BillingAttempt> mended = database.inTransaction(tx -> {
            List<BillingAttempt> again = journal.inquiries().pendingAgain(tx);
            Set<String> pending = again.isEmpty()
                    ? Set.of()
                    : Set.copyOf(invoices.candidates()
                            .pendingOf(
                                    tx,
                                    again.stream()
                                            .map(BillingAttempt::invoiceId)
                                            .toList()));
            return again.stream()
                    .filter(attempt -> !pending.contains(attempt.invoiceId()))
                    .toList();
        });
        mended.forEach(attempt -> write(attempt, null));
    }

    /** Kept where people find it. Nobody is waited for: another run finds it again. */
    private Optional<BillingAttempt> write(BillingAttempt attempt, @Nullable AttemptCause cause) {
        try {
            return database.inTransaction(tx -> {
                journal.inquiries().lock(tx, attempt.invoiceId(), true);
                return journal.outcomes().pendingAgain(tx, attempt, cause);
            });
        } catch (LockNotAvailableException e) {
            return Optional.empty();
        }
    }
}
