package io.github.invoicelock.console;

import io.github.invoicelock.Advice;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BulkResult;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.WordRefusedException;
import io.github.invoicelock.console.pages.ManyPage;
import io.github.invoicelock.console.pages.templates.JtemanyGenerated;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One word on many: tried first, then said batch by batch, under the name of an incident. What is said is said of those alone that the trial
 * counted, as they were then.
 */
final class Many {
    private static final int LARGEST_BATCH = 200;
    private static final int PAGE = 500;
    /** A page is answered in seconds, however many wait. */
    private static final int MOST_TRIED = 2_000;

    /**
     * What is said of each.
     *
     * @param name retry or declined
     * @param incident why
     * @param code of the refusal; may be empty
     */
    record Word(String name, String incident, String code) {
        static Word of(Visit visit) {
            return new Word(
                    visit.request().parameter("word").orElse("retry"),
                    visit.request().parameter("incident").orElse(""),
                    visit.request().parameter("code").orElse(""));
        }

        private BillingOutcome declined() {
            return BillingOutcome.declined(code.isEmpty() ? "closed_by_hand" : code, incident);
        }

        private boolean releases() {
            return switch (name) {
                case "retry" -> true;
                case "declined" -> false;
                default ->
                    throw new BadInput(
                            "\"" + name + "\" is not said of many. \"Charged\" needs a reference for each, and "
                                    + "\"not charged\" is said of one invoice at a time.");
            };
        }

        void say(Visit visit, BillingAttempt seen) {
            if (releases()) {
                visit.biller().retry(seen, incident, visit.who());
            } else {
                visit.biller().resolve(seen, declined(), incident, visit.who());
            }
        }

        Advice.Effect tryToSay(Visit visit, BillingAttempt seen) {
            return releases()
                    ? visit.biller().dryRun().retry(seen, incident, visit.who())
                    : visit.biller().dryRun().resolve(seen, declined(), incident, visit.who());
        }
    }

    ConsoleResponse page(Visit visit) {
        return page(200, visit, null, null);
    }

    private static ConsoleResponse page(
            int status, Visit visit, ManyPage.@Nullable Trial trial, ManyPage.@Nullable Batch batch) {
        Word word = Word.of(visit);
        ManyPage page = new ManyPage(
                visit.frame("Decide on many", "/waiting"),
                visit.typed(),
                word.name(),
                word.incident(),
                word.code(),
                trial,
                batch);
        return Visit.page(status, out -> JtemanyGenerated.render(out, null, page));
    }

    ConsoleResponse say(Visit visit) {
        visit.needed("incident", "The name of the incident");
        Word word = Word.of(visit);
        return switch (visit.needed("step", "The step")) {
            case "try" -> page(200, visit, trial(visit, word), null);
            case "say" -> {
                Tried tried = Tried.in(visit, word);
                ManyBatch batch = ManyBatch.of(Looking.number(visit, "size", 1, LARGEST_BATCH), visit, word, tried);
                yield page(batch.status(), visit, null, batch.shown());
            }
            default -> throw new BadInput("The step is neither try nor say.");
        };
    }

    /** Writes nothing, and remembers in the page which of them would be taken. */
    private static ManyPage.Trial trial(Visit visit, Word word) {
        Map<Advice.Effect, Long> effects = new EnumMap<>(Advice.Effect.class);
        Map<Refusal, Long> refusals = new EnumMap<>(Refusal.class);
        Tried tried = Tried.of(word);
        AttemptFilter filter = visit.filter();
        PageRequest request = PageRequest.first(PAGE);
        int counted = 0;
        while (true) {
            Page<BillingAttempt> page = visit.biller().find(filter, request);
            for (BillingAttempt attempt : page.rows()) {
                try {
                    effects.merge(word.tryToSay(visit, attempt), 1L, Long::sum);
                    tried.add(attempt);
                } catch (WordRefusedException e) {
                    refusals.merge(e.refusal(), 1L, Long::sum);
                }
            }
            counted += page.rows().size();
            String next = page.next();
            if (next == null || counted >= MOST_TRIED) {
                return new ManyPage.Trial(new BulkResult(true, effects, refusals), tried.text(), next != null);
            }
            request = PageRequest.first(PAGE).after(next);
        }
    }
}
