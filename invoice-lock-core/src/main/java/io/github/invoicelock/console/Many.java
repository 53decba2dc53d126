package io.github.invoicelock.console;

import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BulkResult;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceNotMarkedException;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.WordRefusedException;
import io.github.invoicelock.console.pages.Frame;
import io.github.invoicelock.console.pages.ManyPage;
import io.github.invoicelock.console.pages.templates.JtemanyGenerated;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One word on many: tried first, then said batch by batch, under the name of an incident. */
final class Many {
    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final int LARGEST_BATCH = 200;
    private static final int SHOWN = 20;
    /** A page is answered in seconds, however many wait. */
    private static final int MOST_TRIED = 2_000;

    /** What is said of each. */
    private record Word(String name, String incident, String code) {
        static Word of(Visit visit) {
            return new Word(
                    visit.request().parameter("word").orElse("retry"),
                    visit.request().parameter("incident").orElse(""),
                    visit.request().parameter("code").orElse(""));
        }

        BillingOutcome declined() {
            return BillingOutcome.declined(code.isEmpty() ? "closed_by_hand" : code, incident);
        }

        boolean releases() {
            return switch (name) {
                case "retry" -> true;
                case "declined" -> false;
                default ->
                    throw new BadInput(
                            "\"" + name + "\" is not said of many. \"Charged\" needs a reference for each, and "
                                    + "\"not charged\" is said of one invoice at a time.");
            };
        }
    }

    ConsoleResponse page(Visit visit) {
        return page(visit, Word.of(visit), null, null);
    }

    private static ConsoleResponse page(
            Visit visit, Word word, @Nullable BulkResult dryRun, ManyPage.@Nullable Batch batch) {
        ManyPage page = new ManyPage(
                visit.frame("Decide on many", "/waiting"),
                visit.typed(),
                word.name(),
                word.incident(),
                word.code(),
                dryRun,
                batch);
        return Visit.page(200, out -> JtemanyGenerated.render(out, null, page));
    }

    ConsoleResponse say(Visit visit) {
        visit.needed("incident", "The name of the incident");
        Word word = Word.of(visit);
        AttemptFilter filter = visit.filter();
        LockingInvoiceBiller biller = visit.biller();
        return switch (visit.needed("step", "The step")) {
            case "try" ->
                page(
                        visit,
                        word,
                        word.releases()
                                ? biller.dryRun(MOST_TRIED).retryAll(filter, word.incident(), visit.who())
                                : biller.dryRun(MOST_TRIED)
                                        .resolveAll(filter, word.declined(), word.incident(), visit.who()),
                        null);
            case "say" -> page(visit, word, null, batch(visit, word, filter));
            default -> throw new BadInput("The step is neither try nor say.");
        };
    }

    /** What was refused stays in the list: the next batch begins behind the last one of this. */
    private static ManyPage.Batch batch(Visit visit, Word word, AttemptFilter filter) {
        int size = Looking.number(visit, "size", 1, LARGEST_BATCH);
        PageRequest first = PageRequest.first(size);
        Page<BillingAttempt> page = visit.biller()
                .find(
                        filter,
                        visit.request().parameter("after").map(first::after).orElse(first));
        long decided = 0;
        Map<String, Long> refusals = new TreeMap<>();
        List<Frame.Field> invoices = new ArrayList<>();
        for (BillingAttempt attempt : page.rows()) {
            String result = say(visit, word, attempt);
            if (result.isEmpty()) {
                decided++;
            } else {
                refusals.merge(result, 1L, Long::sum);
            }
            if (invoices.size() < SHOWN) {
                invoices.add(new Frame.Field(attempt.invoiceId(), result.isEmpty() ? "done" : result));
            }
        }
        int before = visit.request().parameter("before").isEmpty()
                ? 0
                : Looking.number(visit, "before", 1, Integer.MAX_VALUE);
        return new ManyPage.Batch(decided, refusals, invoices, before, page.next());
    }

    /** Empty if it was taken; else why not. */
    private static String say(Visit visit, Word word, BillingAttempt attempt) {
        try {
            if (word.releases()) {
                visit.biller().retry(attempt, word.incident(), visit.who());
            } else {
                visit.biller().resolve(attempt, word.declined(), word.incident(), visit.who());
            }
            return "";
        } catch (InvoiceNotMarkedException e) {
            // The journal has the word; the mark follows, and its failure is listed with its cause.
            return "";
        } catch (WordRefusedException e) {
            return e.refusal().text();
        } catch (DatabaseException e) {
            if (!LOCK_NOT_AVAILABLE.equals(e.sqlState())) {
                throw e;
            }
            return Refusal.HELD.text();
        }
    }
}
