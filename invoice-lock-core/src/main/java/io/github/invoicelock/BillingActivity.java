package io.github.invoicelock;

import java.time.Instant;
import java.util.List;

/**
 * What came to an end in the last hour, over all servers, by the database's clock; see {@link LockingInvoiceBiller#activity()}. Immutable.
 *
 * @param minutes how many were charged in each minute; sixty-one, oldest first, the first and the last of them not whole
 * @param servers which servers wrote an outcome, the latest first; one that found nothing to do is not among them
 * @param whole whether everything of the hour was counted; false where there were more than 100,000 outcomes: then a part was
 */
public record BillingActivity(List<Minute> minutes, List<Server> servers, boolean whole) {
    /**
     * What was charged in a minute.
     *
     * @param from its beginning
     * @param charges how many
     */
    public record Minute(Instant from, long charges) {}

    /**
     * A server that wrote an outcome.
     *
     * @param name as {@link BillingAttempt#owner()} has it
     * @param lastSeen when it wrote the last one
     * @param charges how many it charged
     */
    public record Server(String name, Instant lastSeen, long charges) {}

    /**
     * Copied.
     *
     * @param minutes as above
     * @param servers as above
     * @param whole as above
     */
    public BillingActivity {
        minutes = List.copyOf(minutes);
        servers = List.copyOf(servers);
    }

    /**
     * How many were charged in the hour.
     *
     * @return the sum over its minutes
     */
    public long charges() {
        return minutes.stream().mapToLong(Minute::charges).sum();
    }
}
