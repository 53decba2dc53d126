package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.settlement.Tables;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** R14: tells of invoices that are pending although they were charged, or taken back. None of them is charged. */
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
        List<String> over = attempts.entrySet().stream()
                .filter(invoice -> over(invoice.getValue()).isPresent())
                .map(Map.Entry::getKey)
                .toList();
        if (over.isEmpty()) {
            return;
        }
        // The page of pending invoices was read before the journal was: what is pending now was set back.
        List<String> pending =
                database.inTransaction(tx -> invoices.candidates().pendingOf(tx, over));
        Notices.Batch told = notices.batch();
        pending.forEach(
                id -> over(attempts.getOrDefault(id, List.of()))
                        .ifPresent(
                                attempt -> told.anomaly(
                                        id,
                                        attempt.state() == AttemptState.BILLED
                                                ? "The invoice is pending although it was charged as "
                                                        + attempt.reference()
                                                        + "; it is not charged again. See attempts()."
                                                : "The invoice is pending although it was taken back; it is not billed until retry() releases it.")));
        told.tell();
    }

    /** R18: charged by any of its attempts and marked as such; or taken back by the newest. */
    private static Optional<BillingAttempt> over(List<AttemptRow> attempts) {
        Optional<AttemptRow> billed =
                attempts.stream().filter(row -> row.is(AttemptState.BILLED)).findFirst();
        AttemptRow newest = attempts.get(attempts.size() - 1);
        Optional<AttemptRow> decisive =
                billed.isPresent() || !newest.is(AttemptState.WITHDRAWN) ? billed : Optional.of(newest);
        return decisive.map(AttemptRow::attempt).filter(attempt -> attempt.dueAt() == null);
    }
}
