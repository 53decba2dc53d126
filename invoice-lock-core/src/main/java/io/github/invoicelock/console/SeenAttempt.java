package io.github.invoicelock.console;

import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingPause;
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
 * What a page showed, as its forms carry it: which attempt, and a hash of all that a decision looks at, the last line of its story among it: what
 * another person proposed and what the provider answered change nothing of an attempt, and everything of a decision. So a page that has gone
 * out of date is refused, and nothing of the invoice is in a form but its id.
 */
final class SeenAttempt {
    private static final int HASH = 16;

    private SeenAttempt() {}

    /** For a form about one invoice. */
    static String of(BillingAttempt attempt, List<AttemptEvent> history) {
        return attempt.id() + "." + hash(allOf(attempt) + "\n" + last(history));
    }

    /** For a form about many: their stories are not shown. */
    static String of(BillingAttempt attempt) {
        return attempt.id() + "." + hash(allOf(attempt));
    }

    /** For the form that resumes: what stands in the way of billing may be said anew, for another reason. */
    static String of(BillingPause pause) {
        return hash(pause.since() + "\n" + pause.by() + "\n" + pause.why());
    }

    private static long last(List<AttemptEvent> history) {
        return history.stream().mapToLong(AttemptEvent::id).max().orElse(0);
    }

    private static String allOf(BillingAttempt attempt) {
        return String.join(
                "\n",
                String.valueOf(attempt.number()),
                attempt.state().name(),
                String.valueOf(attempt.fence()),
                String.valueOf(attempt.calls()),
                String.valueOf(attempt.dueAt()),
                String.valueOf(attempt.settledAt()),
                String.valueOf(attempt.cause()),
                Objects.requireNonNullElse(attempt.message(), ""));
    }

    /** Long enough to tell what differs; who may decide has no use for a collision. */
    static String hash(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)))
                    .substring(0, HASH);
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
        return in(biller, invoiceId, seen, biller.history(invoiceId));
    }

    /**
     * The same.
     *
     * @param history of the invoice, read now
     */
    static BillingAttempt in(LockingInvoiceBiller biller, String invoiceId, String seen, List<AttemptEvent> history) {
        List<BillingAttempt> attempts = biller.attempts(invoiceId);
        return attempts.stream()
                .filter(attempt -> of(attempt, history).equals(seen))
                .findFirst()
                .orElseThrow(
                        () -> new WordRefusedException(Refusal.CHANGED_SINCE, changed(invoiceId, attempts, history)));
    }

    private static String changed(String invoiceId, List<BillingAttempt> attempts, List<AttemptEvent> history) {
        String now = attempts.isEmpty()
                ? "The journal has no attempt of it any more."
                : "Now attempt " + attempts.get(attempts.size() - 1).number() + " is "
                        + attempts.get(attempts.size() - 1).state() + ".";
        return "Invoice " + invoiceId + " has changed since your page was made. " + now
                + Story.lastOf(history).map(last -> " Last: " + last).orElse("")
                + " Look at it again, and decide on what you see.";
    }
}
