package io.github.invoicelock.console;

import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.Decision;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.console.pages.InvoicePage;
import io.github.invoicelock.console.pages.NotBilledPage;
import io.github.invoicelock.console.pages.templates.JtenotbilledGenerated;
import java.time.Instant;
import java.util.List;

/** The one word that can charge again: on a page of its own, and only when no request can be under way any more (R7). */
final class NotBilled {
    private final Looking looking;

    NotBilled(Looking looking) {
        this.looking = looking;
    }

    ConsoleResponse page(Visit visit) {
        LockingInvoiceBiller biller = visit.biller();
        String id = visit.needed("id", "The invoice's id");
        List<BillingAttempt> attempts = biller.attempts(id);
        if (attempts.isEmpty()) {
            return looking.invoice(visit);
        }
        List<AttemptEvent> events = biller.history(id);
        InvoicePage.Attempt newest = looking.attempt(visit, attempts.get(attempts.size() - 1), events);
        Instant until = newest.until();
        boolean canBeSaid =
                newest.choices().stream().anyMatch(choice -> choice.decision() == Decision.RESOLVE_NOT_BILLED);
        NotBilledPage page = new NotBilledPage(
                visit.frame("Not charged: invoice " + newest.attempt().invoiceId(), "/waiting"),
                newest.attempt().invoiceId(),
                newest,
                canBeSaid && until == null,
                until,
                newest.choices().stream().anyMatch(choice -> choice.decision() == Decision.ASK),
                Story.answer(events).orElse(null),
                visit.settings().asksForASecondPerson()
                        ? Story.proposal(events, newest.attempt()).orElse(null)
                        : null,
                visit.settings().asksForASecondPerson());
        return Visit.page(200, out -> JtenotbilledGenerated.render(out, null, page));
    }

    ConsoleResponse say(Visit visit) {
        String id = visit.needed("id", "The invoice's id");
        String note = visit.needed("note", "The note, which says how you know,");
        if (!visit.request().parameter("typed").filter(id.strip()::equals).isPresent()) {
            throw new BadInput(
                    "You typed \"" + visit.request().parameter("typed").orElse("") + "\"; the invoice is " + id
                            + ". Type its id to say that it was not charged.");
        }
        LockingInvoiceBiller biller = visit.biller();
        // One history for what was seen and for who has proposed: what is confirmed is what the page showed.
        List<AttemptEvent> history = biller.history(id);
        BillingAttempt seen = SeenAttempt.in(biller, id, visit.needed("seen", "What the page showed"), history);
        BillingOutcome notBilled = BillingOutcome.notBilled(note);
        if (!visit.settings().asksForASecondPerson()) {
            biller.resolve(seen, notBilled, note, visit.who());
            return visit.backTo("/invoice", "resolved");
        }
        String first = Story.proposal(history, seen).map(InvoicePage.Line::by).orElse(null);
        if (first == null) {
            biller.propose(seen, notBilled, note, visit.who());
            return visit.backTo("/not-billed", "proposed");
        }
        if (first.equalsIgnoreCase(visit.who())) {
            throw new BadInput("You have proposed it yourself. A second person has to say the same.");
        }
        biller.resolve(seen, notBilled, note + " (proposed by " + first + ")", visit.who());
        return visit.backTo("/invoice", "resolved");
    }
}
