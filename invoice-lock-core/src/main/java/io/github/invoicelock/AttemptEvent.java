package io.github.invoicelock;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Something that happened to an attempt: a line of its history. Lines are added, and never changed. An invoice that was charged at its first
 * call has none: its {@link BillingAttempt} shows it all. Immutable.
 *
 * @param id counts them; later ones of an attempt have higher ones
 * @param invoiceId the host's id as PostgreSQL prints it
 * @param attempt the number of the attempt
 * @param at when, by the database's clock
 * @param what happened
 * @param from the state before; null if the attempt began with it
 * @param to the state since then; the same as before where nothing changed, as for {@link What#ASKED}
 * @param cause why the attempt waits for a person since then; null if it does not
 * @param reference the provider's id of the charge, as the attempt has it since then; null if there is none
 * @param code of a refusal; null if there is none
 * @param message what was said, at most 1,000 characters. Of {@link What#TAKEN_OVER} what the last outcome had said. Null if there is nothing
 * @param server which wrote it
 * @param who said so: a person, or {@code the host}; null for a server's own doing and for the provider's webhook
 * @param note what that person noted; null if there is none
 */
public record AttemptEvent(
        long id,
        String invoiceId,
        int attempt,
        Instant at,
        What what,
        @Nullable AttemptState from,
        AttemptState to,
        @Nullable AttemptCause cause,
        @Nullable String reference,
        @Nullable String code,
        @Nullable String message,
        String server,
        @Nullable String who,
        @Nullable String note) {

    /** What happened, as the column {@code what} of {@code attempt_event} spells it. */
    public enum What {
        /** A server took the attempt over: its owner was gone, or its time had come. */
        TAKEN_OVER,
        /** The outcome of a call or a look-up, except a charge at the first call. */
        SETTLED,
        /** A server gave the attempt back without a call. */
        GIVEN_BACK,
        /** The invoice could not be claimed or marked, because of its own data. */
        SET_ASIDE,
        /** The invoice was marked later than its outcome was written. */
        MARKED,
        /** A call that had been cut off later answered that it charged. */
        LATE_ANSWER,
        /** The provider told the host, by a webhook for example. */
        REPORTED,
        /** A person said what became of it. */
        RESOLVED,
        /** A person released it. */
        RETRIED,
        /** A person had the provider asked; the answer is in {@code message}. It changed nothing. */
        ASKED,
        /** A person proposed an outcome, for a second one to decide; {@code message} says which. It changed nothing. */
        PROPOSED,
        /** The host took the invoice back. */
        WITHDRAWN,
        /** A next attempt with a new key took its place. */
        REPLACED,
        /** A run found the invoice pending although it was charged, or taken back. */
        ANOMALY,
        /** A run found that the invoice is not pending any more. */
        MENDED
    }
}
