package io.github.invoicelock.console;

import io.github.invoicelock.ProviderCharge;
import io.github.invoicelock.Reconciliation;
import io.github.invoicelock.console.pages.ReconcilePage;
import io.github.invoicelock.console.pages.templates.JtereconcileGenerated;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.stream.Stream;

/** The provider's list beside the journal. Nothing is kept between two requests: what is written back is compared once more. */
final class Reconciling {
    private static final int SHOWN = 50;

    ConsoleResponse page(Visit visit) {
        LocalDate today = LocalDate.now(visit.settings().zone());
        return page(new ReconcilePage(
                visit.frame("Reconcile", "/reconcile"),
                today.minusDays(1).toString(),
                today.toString(),
                "",
                List.of(),
                null));
    }

    private static ConsoleResponse page(ReconcilePage page) {
        return Visit.page(200, out -> JtereconcileGenerated.render(out, null, page));
    }

    ConsoleResponse compare(Visit visit) {
        String typed = visit.needed("charges", "The provider's list");
        List<ProviderCharge> charges = ChargesCsv.read(typed);
        Instant from = visit.day("from");
        Instant until = visit.day("until");
        if (from == null || until == null || !from.isBefore(until)) {
            throw new BadInput("The period is missing, or ends before it begins.");
        }
        boolean write =
                visit.request().parameter("step").filter("write"::equals).isPresent();
        try (Reconciliation found = visit.biller().reconcile(charges.stream(), from, until)) {
            Reconciliation.WrittenBack written = write ? found.writeBack(visit.who()) : null;
            return page(new ReconcilePage(
                    visit.frame("Reconcile", "/reconcile"),
                    visit.needed("from", "From"),
                    visit.needed("until", "Until"),
                    typed,
                    kinds(found),
                    written));
        }
    }

    private static List<ReconcilePage.Kind> kinds(Reconciliation found) {
        return Stream.of(Reconciliation.Kind.values())
                .filter(kind -> found.count(kind) > 0)
                .map(kind -> new ReconcilePage.Kind(
                        kind,
                        found.count(kind),
                        kind == Reconciliation.Kind.MATCHED
                                ? List.of()
                                : found.findings(kind).limit(SHOWN).toList()))
                .toList();
    }
}
