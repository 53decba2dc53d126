package io.github.invoicelock.console;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.Decision;
import io.github.invoicelock.LockingInvoiceBiller;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a person decides about one invoice, or about a biller as a whole. */
final class Deciding {
    private static final Logger LOG = LoggerFactory.getLogger(Console.class);
    private static final int MOST_HOURS = 31 * 24;

    private final Looking looking;

    Deciding(Looking looking) {
        this.looking = looking;
    }

    /** What an invoice holds is personal data, perhaps: who looked at it is in the log. */
    ConsoleResponse snapshot(Visit visit) {
        LOG.info(
                "console biller={} invoice={}: {} looks at what was sent",
                visit.name(),
                visit.needed("id", "The invoice's id"),
                visit.who());
        return looking.invoice(visit, true);
    }

    ConsoleResponse decide(Visit visit) {
        String id = visit.needed("id", "The invoice's id");
        Decision decision = Visit.oneOf(Decision.class, visit.needed("decision", "The decision"));
        String note = visit.needed("note", "The note, which says how you know,");
        BillingOutcome outcome = decision == Decision.RETRY ? null : outcome(visit, decision, note);
        LockingInvoiceBiller biller = visit.biller();
        BillingAttempt seen = SeenAttempt.in(biller, id, visit.needed("seen", "What the page showed"));
        if (outcome == null) {
            biller.retry(seen, note, visit.who());
            return visit.backTo("/invoice", "retried");
        }
        biller.resolve(seen, outcome, note, visit.who());
        return visit.backTo("/invoice", "resolved");
    }

    private static BillingOutcome outcome(Visit visit, Decision decision, String note) {
        return switch (decision) {
            case RESOLVE_BILLED ->
                BillingOutcome.billed(visit.needed("reference", "The provider's reference of the charge"));
            case RESOLVE_DECLINED ->
                BillingOutcome.declined(visit.request().parameter("code").orElse("closed_by_hand"), note);
            case RESOLVE_ACCEPTED ->
                BillingOutcome.accepted(
                        visit.needed("reference", "The provider's reference of the order"),
                        Duration.ofHours(Looking.number(visit, "hours", 6, MOST_HOURS)));
            case RESOLVE_NOT_BILLED, RETRY, ASK, MEND, WAIT -> throw new BadInput(decision + " cannot be said here.");
        };
    }

    ConsoleResponse ask(Visit visit) {
        visit.biller().ask(visit.needed("id", "The invoice's id"), visit.who());
        return visit.backTo(
                visit.request().parameter("then").filter("not-billed"::equals).isPresent() ? "/not-billed" : "/invoice",
                "asked");
    }

    ConsoleResponse pause(Visit visit) {
        visit.biller().pause(visit.who(), visit.needed("why", "Why it is paused"));
        return visit.backTo("/", "paused");
    }

    ConsoleResponse resume(Visit visit) {
        visit.biller().resume(visit.who());
        return visit.backTo("/", "resumed");
    }
}
