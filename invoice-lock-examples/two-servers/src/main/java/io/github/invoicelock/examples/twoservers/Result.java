package io.github.invoicelock.examples.twoservers;

import java.time.Duration;
import java.util.List;

/**
 * What one way came to, by the provider's ledger and the host's table.
 *
 * @param way which
 * @param invoices how many there were
 * @param once charged once
 * @param twice charged more than once
 * @param left still pending at the end
 * @param contended by server, as it said; "-" for one that does not count or was killed
 * @param time from the moment that the servers woke
 */
record Result(Way way, int invoices, int once, int twice, int left, List<String> contended, Duration time) {

    boolean everyInvoiceOnce() {
        return once == invoices && twice == 0 && left == 0;
    }

    /** Whether the way did what the example says of it. */
    boolean asPromised() {
        return switch (way) {
            case NAIVE, ROW_LOCK_ALONE -> twice > 0;
            case KEYS_ALONE -> twice == 0 && left > 0;
            case ONE_SERVER -> left > 0;
            default -> everyInvoiceOnce();
        };
    }

    String verdict() {
        if (everyInvoiceOnce()) {
            return "every invoice once";
        }
        if (twice > 0) {
            return twice + " charged twice";
        }
        return way == Way.KEYS_ALONE ? left + " can never be charged" : left + " billed by nobody";
    }
}
