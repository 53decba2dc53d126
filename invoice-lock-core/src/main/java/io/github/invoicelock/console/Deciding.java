package io.github.invoicelock.console;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingPause;
import io.github.invoicelock.Decision;
import io.github.invoicelock.LockingInvoiceBiller;
import java.time.Duration;
import java.util.List;
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
        List<BillingAttempt> attempts = visit.biller().attempts(visit.needed("id", "The invoice's id"));
        if (!attempts.isEmpty()) {
            // The id as the journal has it: what was asked for may look like a line of the log's own.
            LOG.info(
                    "console biller={} invoice={}: {} looks at what was sent",
                    visit.name(),
                    attempts.get(0).invoiceId(),
                    visit.who());
        }
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
            refuseANewKeyForWhatAPersonClosed(visit, seen);
            biller.retry(seen, note, visit.who());
            return visit.backTo("/invoice", "retried");
        }
        biller.resolve(seen, outcome, note, visit.who());
        return visit.backTo("/invoice", "resolved");
    }

    /** Closing an invoice and releasing it again sends a new key: no way around what "not charged" asks for. */
    private static void refuseANewKeyForWhatAPersonClosed(Visit visit, BillingAttempt seen) {
        String closedBy = seen.resolvedBy();
        if (seen.state() != AttemptState.DECLINED || closedBy == null) {
            return;
        }
        if (!visit.may(ConsoleAccess.DECIDE_NOT_BILLED)) {
            throw new BadInput("A person closed it, not the provider: a new key for it needs the access "
                    + ConsoleAccess.DECIDE_NOT_BILLED + ", as \"not charged\" does.");
        }
        if (visit.settings().asksForASecondPerson() && closedBy.equalsIgnoreCase(visit.who())) {
            throw new BadInput(
                    "You have closed it yourself. A second person has to release it, as for \"not charged\".");
        }
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
        BillingPause pause = visit.biller().status().pause();
        if (pause != null) {
            return visit.refused("It was paused since your page was made, by " + pause.by() + ": \"" + pause.why()
                    + "\". Look at it again.");
        }
        visit.biller().pause(visit.who(), visit.needed("why", "Why it is paused"));
        return visit.backTo("/", "paused");
    }

    ConsoleResponse resume(Visit visit) {
        String seen = visit.needed("seen", "What the page showed");
        BillingPause pause = visit.biller().status().pause();
        if (pause != null && !SeenAttempt.of(pause).equals(seen)) {
            return visit.refused("It was paused anew since your page was made, by " + pause.by() + ": \"" + pause.why()
                    + "\". Look at it again, and resume if that is over, too.");
        }
        visit.biller().resume(visit.who());
        return visit.backTo("/", "resumed");
    }
}
