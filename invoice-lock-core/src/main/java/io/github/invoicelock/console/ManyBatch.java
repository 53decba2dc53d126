package io.github.invoicelock.console;

import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceNotMarkedException;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.WordRefusedException;
import io.github.invoicelock.console.pages.Frame;
import io.github.invoicelock.console.pages.ManyPage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Some of those that a trial counted, decided one after the other. What ends it before its time is told together with what was done. Made for one
 * request; not thread-safe.
 */
final class ManyBatch {
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final int SHOWN = 20;
    /** A page is answered in seconds, whatever has begun to wait since the trial. */
    private static final int MOST_LOOKED_AT = 2_000;

    private final Visit visit;
    private final Many.Word word;
    private final Tried tried;
    private final Map<String, Long> refusals = new TreeMap<>();
    private final List<Frame.Field> invoices = new ArrayList<>();
    /** With the batches before this one. */
    private long decided;

    private long notCounted;
    /** Where the next page begins; null: at the first. */
    private @Nullable String cursor;

    private boolean over;
    private @Nullable RuntimeException failure;

    private ManyBatch(Visit visit, Many.Word word, Tried tried) {
        this.visit = visit;
        this.word = word;
        this.tried = tried;
        this.cursor = visit.request().parameter("after").orElse(null);
        this.decided = visit.request().parameter("before").isEmpty()
                ? 0
                : Looking.number(visit, "before", 1, Integer.MAX_VALUE);
    }

    /** Decides on so many, or all that are left. */
    static ManyBatch of(int size, Visit visit, Many.Word word, Tried tried) {
        ManyBatch batch = new ManyBatch(visit, word, tried);
        AttemptFilter filter = visit.filter();
        // The first page before the first word: what cannot be understood, or read, is told as a page of its own.
        Page<BillingAttempt> first = visit.paged(page -> visit.biller().find(filter, page), size);
        try {
            batch.decide(size, filter, first);
        } catch (RuntimeException e) {
            batch.failure = e;
        }
        return batch;
    }

    private void decide(int size, AttemptFilter filter, Page<BillingAttempt> first) {
        int taken = 0;
        int lookedAt = 0;
        Page<BillingAttempt> page = first;
        while (true) {
            for (BillingAttempt attempt : page.rows()) {
                taken += decide(attempt) ? 1 : 0;
            }
            lookedAt += Math.max(1, page.rows().size());
            String next = page.next();
            if (next == null || tried.size() == 0 || isBehindAllTried(page.rows())) {
                over = true;
                return;
            }
            cursor = next;
            if (taken >= size || lookedAt >= MOST_LOOKED_AT) {
                return;
            }
            page = visit.biller().find(filter, PageRequest.first(size - taken).after(next));
        }
    }

    /** Lists are the newest first, by the journal's own numbers. */
    private boolean isBehindAllTried(List<BillingAttempt> rows) {
        return !rows.isEmpty() && !tried.hasOlderThan(rows.get(rows.size() - 1));
    }

    /** Whether it was one that the trial counted. */
    private boolean decide(BillingAttempt attempt) {
        Tried.Match match = tried.match(attempt);
        if (match == Tried.Match.NOT_COUNTED) {
            notCounted++;
            return false;
        }
        String result = match == Tried.Match.CHANGED ? "it has changed since it was tried" : saidOf(attempt);
        tried.remove(attempt);
        if (result.isEmpty()) {
            decided++;
        } else {
            refusals.merge(result, 1L, Long::sum);
        }
        show(attempt, result.isEmpty() ? "done" : result);
        return true;
    }

    private void show(BillingAttempt attempt, String result) {
        if (invoices.size() < SHOWN) {
            invoices.add(new Frame.Field(attempt.invoiceId(), result));
        }
    }

    /** Empty if it was taken; else why not. */
    private String saidOf(BillingAttempt attempt) {
        try {
            word.say(visit, attempt);
            return "";
        } catch (InvoiceNotMarkedException e) {
            // The journal has the word; the mark follows, and its failure is listed with its cause.
            return "";
        } catch (WordRefusedException e) {
            return e.refusal().text();
        } catch (RuntimeException e) {
            if (e instanceof DatabaseException database && LOCK_NOT_AVAILABLE.equals(database.sqlState())) {
                return Refusal.HELD.text();
            }
            // A connection that is lost at the commit leaves open whether it was written.
            invoices.add(new Frame.Field(attempt.invoiceId(), "cut off here: its page says whether it was decided"));
            throw e;
        }
    }

    int status() {
        return failure == null ? 200 : failure instanceof DatabaseException ? 503 : 500;
    }

    ManyPage.Batch shown() {
        return new ManyPage.Batch(
                decided,
                refusals,
                invoices,
                new ManyPage.Left(notCounted, tried.size(), over),
                failure == null ? null : visit.told(failure),
                over || tried.size() == 0 ? null : new ManyPage.Next(cursor, tried.text()));
    }
}
