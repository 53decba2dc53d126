package io.github.invoicelock.console;

import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.ProviderCharge;
import io.github.invoicelock.Reconciliation;
import io.github.invoicelock.console.pages.ReconcilePage;
import io.github.invoicelock.console.pages.templates.JtereconcileGenerated;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The provider's list beside the journal. Nothing is kept between two requests: what is written back is compared once more, before it and after it. */
final class Reconciling {
    private static final int SHOWN = 50;

    ConsoleResponse page(Visit visit) {
        LocalDate today = LocalDate.now(visit.settings().zone());
        return page(
                200,
                new ReconcilePage(
                        visit.frame("Reconcile", "/reconcile"),
                        today.minusDays(1).toString(),
                        today.toString(),
                        "",
                        List.of(),
                        null));
    }

    private static ConsoleResponse page(int status, ReconcilePage page) {
        return Visit.page(status, out -> JtereconcileGenerated.render(out, null, page));
    }

    ConsoleResponse compare(Visit visit) {
        String typed = visit.needed("charges", "The provider's list");
        List<ProviderCharge> charges = ChargesCsv.read(typed);
        Instant from = visit.day("from");
        Instant until = visit.day("until");
        if (from == null || until == null || !from.isBefore(until)) {
            throw new BadInput("The period is missing, or ends before it begins.");
        }
        Supplier<Reconciliation> comparison = () -> visit.biller().reconcile(charges.stream(), from, until);
        ReconcilePage.@Nullable Written written = visit.request()
                .parameter("step")
                .filter("write"::equals)
                .map(step -> written(visit, comparison))
                .orElse(null);
        return page(
                written == null || written.cutOff() == null ? 200 : 503,
                new ReconcilePage(
                        visit.frame("Reconcile", "/reconcile"),
                        visit.needed("from", "From"),
                        visit.needed("until", "Until"),
                        typed,
                        // Anew, after what was written: what is shown is what is left.
                        kinds(comparison, written),
                        written));
    }

    /** What was recorded before an error stays; the list that is compared anew then says what is left. */
    private static ReconcilePage.Written written(Visit visit, Supplier<Reconciliation> comparison) {
        try (Reconciliation found = comparison.get()) {
            Reconciliation.WrittenBack back = found.writeBack(visit.who());
            List<String> failures = back.failures();
            return new ReconcilePage.Written(
                    back.charges(),
                    back.unmarked(),
                    back.held(),
                    failures.subList(0, Math.min(SHOWN, failures.size())),
                    null);
        } catch (RuntimeException e) {
            return new ReconcilePage.Written(0, 0, 0, List.of(), visit.told(e));
        }
    }

    private static List<ReconcilePage.Kind> kinds(
            Supplier<Reconciliation> comparison, ReconcilePage.@Nullable Written written) {
        try (Reconciliation found = comparison.get()) {
            return kinds(found);
        } catch (DatabaseException e) {
            if (written == null) {
                throw e;
            }
            throw new DatabaseException(
                    written.sentence() + " What is left could not be compared: " + e.getMessage(), e.sqlState(), e);
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
