package io.github.invoicelock.internal.engine;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.internal.database.SessionSettings;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.invoices.Candidate;
import io.github.invoicelock.internal.invoices.Candidates;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.Billers;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.DueAttempts;
import io.github.invoicelock.internal.journal.Inquiries;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a run reads, without a lock, to know what it could take up: what is due, and which invoices are fresh. */
final class Searches {
    private static final SessionSettings TRACING =
            new SessionSettings(Duration.ofMillis(100), Duration.ofSeconds(10), SessionSettings.Work.ONE_ROW);

    /** A run that goes on leaves a trace of itself so often: it says that somebody does what is due. */
    private static final Duration TRACE = Duration.ofMinutes(1);

    private final AtomicLong tracedAt = new AtomicLong(System.nanoTime() - TRACE.toNanos());
    private final Tables tables;
    private final PendingAgain pendingAgain;
    private final DueAttempts.@Nullable Grace grace;

    Searches(Tables tables, PendingAgain pendingAgain, DueAttempts.@Nullable Grace grace) {
        this.tables = tables;
        this.pendingAgain = pendingAgain;
        this.grace = grace;
    }

    /** Tells of invoices that are pending although the journal says that they are not to be charged. */
    PendingAgain pendingAgain() {
        return pendingAgain;
    }

    /** How the biller stands at the beginning of a run, or of a look for what has become due: leaves a trace now and then, in one round trip. */
    Billers.Standing lookAndTrace() {
        long now = System.nanoTime();
        long before = tracedAt.get();
        boolean traces = now - before >= TRACE.toNanos() && tracedAt.compareAndSet(before, now);
        return traces ? trace() : look();
    }

    /** No run waits to leave its trace: who holds the biller's row, or its table, is left alone. */
    private Billers.Standing trace() {
        try {
            return tables.database()
                    .atOnce(
                            TRACING,
                            tables.journal()
                                    .billers()
                                    .lookAndTrace(tables.database().distributed()));
        } catch (DatabaseException e) {
            if (SqlStates.lockNotAvailable(e)) {
                return look();
            }
            throw e;
        }
    }

    /** How the biller stands. */
    Billers.Standing look() {
        return tables.database().atOnce(tables.journal().billers().look());
    }

    List<DueAttempt> duePage(OffsetDateTime cutOff, @Nullable DueAttempt after, int limit) {
        return tables.database().inTransaction(tx -> tables.journal().dues().page(tx, cutOff, after, grace, limit));
    }

    List<AttemptRow> attemptsOf(String invoiceId) {
        Inquiries inquiries = tables.journal().inquiries();
        return tables.database()
                .atOnce(inquiries.ofInvoices(List.of(invoiceId)))
                .getOrDefault(invoiceId, List.of());
    }

    /** An invoice's id as its row prints it; one that is not there is an error. */
    String printed(String given) {
        return tables.database()
                .inTransaction(tx -> tables.invoices().ids().printed(tx, given))
                .orElseThrow(() -> new InvoiceLockException("There is no invoice " + given + " in "
                        + tables.invoices().qualifiedName() + ". Check the id."));
    }

    FreshIds freshIds(Position from, int limit) {
        return freshIds(from, limit, pendingAgain::tell);
    }

    /** The same, for people who look before they bill: nobody is told of anything. */
    FreshIds previewedIds(Position from, int limit) {
        return freshIds(from, limit, attempts -> {});
    }

    private FreshIds freshIds(Position from, int limit, Consumer<Map<String, List<AttemptRow>>> claimed) {
        try {
            return freshIds(tables.database().atOnce(candidates().page(from, limit)), from, limit, claimed);
        } catch (DatabaseException e) {
            if (!SqlStates.ofOneInvoice(e)) {
                throw e;
            }
            // One of them cannot be asked whether it is billable; which one shows when each is asked by itself.
            FreshIds pending =
                    freshIds(tables.database().atOnce(candidates().pendingPage(from, limit)), from, limit, claimed);
            return new FreshIds(
                    pending.candidates().stream()
                            .filter(candidate -> mayBeFresh(candidate.invoiceId()))
                            .toList(),
                    pending.next());
        }
    }

    /** The customers of whom one is being called just now, by whatever server. */
    Set<String> customersCalled() {
        return tables.database().atOnce(tables.journal().places().all());
    }

    private Candidates candidates() {
        return tables.invoices().candidates();
    }

    /** Whether an invoice is pending and billable; true also of one that cannot be asked: its claim says why, and sets it aside. */
    boolean mayBeFresh(String invoiceId) {
        try {
            return tables.database().inTransaction(tx -> candidates().isFresh(tx, invoiceId));
        } catch (DatabaseException e) {
            if (SqlStates.ofOneInvoice(e)) {
                return true;
            }
            throw e;
        }
    }

    private FreshIds freshIds(
            List<Candidate> page, Position from, int limit, Consumer<Map<String, List<AttemptRow>>> claimed) {
        List<String> invoiceIds = page.stream().map(Candidate::invoiceId).toList();
        Map<String, List<AttemptRow>> attempts = page.isEmpty()
                ? Map.of()
                : tables.database().atOnce(tables.journal().inquiries().ofInvoices(invoiceIds));
        claimed.accept(attempts);
        return new FreshIds(
                page.stream()
                        .filter(candidate -> !attempts.containsKey(candidate.invoiceId()))
                        .toList(),
                page.size() < limit
                        ? candidates().nextPhase(from)
                        : page.get(page.size() - 1).position());
    }
}
