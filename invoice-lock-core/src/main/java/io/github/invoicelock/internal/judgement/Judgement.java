package io.github.invoicelock.internal.judgement;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingOutcome.Accepted;
import io.github.invoicelock.BillingOutcome.Billed;
import io.github.invoicelock.BillingOutcome.Declined;
import io.github.invoicelock.BillingOutcome.NotBilled;
import io.github.invoicelock.BillingOutcome.Unknown;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.NextState;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Decides what an outcome means for an attempt: its next state, when it is looked at next, and whether a person is to look at it. */
public final class Judgement {
    /** What is to come later than this is left to a person: nobody remembers it by then, and a time stamp was taken for a delay. */
    public static final Duration LONGEST_DELAY = Duration.ofDays(31);

    /** What no thread called is not tried again at once: there may be none in a moment either. */
    private static final Duration UNCALLED = Duration.ofSeconds(1);

    private final BillerSettings settings;
    private final HostCode hostCode;
    private final boolean canBeAsked;

    public Judgement(BillerSettings settings, HostCode hostCode) {
        this.settings = settings;
        this.hostCode = hostCode;
        this.canBeAsked = settings.providerCanBeAsked();
    }

    /**
     * What an outcome is judged by.
     *
     * @param attempt as it was claimed, or read
     * @param before its state if nothing had been heard
     * @param pending whether the invoice is still to be charged
     * @param age of the key
     * @param requestsOverIn how long an earlier request may still be on its way (R7)
     */
    private record Situation(
            BillingAttempt attempt, AttemptState before, boolean pending, Duration age, Duration requestsOverIn) {}

    /** When to try again; or not, and why. */
    private record Next(@Nullable Duration delay, String note) {}

    /** Of a call, or of a claim that is given back uncalled. */
    public NextState of(Claim claim, Answer answer) {
        Situation situation = new Situation(
                claim.attempt(),
                claim.before(),
                claim.pending(),
                claim.claimed().keyAge(),
                claim.claimed().requestsOverIn());
        NextState next = of(situation, answer);
        return answer.called() ? next : next.uncalled();
    }

    /** Of the provider's own message to the host. */
    public NextState of(AttemptRow row, Instant clock, BillingOutcome reported) {
        Situation situation = new Situation(row.attempt(), row.attempt().state(), true, row.age(clock), Duration.ZERO);
        return of(situation, Answer.reported(reported)).uncalled();
    }

    private NextState of(Situation situation, Answer answer) {
        BillingOutcome outcome = answer.outcome();
        return switch (outcome.kind()) {
            case BILLED -> NextState.billed(((Billed) outcome).reference());
            case ACCEPTED -> accepted((Accepted) outcome);
            case DECLINED -> declined(situation, (Declined) outcome);
            case NOT_BILLED -> notBilled(situation, (NotBilled) outcome, answer.source());
            case UNKNOWN -> unknown(situation, (Unknown) outcome, answer.source());
        };
    }

    private static NextState accepted(Accepted accepted) {
        Duration after = accepted.askAgainAfter();
        return after.compareTo(LONGEST_DELAY) <= 0
                ? NextState.accepted(accepted.reference(), after)
                : NextState.parked(
                        AttemptState.ACCEPTED,
                        AttemptCause.CANNOT_BE_ASKED,
                        accepted.reference(),
                        "Accepted, and to be asked about after " + after + ", which is longer than " + LONGEST_DELAY
                                + ".");
    }

    private NextState declined(Situation situation, Declined declined) {
        Next next = next(situation, AttemptState.DECLINED, declined.code(), declined.reason(), null);
        return next.delay() == null
                ? NextState.refused(declined.code(), declined.reason() + next.note())
                : NextState.refusedForNow(declined.code(), declined.reason(), next.delay());
    }

    private NextState notBilled(Situation situation, NotBilled notBilled, Answer.Source source) {
        return switch (source) {
            case NOBODY -> as(situation, UNCALLED, notBilled.reason());
            case WEBHOOK -> clean(situation, notBilled);
            // This request did nothing; an earlier one under the same key may have. Only what is clean may be
            // withdrawn,
            // or sent again when the provider has forgotten the key.
            case BILL, LATE ->
                situation.before() == AttemptState.IN_DOUBT
                        ? inDoubt(situation, notBilled.reason(), notBilled.retryAfter(), !canBeAsked)
                        : clean(situation, notBilled);
            case FIND, FAILED_FIND -> neverSeen(situation, notBilled);
        };
    }

    /** Nothing was charged under this key, ever. */
    private NextState clean(Situation situation, NotBilled notBilled) {
        Next next = next(situation, AttemptState.NOT_BILLED, null, notBilled.reason(), notBilled.retryAfter());
        return next.delay() == null
                ? NextState.parked(
                        AttemptState.NOT_BILLED, AttemptCause.TRIES_USED_UP, null, notBilled.reason() + next.note())
                : NextState.notBilled(next.delay(), notBilled.reason());
    }

