package io.github.invoicelock.internal.journal;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What an attempt is to become: every column that belongs to a state, so that none of an older state survives. Made by its factories.
 *
 * @param state the next state
 * @param due when to look at it next, counted from now; null: never by itself
 * @param unmarked of DECLINED, whether it is due for its invoice to be marked (R12), not for a new key (R2)
 * @param cause why it waits for a person; null if it does not
 * @param called whether the provider was called or asked for it
 * @param reference the provider's id; only of BILLED and ACCEPTED
 * @param code of a refusal
 * @param message for a person; null if there is nothing to say
 */
public record NextState(
        AttemptState state,
        @Nullable Duration due,
        boolean unmarked,
        @Nullable AttemptCause cause,
        boolean called,
        @Nullable String reference,
        @Nullable String code,
        @Nullable String message) {

    public NextState {
        boolean open =
                state != AttemptState.BILLED && state != AttemptState.WITHDRAWN && state != AttemptState.DECLINED;
        if (open && due == null && cause == null) {
            throw new IllegalStateException("R22: " + state + " that is neither due nor listed for a person");
        }
        boolean named = state == AttemptState.BILLED || state == AttemptState.ACCEPTED;
        if (reference != null ? !named : state == AttemptState.BILLED) {
            throw new IllegalStateException("R22: " + state + " with the reference " + reference);
        }
    }

    public static NextState billed(String reference) {
        return new NextState(AttemptState.BILLED, null, false, null, true, reference, null, null);
    }

    public static NextState accepted(String reference, Duration askAgainAfter) {
        return new NextState(AttemptState.ACCEPTED, askAgainAfter, false, null, true, reference, null, null);
    }

    /** Asked about, and still not settled. */
    public static NextState stillAccepted(@Nullable String reference, Duration askAgainAfter, String message) {
        return new NextState(AttemptState.ACCEPTED, askAgainAfter, false, null, true, reference, null, message);
    }

    /** Refused and not tried again: a person decides, unless the host is told by a column of its own. */
    public static NextState refused(String code, String reason) {
        return new NextState(AttemptState.DECLINED, null, false, AttemptCause.REFUSED, true, null, code, reason);
    }

    /** Refused, and nobody is left to decide anything. */
    public static NextState closed(@Nullable String code, @Nullable String reason) {
        return new NextState(AttemptState.DECLINED, null, false, null, true, null, code, reason);
    }

    /** Refused, and tried once more under a new key then. */
    public static NextState refusedForNow(String code, String reason, Duration nextKeyAfter) {
        return new NextState(AttemptState.DECLINED, nextKeyAfter, false, null, true, null, code, reason);
    }

    public static NextState notBilled(Duration due, @Nullable String message) {
        return new NextState(AttemptState.NOT_BILLED, due, false, null, true, null, null, message);
    }

    public static NextState inDoubt(Duration due, String message) {
        return new NextState(AttemptState.IN_DOUBT, due, false, null, true, null, null, message);
    }

    public static NextState withdrawn(String message) {
        return new NextState(AttemptState.WITHDRAWN, null, false, null, true, null, null, message);
    }

    /** Still ACCEPTED, IN_DOUBT or NOT_BILLED, and left to a person. */
    public static NextState parked(AttemptState state, AttemptCause cause, @Nullable String reference, String message) {
        return new NextState(state, null, false, cause, true, reference, null, message);
    }

    /** Set aside: the invoice cannot be claimed, by its own data. */
    public static NextState setAside(Duration due, String message) {
        return new NextState(
                AttemptState.NOT_BILLED, due, false, AttemptCause.OWN_DATA_FAILS, false, null, null, message);
    }

    /** The same, where the provider was neither called nor asked. */
    public NextState uncalled() {
        return new NextState(state, due, unmarked, cause, false, reference, code, message);
    }

    /** The same, with a call that nobody has counted. */
    public NextState counted() {
        return new NextState(state, due, unmarked, cause, true, reference, code, message);
    }

    /** The same, with the invoice still to be marked. */
    public NextState markedLater(Duration after) {
        return new NextState(
                state,
                after,
                state == AttemptState.DECLINED,
                state == AttemptState.DECLINED ? null : cause,
                called,
                reference,
                code,
                message);
    }

    /** The same, where the mark failed by the invoice's own data or the host's hook. */
    public NextState markFailed(Duration again, String why) {
        return new NextState(
                state,
                again,
                state == AttemptState.DECLINED,
                AttemptCause.OWN_DATA_FAILS,
                called,
                reference,
                code,
                // A refusal keeps the provider's own words.
                state == AttemptState.DECLINED ? message + " Not marked: " + why : why);
    }

    /** The same, told of as a second charge. */
    public NextState secondCharge(String what) {
        return new NextState(state, due, unmarked, AttemptCause.SECOND_CHARGE, called, reference, code, what);
    }

    /** Whether nothing is tried again after it by itself: the refusal that the host is told by a column of its own. */
    public boolean refusedForGood() {
        return state == AttemptState.DECLINED && (due == null || unmarked);
    }
}
