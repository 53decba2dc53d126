package io.github.invoicelock.console;

import io.github.invoicelock.Advice;
import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingActivity;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Page;
import io.github.invoicelock.PageRequest;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.console.pages.AnomaliesPage;
import io.github.invoicelock.console.pages.Frame;
import io.github.invoicelock.console.pages.InvoicePage;
import io.github.invoicelock.console.pages.ListPage;
import io.github.invoicelock.console.pages.NowPage;
import io.github.invoicelock.console.pages.PreviewPage;
import io.github.invoicelock.console.pages.WaitingPage;
import io.github.invoicelock.console.pages.Words;
import io.github.invoicelock.console.pages.templates.JteanomaliesGenerated;
import io.github.invoicelock.console.pages.templates.JtechargedGenerated;
import io.github.invoicelock.console.pages.templates.JteinvoiceGenerated;
import io.github.invoicelock.console.pages.templates.JtenowGenerated;
import io.github.invoicelock.console.pages.templates.JtepreviewGenerated;
import io.github.invoicelock.console.pages.templates.JtesearchGenerated;
import io.github.invoicelock.console.pages.templates.JtewaitingGenerated;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Pages that change nothing. */
final class Looking {
    private static final int MOST_GROUPS = 4;
    private static final int MOST_PREVIEWED = 10_000;
    private static final List<AttemptCause> ANOMALIES = List.of(
            AttemptCause.SECOND_CHARGE, AttemptCause.PENDING_THOUGH_BILLED, AttemptCause.TAKEN_BACK_AND_PENDING);

    ConsoleResponse now(Visit visit) {
        List<NowPage.Biller> billers = new ArrayList<>();
        Map<String, String> silent = new LinkedHashMap<>();
        visit.billers().forEach((name, biller) -> {
            try {
                billers.add(biller(visit, name, biller));
            } catch (DatabaseException e) {
                // The others may have databases of their own.
                silent.put(name, String.valueOf(e.getMessage()));
            }
        });
        NowPage page = new NowPage(visit.frame("Now", "/"), billers, silent);
        return Visit.page(billers.isEmpty() ? 503 : 200, out -> JtenowGenerated.render(out, null, page));
    }

    private static NowPage.Biller biller(Visit visit, String name, LockingInvoiceBiller biller) {
        JournalStatus status = biller.status();
        BillingActivity activity = biller.activity();
        return new NowPage.Biller(
                visit.frame("Now", "/", name),
                name,
                status,
                activity,
                wrong(status),
                Quiet.of(status, activity),
                status.pause() == null ? "" : SeenAttempt.of(status.pause()),
                biller.waiting().stream().limit(MOST_GROUPS).toList());
    }

    private static List<String> wrong(JournalStatus status) {
        return status.unattended()
                ? List.of("Nobody has continued for " + Words.age(status.oldestDue())
                        + ". Schedule recover(), or see why no server runs.")
                : List.of();
    }

    ConsoleResponse waiting(Visit visit) {
        AttemptFilter filter = visit.filter();
        WaitingPage.Filter typed = visit.typed();
        Frame frame = visit.frame("Waiting for a person", "/waiting");
        Page<BillingAttempt> found = visit.paged(page -> visit.biller().find(filter, page));
        WaitingPage page = new WaitingPage(
                frame,
                visit.biller().waiting(),
                typed,
                found.rows(),
                found.next() == null ? null : link(frame, "/waiting", typed, found.next()),
                link(frame, "/waiting.csv", typed, null),
                link(frame, "/many", typed, null));
        return Visit.page(200, out -> JtewaitingGenerated.render(out, null, page));
    }

    private static String link(Frame frame, String path, WaitingPage.Filter filter, @Nullable String after) {
        return frame.link(
                path,
                "cause",
                filter.cause(),
                "state",
                filter.state(),
                "from",
                filter.from(),
                "until",
                filter.until(),
                "after",
                after);
    }

    ConsoleResponse invoice(Visit visit) {
        return invoice(visit, false);
    }

    ConsoleResponse invoice(Visit visit, boolean withSnapshot) {
        String id = visit.needed("id", "The invoice's id");
        LockingInvoiceBiller biller = visit.biller();
        List<BillingAttempt> attempts = new ArrayList<>(biller.attempts(id));
        List<AttemptEvent> events = biller.history(id);
        if (attempts.isEmpty()) {
            return visit.said(
                    404,
                    "Never claimed",
                    List.of("The journal has no attempt of invoice " + id + ": it was never claimed by this biller."));
        }
        List<InvoicePage.Line> story = Story.of(attempts, events);
        Collections.reverse(attempts);
        BillingAttempt newest = attempts.get(0);
        String snapshot = newest.invoice();
        InvoicePage page = new InvoicePage(
                visit.frame("Invoice " + newest.invoiceId(), "/waiting"),
                newest.invoiceId(),
                attempts.stream()
                        .map(attempt -> attempt(visit, attempt, events))
                        .toList(),
                story,
                withSnapshot && snapshot != null
                        ? SnapshotFields.of(snapshot, visit.settings().masking())
                        : null,
                snapshot != null);
        return Visit.page(200, out -> JteinvoiceGenerated.render(out, null, page));
    }

    InvoicePage.Attempt attempt(Visit visit, BillingAttempt attempt, List<AttemptEvent> history) {
        Advice advice = visit.biller().advice(attempt);
        return new InvoicePage.Attempt(
                attempt,
                SeenAttempt.of(attempt, history),
                visit.settings().linkOf(attempt),
                keyAge(attempt, visit.biller().keyMemory()),
                advice.provider().text(),
                advice.requestsUntil(),
                advice.choices());
    }

