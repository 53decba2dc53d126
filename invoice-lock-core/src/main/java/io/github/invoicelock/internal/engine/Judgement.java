package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.internal.journal.Settlement;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Decides what every answer but BILLED means for an attempt: its next state, and when it is looked at next. */
final class Judgement {
    private final EngineSettings settings;
    private final boolean canBeAsked;

    Judgement(EngineSettings settings) {
        this.settings = settings;
        this.canBeAsked = settings.providerCanBeAsked();
    }

    Settlement of(Claim claim, Answer answer) {
        BillingOutcome outcome = answer.outcome();
        if (outcome instanceof BillingOutcome.Accepted accepted) {
            return new Settlement(
                    AttemptState.ACCEPTED, accepted.askAgainAfter(), false, true, accepted.reference(), null, null);
        }
        if (outcome instanceof BillingOutcome.Declined declined) {
            return new Settlement(
                    AttemptState.DECLINED,
                    delay(projected(claim.attempt(), AttemptState.DECLINED, declined.code(), declined.reason()), null),
                    false,
                    true,
                    null,
                    declined.code(),
                    declined.reason());
        }
        if (outcome instanceof BillingOutcome.NotBilled notBilled) {
            return switch (answer.source()) {
                case NOBODY -> settlement(claim.before(), Duration.ZERO, false, false, notBilled.reason());
                case BILL -> refused(claim, notBilled);
                case FIND, FAILED_FIND -> neverSeen(claim, notBilled);
            };
        }
        if (outcome instanceof BillingOutcome.Unknown unknown) {
            return unknown(claim, answer.source(), unknown.reason());
        }
        throw new IllegalStateException("Attempt " + claim.attempt() + ": not for an outcome like " + outcome);
    }

    /** An attempt in doubt that can neither be asked about nor sent again. */
    Settlement parkedInDoubt(String reason) {
        return settlement(AttemptState.IN_DOUBT, null, false, false, reason);
    }

    private Settlement refused(Claim claim, BillingOutcome.NotBilled notBilled) {
        // This request did nothing; an earlier one under the same key may have. Only what is clean may be withdrawn, or
        // sent again
        // when the provider has forgotten the key.
        AttemptState state = claim.before() == AttemptState.IN_DOUBT ? AttemptState.IN_DOUBT : AttemptState.NOT_BILLED;
        Duration delay = delay(projected(claim.attempt(), state, null, notBilled.reason()), notBilled.retryAfter());
        return settlement(
                state,
                state == AttemptState.IN_DOUBT && !canBeAsked ? whileRemembered(claim, delay) : delay,
                false,
                true,
                notBilled.reason());
    }

    private Settlement neverSeen(Claim claim, BillingOutcome.NotBilled notBilled) {
        if (claim.before() == AttemptState.ACCEPTED) {
            return settlement(
                    AttemptState.ACCEPTED,
                    delay(
                            projected(claim.attempt(), AttemptState.ACCEPTED, null, notBilled.reason()),
                            notBilled.retryAfter()),
                    false,
                    true,
                    "The provider accepted this key, but does not know it now: " + notBilled.reason());
        }
        // R7: it may be on its way, or not yet in the index that was asked.
        if (!claim.claimed().earlierRequestsOver()) {
            return settlement(
                    AttemptState.IN_DOUBT,
                    delay(
                            projected(claim.attempt(), AttemptState.IN_DOUBT, null, notBilled.reason()),
                            notBilled.retryAfter()),
                    true,
                    true,
                    notBilled.reason());
        }
        return claim.pending()
                ? settlement(AttemptState.NOT_BILLED, Duration.ZERO, false, true, notBilled.reason())
                : settlement(AttemptState.WITHDRAWN, null, false, true, "Never charged, and no longer pending.");
    }

    private Settlement unknown(Claim claim, Answer.Source source, String reason) {
        AttemptState state = claim.before() == AttemptState.ACCEPTED ? AttemptState.ACCEPTED : AttemptState.IN_DOUBT;
        Duration delay = delay(projected(claim.attempt(), state, null, reason), null);
        if (state == AttemptState.IN_DOUBT) {
            // A look-up that answers "I do not know" is all there is to learn from it; one that failed is asked again.
            delay = canBeAsked && source != Answer.Source.FIND ? delay : whileRemembered(claim, delay);
        }
        return settlement(state, delay, false, true, reason);
    }

    /** A try that would come when the provider has forgotten the key is none: better a person knows now. */
    private @Nullable Duration whileRemembered(Claim claim, @Nullable Duration delay) {
        boolean worthIt = delay != null
                && claim.pending()
                && settings.repeatable(claim.claimed().keyAge().plus(delay));
        return worthIt ? delay : null;
    }

    private @Nullable Duration delay(BillingAttempt projected, @Nullable Duration atLeast) {
        Optional<Duration> delay = settings.retryPolicy().nextTry(projected);
        if (delay.isPresent() && atLeast != null && atLeast.compareTo(delay.get()) > 0) {
            return atLeast;
        }
        return delay.orElse(null);
    }

    /** The attempt as the journal will have it, for the policy to decide by. */
    static BillingAttempt projected(
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

    private static Settlement settlement(
            AttemptState state, @Nullable Duration due, boolean notBefore, boolean called, String message) {
        return new Settlement(state, due, notBefore, called, null, null, message);
    }
}
