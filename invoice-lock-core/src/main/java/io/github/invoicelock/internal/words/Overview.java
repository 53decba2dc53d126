package io.github.invoicelock.internal.words;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.AttemptPages;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jooq.DSLContext;

/** What people ask: how things stand, and what waits for them. */
public final class Overview {
    private final BillerSettings settings;
    private final Database database;
    private final Journal journal;
    private final Invoices invoices;

    public Overview(BillerSettings settings, Tables tables) {
        this.settings = settings;
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
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
            waiting.addAll(onlyPending(
                    tx,
                    withdrawn.stream()
                            .filter(attempt -> attempt.cause() == null)
                            .toList()));
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
                AttemptCause.TAKEN_BACK_AND_PENDING,
                a.kept());
    }

    /** Attempts by what is known of them, newest first. */
    public Page<BillingAttempt> find(AttemptFilter filter, PageRequest page) {
        return database.inTransaction(tx -> {
            AttemptFilter printed = filter.invoice() == null ? filter : filter.invoice(printed(tx, filter.invoice()));
            Page<BillingAttempt> found = journal.pages().find(tx, printed, page);
            return filter.cause() == AttemptCause.TAKEN_BACK_AND_PENDING
                    ? new Page<>(onlyPending(tx, found.rows()), found.next())
                    : found;
        });
    }

    private Object printed(DSLContext tx, Object invoiceId) {
        return invoices.ids().printed(tx, String.valueOf(invoiceId)).orElse(String.valueOf(invoiceId));
    }

    private List<BillingAttempt> onlyPending(DSLContext tx, List<BillingAttempt> withdrawn) {
        Set<String> pending = Set.copyOf(invoices.candidates()
                .pendingOf(tx, withdrawn.stream().map(BillingAttempt::invoiceId).toList()));
        return withdrawn.stream()
                .filter(attempt -> pending.contains(attempt.invoiceId()))
                .map(Overview::takenBackAndPending)
                .toList();
    }

    /** Charges that were recorded in a period, a page at a time. */
    public Stream<BillingAttempt> billed(Instant from, Instant to) {
        AttemptPages.Range period = database.inTransaction(tx -> journal.pages().settled(tx, from, to));
        return PagedStream.of(last -> {
            AttemptPages.Range rest = last == null ? period : new AttemptPages.Range(last.id() + 1, period.last());
            return database.inTransaction(tx -> journal.pages().billed(tx, rest, from, to, PagedStream.PAGE));
        });
    }

    /** How things stand, over all servers. */
    public JournalStatus status() {
        return database.inTransaction(tx -> journal.inquiries()
                .status(
                        tx,
                        settings.idleLimit(),
                        invoices.candidates().firstPending(tx).orElse(null)));
    }
}
