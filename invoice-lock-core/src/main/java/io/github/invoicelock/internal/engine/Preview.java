package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingPreview;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.internal.invoices.Invoices;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.journal.Billers;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.settlement.Tables;
import java.math.BigDecimal;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jooq.Condition;

/** What a run would take up, found by the run's own searches, page by page, and left alone. For one look; not thread-safe. */
final class Preview {
    private static final int PAGE = 1_000;
    private static final int MOST_IDS = 100;

    private final Tables tables;
    private final Searches searches;
    private final Invoices invoices;
    private final Map<String, BigDecimal> sums;
    private final List<String> firstIds = new ArrayList<>();
    private int left;

    Preview(Tables tables, Searches searches, RunLimits limits, List<String> sumsOf) {
        this.tables = tables;
        this.searches = searches;
        this.invoices = tables.invoices();
        this.left = limits.invoices();
        this.sums = invoices.sums().zero(sumsOf);
    }

    /**
     * Looks.
     *
     * @param such what else a run's search for fresh invoices asks for
     */
    BillingPreview look(Condition such, int pageOfRun) {
        Billers.Standing standing = searches.look();
        int due = due(standing.clock().atOffset(ZoneOffset.UTC));
        int fresh = fresh();
        String plan =
                tables.database().inTransaction(tx -> invoices.candidates().explained(tx, such, pageOfRun));
        return new BillingPreview(due, fresh, firstIds, sums, standing.pause() != null, plan);
    }

    private int due(OffsetDateTime cutOff) {
        int count = 0;
        DueAttempt last = null;
        while (left > 0) {
            List<DueAttempt> page = searches.duePage(cutOff, last, PAGE);
            List<DueAttempt> taken = page.subList(0, Math.min(left, page.size()));
            taken.forEach(attempt -> name(attempt.invoiceId()));
            add(taken.stream()
                    .filter(attempt -> !attempt.onlyToBeMarked())
                    .map(DueAttempt::invoiceId)
                    .distinct()
                    .toList());
            left -= taken.size();
            count += taken.size();
            if (page.size() < PAGE) {
                return count;
            }
            last = page.get(page.size() - 1);
        }
        return count;
    }

    private int fresh() {
        int count = 0;
        Position from = Position.START;
        while (left > 0 && from != null) {
            FreshIds page = searches.previewedIds(from, PAGE);
            List<String> taken = page.invoiceIds()
                    .subList(0, Math.min(left, page.invoiceIds().size()));
            taken.forEach(this::name);
            add(taken);
            left -= taken.size();
            count += taken.size();
            from = page.next();
        }
        return count;
    }

    private void name(String invoiceId) {
        if (firstIds.size() < MOST_IDS) {
            firstIds.add(invoiceId);
        }
    }

    private void add(Collection<String> ids) {
        if (!sums.isEmpty()) {
            tables.database().inTransaction(tx -> {
                invoices.sums().add(tx, ids, sums);
                return null;
            });
        }
    }
}
