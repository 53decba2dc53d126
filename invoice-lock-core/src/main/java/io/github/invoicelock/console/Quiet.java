package io.github.invoicelock.console;

import io.github.invoicelock.BillingActivity;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.console.pages.Words;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * That invoices are pending and nobody bills. Between two runs of a schedule that is as it should be, and it looks the same where the schedule
 * has died: so it is said as it is, and a person judges. By the same figures as the health of a biller.
 */
final class Quiet {
    /** As {@link JournalStatus#unattended()} has it: from then on a server that runs every minute would have been seen. */
    private static final Duration LONG = Duration.ofMinutes(10);

    private Quiet() {}

    /** In a sentence; null if somebody bills, nothing is pending, or a person has paused it. */
    static @Nullable String of(JournalStatus status, BillingActivity activity) {
        if (status.pending() == 0 || status.pause() != null) {
            return null;
        }
        String pending = Words.bounded(status.pending()) + (status.pending() == 1 ? " invoice is" : " invoices are")
                + " pending.";
        Duration lastRun = status.lastRun();
        if (lastRun == null) {
            return "No server has ever run; " + pending;
        }
        if (lastRun.compareTo(LONG) >= 0) {
            return "No server has run for " + Words.age(lastRun) + "; " + pending;
        }
        boolean idle = activity.servers().isEmpty() && status.inFlight() == 0 && status.pending() > status.parked();
        // Runs of recover() are runs, too: they do not show that nobody calls billPending().
        return idle
                ? "Servers run, and none has billed for an hour; " + pending
                        + " They wait for a person, are not billable yet, or nobody calls billPending()."
                : null;
    }
}
