package io.github.invoicelock;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One idempotency key and all that was done under it: a row of the journal, as it was when it was read.
 *
 * @param id the journal's own number of this row
 * @param biller the name of the biller
 * @param invoiceId the host's id as PostgreSQL prints it
 * @param number 1, 2, …: a higher one only after the one before was declined for good
 * @param idempotencyKey what the provider knows this attempt by
 * @param state where it stands
 * @param dueAt when the library looks at it next; null: never by itself
 * @param owner the server that has it, or had it last
 * @param fence counts the owners
 * @param calls how often the provider was called or asked, and the result was written
 * @param startedAt when it was first claimed
 * @param settledAt when its last outcome was written; null while there is none
 * @param invoice the invoice's row at the claim, as JSON; null once it is not needed any more, and in what a listener is told of a first
 *     claim: the gateway has it in {@link BillingRequest#invoice()}
 * @param reference the provider's id of the charge; null while there is none
 * @param code of the last refusal; null if there was none
 * @param message of the last refusal or failure, at most 1,000 characters; null if there was none
 * @param resolvedBy who last decided by hand, with {@link LockingInvoiceBiller#resolve}, or {@code the host} where it withdrew a refused
 *     one; null if nobody did
 * @param note what people noted when they decided; null if nobody did
 * @param cause why it waits for a person; null if it does not
 * @param kept what {@link InvoiceTable#keeping} names, as a JSON object of texts; null while {@code invoice} is needed, and where nothing is
 *     to be kept
 */
public record BillingAttempt(
        long id,
        String biller,
        String invoiceId,
        int number,
        String idempotencyKey,
        AttemptState state,
        @Nullable Instant dueAt,
        String owner,
        int fence,
        int calls,
        Instant startedAt,
        @Nullable Instant settledAt,
        @Nullable String invoice,
        @Nullable String reference,
        @Nullable String code,
        @Nullable String message,
        @Nullable String resolvedBy,
        @Nullable String note,
        @Nullable AttemptCause cause,
        @Nullable String kept) {

    /**
     * With nothing kept of its invoice.
     *
     * @param id as above
     * @param biller as above
     * @param invoiceId as above
     * @param number as above
     * @param idempotencyKey as above
     * @param state as above
     * @param dueAt as above
     * @param owner as above
     * @param fence as above
     * @param calls as above
     * @param startedAt as above
     * @param settledAt as above
     * @param invoice as above
     * @param reference as above
     * @param code as above
     * @param message as above
     * @param resolvedBy as above
     * @param note as above
     * @param cause as above
     */
    public BillingAttempt(
            long id,
            String biller,
            String invoiceId,
            int number,
            String idempotencyKey,
            AttemptState state,
            @Nullable Instant dueAt,
            String owner,
            int fence,
            int calls,
            Instant startedAt,
            @Nullable Instant settledAt,
            @Nullable String invoice,
            @Nullable String reference,
            @Nullable String code,
            @Nullable String message,
            @Nullable String resolvedBy,
            @Nullable String note,
            @Nullable AttemptCause cause) {
        this(
                id,
                biller,
                invoiceId,
                number,
                idempotencyKey,
                state,
                dueAt,
                owner,
                fence,
                calls,
                startedAt,
                settledAt,
                invoice,
                reference,
                code,
                message,
                resolvedBy,
                note,
                cause,
                null);
    }

    /**
     * Without a cause: does not wait for a person.
     *
     * @param id as above
     * @param biller as above
     * @param invoiceId as above
     * @param number as above
     * @param idempotencyKey as above
     * @param state as above
     * @param dueAt as above
     * @param owner as above
     * @param fence as above
     * @param calls as above
     * @param startedAt as above
     * @param settledAt as above
     * @param invoice as above
     * @param reference as above
     * @param code as above
     * @param message as above
     * @param resolvedBy as above
     * @param note as above
     */
    public BillingAttempt(
            long id,
            String biller,
            String invoiceId,
            int number,
            String idempotencyKey,
            AttemptState state,
            @Nullable Instant dueAt,
            String owner,
            int fence,
            int calls,
            Instant startedAt,
            @Nullable Instant settledAt,
            @Nullable String invoice,
            @Nullable String reference,
            @Nullable String code,
            @Nullable String message,
            @Nullable String resolvedBy,
            @Nullable String note) {
        this(
                id,
                biller,
                invoiceId,
                number,
                idempotencyKey,
                state,
                dueAt,
                owner,
                fence,
                calls,
                startedAt,
                settledAt,
                invoice,
                reference,
                code,
                message,
                resolvedBy,
                note,
                null);
    }

    /**
     * Whether it waits for a person: {@link #cause()} says why.
     *
     * @return true if {@link LockingInvoiceBiller#needsAttention()} lists it
     */
    public boolean parked() {
        return cause != null
                || (dueAt == null
                        && switch (state) {
                            case STARTED, ACCEPTED, IN_DOUBT, NOT_BILLED -> true;
                            case DECLINED, BILLED, WITHDRAWN -> false;
                        });
    }

    /** Everything but the invoice's contents: those have no business in a log. */
    @Override
    public String toString() {
        return "BillingAttempt[biller=%s, invoiceId=%s, number=%d, idempotencyKey=%s, state=%s, dueAt=%s, owner=%s, fence=%d, calls=%d, reference=%s, code=%s, message=%s, cause=%s]"
                .formatted(
                        biller,
                        invoiceId,
                        number,
                        idempotencyKey,
                        state,
                        dueAt,
                        owner,
                        fence,
                        calls,
                        reference,
                        code,
                        message,
                        cause);
    }
}