    private NextState neverSeen(Situation situation, NotBilled notBilled) {
        if (situation.before() == AttemptState.ACCEPTED) {
            return again(
                    situation,
                    "The provider accepted this key, but does not know it now: " + notBilled.reason(),
                    notBilled.retryAfter());
        }
        // R7: it may be on its way, or not yet in the index that was asked.
        if (!situation.requestsOverIn().isZero()) {
            Duration atLeast = longer(notBilled.retryAfter(), situation.requestsOverIn());
            return inDoubt(situation, notBilled.reason(), atLeast, false);
        }
        return situation.pending()
                ? NextState.notBilled(Duration.ZERO, notBilled.reason())
                : NextState.withdrawn("Never charged, and no longer pending.");
    }

    private NextState unknown(Situation situation, Unknown unknown, Answer.Source source) {
        if (situation.before() == AttemptState.ACCEPTED) {
            return again(situation, unknown.reason(), null);
        }
        // A look-up that answers "I do not know" is all there is to learn from it; one that failed is asked again.
        boolean onlyByRepeating = !canBeAsked || source == Answer.Source.FIND;
        return inDoubt(situation, unknown.reason(), null, onlyByRepeating);
    }

    private NextState inDoubt(Situation situation, String reason, @Nullable Duration atLeast, boolean onlyByRepeating) {
        Next next = next(situation, AttemptState.IN_DOUBT, null, reason, atLeast);
        if (next.delay() == null) {
            return NextState.parked(AttemptState.IN_DOUBT, AttemptCause.TRIES_USED_UP, null, reason + next.note());
        }
        // A try that would come when the provider has forgotten the key is none: better a person knows now.
        if (onlyByRepeating
                && !(situation.pending() && settings.repeatable(situation.age().plus(next.delay())))) {
            return NextState.parked(AttemptState.IN_DOUBT, notRepeatable(situation.pending()), null, reason);
        }
        return NextState.inDoubt(next.delay(), reason);
    }

    /** Why a key in doubt is not sent again, and cannot be asked about either. */
    public AttemptCause notRepeatable(boolean pending) {
        return pending && settings.providerRemembers() ? AttemptCause.MEMORY_OVER : AttemptCause.MAY_NOT_BE_REPEATED;
    }

    /** Still accepted: asked about again. */
    private NextState again(Situation situation, String reason, @Nullable Duration atLeast) {
        Next next = next(situation, AttemptState.ACCEPTED, null, reason, atLeast);
        String reference = situation.attempt().reference();
        return next.delay() == null
                ? NextState.parked(AttemptState.ACCEPTED, AttemptCause.TRIES_USED_UP, reference, reason + next.note())
                : NextState.stillAccepted(reference, next.delay(), reason);
    }

    /** As it was before the claim. */
    private static NextState as(Situation situation, Duration due, String reason) {
        return switch (situation.before()) {
            case NOT_BILLED -> NextState.notBilled(due, reason);
            case IN_DOUBT -> NextState.inDoubt(due, reason);
            case ACCEPTED -> NextState.stillAccepted(situation.attempt().reference(), due, reason);
            case STARTED, DECLINED, BILLED, WITHDRAWN ->
                throw new IllegalStateException("Not a state to go back to: " + situation);
        };
    }

    /** A claim that was not called: due again after a while, in the state that it had. */
    public NextState givenBack(Claim claim, Duration after, String reason) {
        Situation situation =
                new Situation(claim.attempt(), claim.before(), claim.pending(), Duration.ZERO, Duration.ZERO);
        return as(situation, after, reason).uncalled();
    }

    /** R20: what the policy does wrong leaves the attempt to a person. */
    private Next next(
            Situation situation, AttemptState next, @Nullable String code, String message, @Nullable Duration atLeast) {
        BillingAttempt projected = projected(situation.attempt(), next, code, message);
        Duration delay;
        try {
            Optional<Duration> answer = hostCode.call(
                    "The RetryPolicy", () -> settings.retryPolicy().nextTry(projected));
            if (answer == null) {
                return new Next(null, " The RetryPolicy answered null, so nothing is tried again.");
            }
            delay = answer.orElse(null);
        } catch (HostCode.Fault e) {
            return new Next(null, " " + e.getMessage() + " Nothing is tried again.");
        }
        if (delay == null) {
            return new Next(null, "");
        }
        Duration due = longer(atLeast, delay.isNegative() ? Duration.ZERO : delay);
        return due.compareTo(LONGEST_DELAY) <= 0
                ? new Next(due, "")
                : new Next(
                        null,
                        " The next try would come after " + due + ", which is longer than " + LONGEST_DELAY
                                + ": it is left to a person.");
    }

    private static Duration longer(@Nullable Duration a, Duration b) {
        return a != null && a.compareTo(b) > 0 ? a : b;
    }

    /** The attempt as the journal will have it, for the policy to decide by. */
    private static BillingAttempt projected(
            BillingAttempt a, AttemptState next, @Nullable String code, @Nullable String message) {
        return new BillingAttempt(
                a.id(),
                a.biller(),
                a.invoiceId(),
                a.number(),
                a.idempotencyKey(),
                next,
                a.dueAt(),
                a.owner(),
                a.fence(),
                a.calls() + 1,
                a.startedAt(),
                a.settledAt(),
                a.invoice(),
                a.reference(),
                code,
                message,
                a.resolvedBy(),
                a.note());
    }
}
