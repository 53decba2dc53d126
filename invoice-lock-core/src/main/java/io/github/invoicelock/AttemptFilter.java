package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which attempts are meant: those that fit everything that was said. Begin with {@link #all()}. Immutable; each method returns another
 * filter.
 */
public final class AttemptFilter {
    private static final AttemptFilter ALL = new AttemptFilter(null, null, null, null, null, null, null);

    private final @Nullable Object invoiceId;
    private final @Nullable String key;
    private final @Nullable String reference;
    private final @Nullable AttemptState state;
    private final @Nullable AttemptCause cause;
    private final @Nullable Instant from;
    private final @Nullable Instant until;

    private AttemptFilter(
            @Nullable Object invoiceId,
            @Nullable String key,
            @Nullable String reference,
            @Nullable AttemptState state,
            @Nullable AttemptCause cause,
            @Nullable Instant from,
            @Nullable Instant until) {
        this.invoiceId = invoiceId;
        this.key = key;
        this.reference = reference;
        this.state = state;
        this.cause = cause;
        this.from = from;
        this.until = until;
    }

    /**
     * Every attempt.
     *
     * @return the filter to begin with
     */
    public static AttemptFilter all() {
        return ALL;
    }

    /**
     * Of one invoice.
     *
     * @param invoiceId as for {@link LockingInvoiceBiller#bill}
     * @return the narrower filter
     */
    public AttemptFilter invoice(Object invoiceId) {
        return new AttemptFilter(requireNonNull(invoiceId, "invoiceId"), key, reference, state, cause, from, until);
    }

    /**
     * Of one idempotency key.
     *
     * @param idempotencyKey as the provider knows it
     * @return the narrower filter
     */
    public AttemptFilter key(String idempotencyKey) {
        return new AttemptFilter(
                invoiceId, requireNonNull(idempotencyKey, "idempotencyKey"), reference, state, cause, from, until);
    }

    /**
     * Of one charge or order.
     *
     * @param reference the provider's
     * @return the narrower filter
     */
    public AttemptFilter reference(String reference) {
        return new AttemptFilter(invoiceId, key, requireNonNull(reference, "reference"), state, cause, from, until);
    }

    /**
     * In one state.
     *
     * @param state the state
     * @return the narrower filter
     */
    public AttemptFilter state(AttemptState state) {
        return new AttemptFilter(invoiceId, key, reference, requireNonNull(state, "state"), cause, from, until);
    }

    /**
     * That wait for one cause.
     *
     * @param cause the cause
     * @return the narrower filter
     */
    public AttemptFilter cause(AttemptCause cause) {
        return new AttemptFilter(invoiceId, key, reference, state, requireNonNull(cause, "cause"), from, until);
    }

    /**
     * First claimed then or later.
     *
     * @param from compared with {@link BillingAttempt#startedAt()}
     * @return the narrower filter
     */
    public AttemptFilter from(Instant from) {
        return new AttemptFilter(invoiceId, key, reference, state, cause, requireNonNull(from, "from"), until);
    }

    /**
     * First claimed before then.
     *
     * @param until compared with {@link BillingAttempt#startedAt()}
     * @return the narrower filter
     */
    public AttemptFilter until(Instant until) {
        return new AttemptFilter(invoiceId, key, reference, state, cause, from, requireNonNull(until, "until"));
    }

    @Nullable
    Object invoiceId() {
        return invoiceId;
    }

    @Nullable
    String key() {
        return key;
    }

    @Nullable
    String reference() {
        return reference;
    }

    @Nullable
    AttemptState state() {
        return state;
    }

    @Nullable
    AttemptCause cause() {
        return cause;
    }

    @Nullable
    Instant from() {
        return from;
    }

    @Nullable
    Instant until() {
        return until;
    }
}
