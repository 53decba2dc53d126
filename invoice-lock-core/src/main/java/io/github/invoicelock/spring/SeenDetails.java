package io.github.invoicelock.spring;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.WordRefusedException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;

/**
 * What the endpoint shows of an attempt's standing, for a decision to hand back: number, state, fence and calls for people to read, and a hash
 * of what a person's word changes besides.
 */
final class SeenDetails {
    private static final int HASH = 8;

    private SeenDetails() {}

    /** As {@code 1.IN_DOUBT.2.1.5f3a09c1}. */
    static String of(BillingAttempt attempt) {
        String besides =
                attempt.dueAt() + "\n" + attempt.settledAt() + "\n" + attempt.cause() + "\n" + attempt.message();
        String hash = UUID.nameUUIDFromBytes(besides.getBytes(StandardCharsets.UTF_8))
                .toString()
                .substring(0, HASH);
        return attempt.number() + "." + attempt.state() + "." + attempt.fence() + "." + attempt.calls() + "." + hash;
    }

    /**
     * The attempt that somebody has seen, read again. The biller looks once more, under its locks, when the decision is made.
     *
     * @throws WordRefusedException if it has changed since
     */
    static BillingAttempt in(LockingInvoiceBiller biller, String invoice, String seen) {
        List<BillingAttempt> attempts = biller.attempts(invoice);
        return attempts.stream()
                .filter(attempt -> of(attempt).equals(seen))
                .findFirst()
                .orElseThrow(() -> new WordRefusedException(
                        attempts.isEmpty() ? Refusal.NO_ATTEMPT : Refusal.CHANGED_SINCE,
                        "Invoice " + invoice + " has changed since it was seen as " + seen + ": now "
                                + (attempts.isEmpty()
                                        ? "the journal has no attempt of it"
                                        : "it is " + of(attempts.get(attempts.size() - 1)))
                                + ". Read it again, and decide on what it is."));
    }
}
