package io.github.invoicelock.internal.words;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.Billers;
import io.github.invoicelock.internal.journal.Inquiries;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.settlement.Tables;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/** What people ask: how things stand, and what waits for them. */
public final class Overview {
    private final BillerSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;
    private final Notices notices;

    public Overview(BillerSettings settings, Tables tables, Notices notices) {
        this.settings = settings;
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.notices = notices;
    }

    /** All attempts of an invoice, oldest first; of one that is gone, too. */
    public List<BillingAttempt> attempts(String invoiceId) {
        return database.inTransaction(tx -> journal.inquiries()
                .attempts(tx, invoices.ids().printed(tx, invoiceId).orElse(invoiceId)));
    }

    /** The attempts that wait for a person, oldest first. */
    public List<BillingAttempt> needsAttention() {
        return database.inTransaction(tx -> {
            List<BillingAttempt> waiting = new ArrayList<>(journal.inquiries().needingAttention(tx));
            List<BillingAttempt> withdrawn = journal.inquiries().withdrawn(tx);
            // Nothing is lost: an invoice that was taken back, and is pending again, is nobody's until a person says
            // so.
            Set<String> pending = Set.copyOf(invoices.candidates()
                    .pendingOf(
                            tx,
                            withdrawn.stream().map(BillingAttempt::invoiceId).toList()));
            withdrawn.stream()
                    .filter(attempt -> attempt.cause() == null && pending.contains(attempt.invoiceId()))
                    .map(Overview::takenBackAndPending)
                    .forEach(waiting::add);
            waiting.sort(Comparator.comparing(BillingAttempt::startedAt).thenComparing(BillingAttempt::id));
            return waiting;
        });
    }

    private static BillingAttempt takenBackAndPending(BillingAttempt a) {
        return new BillingAttempt(
                a.id(),
                a.biller(),
                a.invoiceId(),
                a.number(),
                a.idempotencyKey(),
                a.state(),
                a.dueAt(),
                a.owner(),
                a.fence(),
                a.calls(),
                a.startedAt(),
                a.settledAt(),
                a.invoice(),
                a.reference(),
                a.code(),
                a.message(),
                a.resolvedBy(),
                a.note(),
                AttemptCause.TAKEN_BACK_AND_PENDING);
    }

    /** How things stand, over all servers. */
    public JournalStatus status() {
        Billers.Standing standing = database.atOnce(journal.billers().look());
        JournalStatus status = database.inTransaction(tx -> journal.inquiries()
                .status(
                        tx,
                        settings.idleLimit(),
                        invoices.candidates().firstPending(tx).orElse(null),
                        invoices.candidates().countPending(tx, Inquiries.MOST_LISTED),
                        standing));
        notices.standing(standing.pause(), standing.resumedBy());
        notices.attended(status);
        return status;
    }
}
