package io.github.invoicelock.console;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.WordRefusedException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;

/**
 * What a page showed, as its forms carry it: which attempt, and a hash of all that a decision looks at. So a page that has gone out of date is
 * refused, and nothing of the invoice is in a form but its id.
 */
final class SeenAttempt {
    private SeenAttempt() {}

    /** For a form. */
    static String of(BillingAttempt attempt) {
        String all = String.join(
                "\n",
                String.valueOf(attempt.number()),
                attempt.state().name(),
                String.valueOf(attempt.fence()),
                String.valueOf(attempt.calls()),
                String.valueOf(attempt.dueAt()),
                String.valueOf(attempt.settledAt()),
                String.valueOf(attempt.cause()),
                Objects.requireNonNullElse(attempt.message(), ""));
        return attempt.id() + "." + hash(all).substring(0, 16);
    }

    private static String hash(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every JDK has SHA-256; this one has not.", e);
        }
    }

    /**
     * The attempt that a page showed, read again. The biller looks once more, under its locks, when the decision is made.
     *
     * @throws WordRefusedException if it has changed since; with what happened last
     */
    static BillingAttempt in(LockingInvoiceBiller biller, String invoiceId, String seen) {
        List<BillingAttempt> attempts = biller.attempts(invoiceId);
        return attempts.stream()
                .filter(attempt -> of(attempt).equals(seen))
                .findFirst()
                .orElseThrow(
                        () -> new WordRefusedException(Refusal.CHANGED_SINCE, changed(biller, invoiceId, attempts)));
    }

    private static String changed(LockingInvoiceBiller biller, String invoiceId, List<BillingAttempt> attempts) {
        String now = attempts.isEmpty()
                ? "The journal has no attempt of it any more."
                : "Now attempt " + attempts.get(attempts.size() - 1).number() + " is "
                        + attempts.get(attempts.size() - 1).state() + ".";
        return "Invoice " + invoiceId + " has changed since your page was made. " + now
                + Story.lastOf(biller.history(invoiceId))
                        .map(last -> " Last: " + last)
                        .orElse("")
                + " Look at it again, and decide on what you see.";
    }
}
