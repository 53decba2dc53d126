package io.github.invoicelock.spring;

import io.github.invoicelock.BillingPause;
import io.github.invoicelock.JournalStatus;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a health indicator shows, whichever Spring Boot asks. */
final class JournalDetails {
    private JournalDetails() {}

    static Map<String, Object> of(String biller, JournalStatus status) {
        Map<String, Object> details = new LinkedHashMap<>();
        details.put("biller", biller);
        details.put("inFlight", status.inFlight());
        details.put("due", status.due());
        details.put("parked", status.parked());
        age(details, "oldestDue", status.oldestDue());
        age(details, "oldestParked", status.oldestParked());
        age(details, "oldestPending", status.oldestPending());
        if (status.brake() != null) {
            details.put(
                    "brake", status.brake().why() + " (until " + status.brake().until() + ")");
        }
        details.put("pending", status.pending());
        age(details, "lastRun", status.lastRun());
        BillingPause pause = status.pause();
        if (pause != null) {
            details.put("paused", "by " + pause.by() + " since " + pause.since() + ": " + pause.why());
        }
        if (status.unattended()) {
            details.put(
                    "attention",
                    "Attempts have been due for ten minutes, and no server has run. Call recover() every minute.");
        }
        return details;
    }

    private static void age(Map<String, Object> details, String name, @Nullable Duration age) {
        if (age != null) {
            details.put(name, age.toString());
        }
    }
}
