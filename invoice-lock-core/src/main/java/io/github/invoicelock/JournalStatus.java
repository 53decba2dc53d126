package io.github.invoicelock;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How things stand with one biller at one moment, over all servers: counts and ages by the journal and the database's clock. At most
 * 10,000 of a kind are counted, so that asking stays cheap whatever has piled up.
 *
 * @param inFlight how many invoices servers have claimed and are calling the provider for, as far as leases tell
 * @param due how many attempts wait for the next run: left behind by a crash, or to be tried, asked about or marked again
 * @param parked how many attempts have a {@link BillingAttempt#cause() cause} to wait for a person; without those that were taken back and are
 *     pending again, which only {@link LockingInvoiceBiller#needsAttention()} lists
 * @param oldestDue for how long the first of those that are due has been; null if none is. Where it grows, nobody calls
 *     {@link LockingInvoiceBiller#recover()}.
 * @param oldestParked since when the oldest parked attempt has been there, counted from its first claim; null if none is parked
 * @param oldestPending how old the first pending invoice is, by the column of {@link InvoiceTable#orderedBy}; zero if its time is yet
 *     to come; null if none is pending, or that column is no date or timestamp. A date counts from its midnight in the session's time
 *     zone.
 * @param pending how many invoices of the host's table are pending, billable or not, claimed or not
 * @param pause who has {@linkplain LockingInvoiceBiller#pause paused} the biller, and why; null if nobody has
 * @param lastRun how long ago a server last began a run of {@link LockingInvoiceBiller#billPending()} or
 *     {@link LockingInvoiceBiller#recover()}, or looked in one for what has become due; within a minute or so. Null if none ever has.
 * @param brake why all servers hold back, and try one call at a time; null if they do not
 */
public record JournalStatus(
        int inFlight,
        int due,
        int parked,
        @Nullable Duration oldestDue,
        @Nullable Duration oldestParked,
        @Nullable Duration oldestPending,
        int pending,
        @Nullable BillingPause pause,
        @Nullable Duration lastRun,
        @Nullable BillingBrake brake) {

    private static final Duration LONG = Duration.ofMinutes(10);

    /**
     * Whether something has been due for ten minutes, and no server has run for as long: nobody continues what a crash left behind. Schedule
     * {@link LockingInvoiceBiller#recover()}.
     *
     * @return true also where no server has ever run
     */
    public boolean unattended() {
        return oldestDue != null && oldestDue.compareTo(LONG) >= 0 && (lastRun == null || lastRun.compareTo(LONG) >= 0);
    }
}
