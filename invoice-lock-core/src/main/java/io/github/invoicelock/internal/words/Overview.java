package io.github.invoicelock.internal.words;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingActivity;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.WaitingGroup;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.journal.AttemptPages;
import io.github.invoicelock.internal.journal.Billers;
import io.github.invoicelock.internal.journal.Inquiries;
import io.github.invoicelock.internal.journal.Journal;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.PendingAgainst;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Duration;
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
    private final Notices notices;

    public Overview(BillerSettings settings, Tables tables, Notices notices) {
        this.settings = settings;
        this.database = tables.database();
        this.journal = tables.journal();
        this.invoices = tables.invoices();
        this.notices = notices;
    }

    /** An id as the invoice's row prints it; of one that is gone, as it was given. */
    public String printed(String invoiceId) {
        return database.inTransaction(tx -> printed(tx, invoiceId));
    }

    private String printed(DSLContext tx, String invoiceId) {
        return invoices.ids().printed(tx, invoiceId).orElse(invoiceId);
    }

    /** All attempts of an invoice, oldest first; of one that is gone, too. */
    public List<BillingAttempt> attempts(String invoiceId) {
        return database.inTransaction(tx -> journal.inquiries().attempts(tx, printed(tx, invoiceId)));
    }

    /** What happened to an invoice's attempts, oldest first; of one that is gone, too. */
    public List<AttemptEvent> history(String invoiceId) {
        return database.inTransaction(tx -> journal.events().ofInvoice(tx, printed(tx, invoiceId)));
    }

    /** The attempts that wait for a person, oldest first. */
    public List<BillingAttempt> needsAttention() {
        return database.inTransaction(tx -> {
            List<BillingAttempt> listed = journal.inquiries().needingAttention(tx);
            List<BillingAttempt> withdrawn = journal.inquiries().withdrawn(tx).stream()
                    .filter(attempt -> attempt.cause() == null)
                    .toList();
            Set<String> pending = Set.copyOf(invoices.candidates()
                    .pendingOf(
                            tx,
                            Stream.concat(listed.stream().filter(Overview::isPendingAgain), withdrawn.stream())
                                    .map(BillingAttempt::invoiceId)
                                    .distinct()
                                    .toList()));
            List<BillingAttempt> waiting = new ArrayList<>(listed);
            // Mended, though no run has seen it yet.
            waiting.removeIf(attempt -> isPendingAgain(attempt) && !pending.contains(attempt.invoiceId()));
            waiting.addAll(pendingAgain(tx, withdrawn, pending));
            waiting.sort(Comparator.comparing(BillingAttempt::startedAt).thenComparing(BillingAttempt::id));
            return waiting;
        });
    }

    private static boolean isPendingAgain(BillingAttempt attempt) {
        return PendingAgainst.isCause(attempt.cause());
    }

    /** Nothing is lost: an invoice that was taken back, and is pending again, is nobody's until a person says so. */
    private List<BillingAttempt> pendingAgain(DSLContext tx, List<BillingAttempt> withdrawn, Set<String> pending) {
        List<String> again = withdrawn.stream()
                .map(BillingAttempt::invoiceId)
                .filter(pending::contains)
                .distinct()
                .toList();
        if (again.isEmpty()) {
            return List.of();
        }
        return journal.inquiries().ofInvoices(again).in(tx).values().stream()
                .flatMap(attempts -> PendingAgainst.of(attempts).stream())
                .filter(against -> against.attempt().cause() == null)
                .map(against -> with(against.attempt(), against.cause()))
                .toList();
    }

    private static BillingAttempt with(BillingAttempt a, AttemptCause cause) {
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
                cause,
                a.kept());
    }

    /** Attempts by what is known of them, newest first. */
    public Page<BillingAttempt> find(AttemptFilter filter, PageRequest page) {
        return database.inTransaction(tx -> journal.pages().find(tx, filter, page));
    }

    /** Charges that were recorded in a period, a page at a time. */
    public Stream<BillingAttempt> billed(Instant from, Instant to) {
        AttemptPages.Range period = database.inTransaction(tx -> journal.pages().settled(tx, from, to));
        return PagedStream.of(last -> {
            AttemptPages.Range rest = last == null ? period : new AttemptPages.Range(last.id() + 1, period.last());
            return database.inTransaction(tx -> journal.pages().billed(tx, rest, from, to, PagedStream.PAGE));
        });
    }

    /** A page of them. */
    public Page<BillingAttempt> billed(Instant from, Instant to, PageRequest page) {
        return database.inTransaction(tx -> journal.pages().billed(tx, from, to, page));
    }

    /** What waits for a person, by what it has in common. */
    public List<WaitingGroup> waiting() {
        return database.inTransaction(tx -> journal.summaries().waiting(tx));
    }

    /** What came to an end in the last hour. */
    public BillingActivity activity() {
        return database.inTransaction(tx ->
                journal.summaries().lastHour(tx, journal.inquiries().clock(tx).toInstant()));
    }

    /** For how long the provider remembers a key, as the gateway said. */
    public Duration keyMemory() {
        return settings.idempotencyWindow();
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