    private static String keyAge(BillingAttempt attempt, Duration memory) {
        Duration age = Duration.between(attempt.startedAt(), Instant.now());
        String old = "The key is " + Words.age(age) + " old. ";
        if (memory.isZero()) {
            return old + "The provider remembers no keys: the same key again could charge again.";
        }
        return old
                + (age.compareTo(memory) < 0
                        ? "The provider remembers it for another " + Words.age(memory.minus(age))
                                + ": until then the same key charges nothing more."
                        : "The provider remembers keys for " + Words.age(memory) + " and may have forgotten this one.");
    }

    ConsoleResponse search(Visit visit) {
        return found(visit, List.of(), List.of("", "invoice"));
    }

    ConsoleResponse found(Visit visit) {
        String text = visit.needed("text", "What is searched for");
        String kind = visit.request().parameter("kind").orElse("invoice");
        AttemptFilter all = AttemptFilter.all();
        AttemptFilter filter =
                switch (kind) {
                    case "key" -> all.key(text);
                    case "reference" -> all.reference(text);
                    case "invoice" -> all.invoice(text);
                    default -> throw new BadInput("\"" + kind + "\" is none of invoice, key and reference.");
                };
        return found(
                visit, visit.biller().find(filter, PageRequest.first(100)).rows(), List.of(text, kind, "searched"));
    }

    private static ConsoleResponse found(Visit visit, List<BillingAttempt> rows, List<String> typed) {
        ListPage page = new ListPage(visit.frame("Search", "/search"), rows, null, typed, null);
        return Visit.page(200, out -> JtesearchGenerated.render(out, null, page));
    }

    /**
     * From when until when.
     *
     * @param from the first moment
     * @param until the end, itself not included
     * @param typed both, as days or moments
     */
    record Period(Instant from, Instant until, List<String> typed) {}

    /** Today, where nothing is said. */
    static Period period(Visit visit) {
        LocalDate today = LocalDate.now(visit.settings().zone());
        Instant from = visit.day("from");
        Instant until = visit.day("until");
        String typedFrom = visit.request().parameter("from").orElse(today.toString());
        Instant begin =
                from == null ? today.atStartOfDay(visit.settings().zone()).toInstant() : from;
        String typedUntil = visit.request()
                .parameter("until")
                .orElse(from == null ? today.plusDays(1).toString() : "");
        Instant end = until != null
                ? until
                : begin.atZone(visit.settings().zone()).plusDays(1).toInstant();
        if (end.isBefore(begin)) {
            throw new BadInput("The period ends before it begins.");
        }
        return new Period(begin, end, List.of(typedFrom, typedUntil.isEmpty() ? end.toString() : typedUntil));
    }

    ConsoleResponse charged(Visit visit) {
        Period period = period(visit);
        Frame frame = visit.frame("Charged", "/charged");
        Page<BillingAttempt> found = visit.paged(page -> visit.biller().billed(period.from(), period.until(), page));
        String from = period.typed().get(0);
        String until = period.typed().get(1);
        ListPage page = new ListPage(
                frame,
                found.rows(),
                found.next() == null
                        ? null
                        : frame.link("/charged", "from", from, "until", until, "after", found.next()),
                period.typed(),
                frame.link("/charged.csv", "from", from, "until", until));
        return Visit.page(200, out -> JtechargedGenerated.render(out, null, page));
    }

    ConsoleResponse anomalies(Visit visit) {
        List<AnomaliesPage.Kind> kinds = ANOMALIES.stream()
                .map(cause -> {
                    Page<BillingAttempt> found =
                            visit.biller().find(AttemptFilter.all().waiting().cause(cause), PageRequest.first(20));
                    return new AnomaliesPage.Kind(cause, found.rows(), found.next() != null);
                })
                .toList();
        AnomaliesPage page = new AnomaliesPage(visit.frame("Anomalies", "/anomalies"), kinds);
        return Visit.page(200, out -> JteanomaliesGenerated.render(out, null, page));
    }

    ConsoleResponse preview(Visit visit) {
        int most = number(visit, "invoices", 1_000, MOST_PREVIEWED);
        List<String> sums = visit.request()
                .parameter("sums")
                .map(typed -> Stream.of(typed.split("[,\\s]+")).toList())
                .orElse(List.of());
        if (!sums.isEmpty() && !visit.may(ConsoleAccess.DECIDE)) {
            throw new BadInput("A sum shows what invoices hold: it needs the access " + ConsoleAccess.DECIDE + ".");
        }
        boolean asked = visit.request().parameter("invoices").isPresent();
        PreviewPage page = new PreviewPage(
                visit.frame("Preview", "/preview"),
                most,
                sums,
                asked ? visit.biller().preview(RunLimits.none().invoices(most), sums.toArray(String[]::new)) : null);
        return Visit.page(200, out -> JtepreviewGenerated.render(out, null, page));
    }

    static int number(Visit visit, String parameter, int otherwise, int most) {
        String typed = visit.request().parameter(parameter).orElse(String.valueOf(otherwise));
        int number;
        try {
            number = Integer.parseInt(typed);
        } catch (NumberFormatException e) {
            throw new BadInput("\"" + typed + "\" is no number. Write one from 1 to " + most + ".");
        }
        if (number < 1 || number > most) {
            throw new BadInput(typed + " is not from 1 to " + most + ".");
        }
        return number;
    }
}
