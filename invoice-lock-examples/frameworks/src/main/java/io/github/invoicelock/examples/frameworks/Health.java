package io.github.invoicelock.examples.frameworks;

import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.LockingInvoiceBiller;
import java.util.Map;

/** What any framework's health check can say of a biller. */
public final class Health {
    private Health() {}

    // tag::health[]
    /** Throws a {@code DatabaseException} if the journal cannot be read: then the check is DOWN, else UP with these details. */
    public static Map<String, Object> details(LockingInvoiceBiller biller) {
        JournalStatus status = biller.status();
        return Map.of(
                "inFlight", status.inFlight(),
                "due", status.due(),
                "parked", status.parked(),
                "paused", status.pause() != null,
                "unattended", status.unattended());
    }
    // end::health[]
}
