package io.github.invoicelock.internal.words;

import static io.github.invoicelock.AttemptState.BILLED;
import static io.github.invoicelock.AttemptState.STARTED;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.Refusal;
import io.github.invoicelock.WordRefusedException;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.InvoiceAttempts;
import io.github.invoicelock.internal.judgement.PendingAgainst;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Why a person's word is not taken: what is wrong, and what to do. */
final class Refusals {
    private static final int EVENTS_TOLD = 3;

    private Refusals() {}

    static WordRefusedException refused(Refusal refusal, String invoiceId, String what, String why) {
        return new WordRefusedException(refusal, "Invoice " + invoiceId + " cannot be " + what + ": " + why);
    }

    static WordRefusedException billedAlready(BillingAttempt charged, String what) {
        return refused(
                Refusal.CHARGED,
                charged.invoiceId(),
                what,
                "it was billed as " + charged.reference() + " (attempt " + charged.number() + ", key "
                        + charged.idempotencyKey() + ").");
    }

    /** The newest attempt, which nobody is calling just now. */
    static AttemptRow decidable(InvoiceAttempts all, String invoiceId, String what) {
        AttemptRow row = all.newest()
                .orElseThrow(() -> refused(
                        Refusal.NO_ATTEMPT,
                        invoiceId,
                        what,
                        "the journal has no attempt of it. If it is pending and billable, billPending() takes it up."));
        BillingAttempt newest = row.attempt();
        Instant dueAt = newest.dueAt();
        if (newest.state() == STARTED && dueAt != null && all.clock().isBefore(dueAt)) {
            throw refused(
                    Refusal.BEING_CALLED,
                    invoiceId,
                    what,
                    "its attempt " + newest.number() + " (key " + newest.idempotencyKey()
                            + ") is being called by server " + newest.owner() + " until " + dueAt
                            + ". Wait for that, or for recover().");
        }
        return row;
    }

    /** R7: a word that can charge again waits until no request of before can arrive any more, by the database's clock. */
    static void refuseOnItsWay(AttemptRow row, Instant clock) {
        Instant until = row.leaseUntil();
        if (until != null && clock.isBefore(until)) {
            throw refused(
                    Refusal.MAY_BE_ON_ITS_WAY,
                    row.attempt().invoiceId(),
                    row.is(AttemptState.DECLINED) ? "retried, which sends a new key" : "resolved as notBilled",
                    "a request under the key of its attempt " + row.attempt().number()
                            + " may be on its way to the provider until " + until
                            + ". Wait until then, look at the provider's ledger again, and say it then.");
        }
    }

    /**
     * An older word never wins: what a person decides on is what they looked at.
     *
     * @param events what happened to the invoice, read where it has changed
     */
    static void refuseChanged(
            InvoiceAttempts all, @Nullable BillingAttempt seen, String what, Supplier<List<AttemptEvent>> events) {
        if (seen == null) {
            return;
        }
        BillingAttempt now = all.withId(seen.id()).map(AttemptRow::attempt).orElse(null);
        // While one is charged no next one begins (R18), so what is said of a charge is not out of date by a newer one.
        boolean newest = seen.state() == BILLED
                || all.newest().filter(row -> row.attempt().id() == seen.id()).isPresent();
        if (now != null && newest && same(seen, now)) {
            return;
        }
        StringBuilder happened = new StringBuilder();
        List<AttemptEvent> told = events.get();
        told.subList(Math.max(0, told.size() - EVENTS_TOLD), told.size())
                .forEach(event -> happened.append(' ').append(sentence(event)));
        throw refused(
                Refusal.CHANGED_SINCE,
                seen.invoiceId(),
                what,
                "it has changed since you looked at it. Then attempt " + standing(seen) + "; now "
                        + all.newest()
                                .map(row -> "attempt " + standing(row.attempt()))
                                .orElse("there is none") + "."
                        + (happened.isEmpty() ? "" : " Last:" + happened)
                        + " Look at it again, and decide on what you see.");
    }

    /** A person's word changes none of the first four alone, but the time by which it is due, or settled, or what is told. */
    private static boolean same(BillingAttempt seen, BillingAttempt now) {
        return seen.number() == now.number()
                && seen.state() == now.state()
                && seen.fence() == now.fence()
                && seen.calls() == now.calls()
                && Objects.equals(seen.dueAt(), now.dueAt())
                && Objects.equals(seen.settledAt(), now.settledAt())
                && Objects.equals(seen.message(), now.message())
                && decided(seen.cause()) == decided(now.cause());
    }

    /** That its invoice is pending again is seen by whoever looks, before the journal says so. */
    private static @Nullable AttemptCause decided(@Nullable AttemptCause cause) {
        return PendingAgainst.isCause(cause) ? null : cause;
    }

    private static String standing(BillingAttempt attempt) {
        return attempt.number() + " was " + attempt.state() + ", calls " + attempt.calls() + ", fence "
                + attempt.fence() + (attempt.dueAt() == null ? "" : ", due at " + attempt.dueAt());
    }

    private static String sentence(AttemptEvent event) {
        AttemptState to = event.to();
        String who = event.who() == null ? "server " + event.server() : event.who();
        return event.at() + " " + event.what() + " by " + who + ", attempt " + event.attempt() + ": "
                + (event.from() == null || event.from() == to ? "" : event.from() + " -> ") + to
                + (event.note() == null ? "" : " (\"" + event.note() + "\")") + ".";
    }
}
