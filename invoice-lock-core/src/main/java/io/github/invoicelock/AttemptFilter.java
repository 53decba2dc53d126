package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which attempts are meant: those that meet all that was said. Immutable; start with {@link #all()}. Each method that says something
 * returns a changed copy; the one without a parameter reads it.
 */
public final class AttemptFilter {
    private static final AttemptFilter ALL = new AttemptFilter(new Copy());

    private final @Nullable Object invoice;
    private final @Nullable String key;
    private final @Nullable String reference;
    private final @Nullable AttemptState state;
    private final @Nullable AttemptCause cause;
    private final @Nullable Instant from;
    private final @Nullable Instant until;
    private final boolean waiting;

    private AttemptFilter(Copy copy) {
        this.invoice = copy.invoice;
        this.key = copy.key;
        this.reference = copy.reference;
        this.state = copy.state;
        this.cause = copy.cause;
        this.from = copy.from;
        this.until = copy.until;
        this.waiting = copy.waiting;
    }

    /**
     * Every attempt of the biller's.
     *
     * @return no condition
     */
    public static AttemptFilter all() {
        return ALL;
    }

    /**
     * Of this invoice.
     *
     * @param invoiceId as for {@link LockingInvoiceBiller#bill}
     * @return the changed copy
     */
    public AttemptFilter invoice(Object invoiceId) {
        Copy copy = new Copy(this);
        copy.invoice = requireNonNull(invoiceId, "invoiceId");
        return new AttemptFilter(copy);
    }

    /**
     * With this idempotency key.
     *
     * @param idempotencyKey as in {@link BillingRequest#idempotencyKey()}, compared character by character
     * @return the changed copy
     */
    public AttemptFilter key(String idempotencyKey) {
        Copy copy = new Copy(this);
        copy.key = requireNonNull(idempotencyKey, "idempotencyKey");
        return new AttemptFilter(copy);
    }

    /**
     * With this id of the provider's.
     *
     * @param providersReference the whole of it, compared character by character
     * @return the changed copy
     */
    public AttemptFilter reference(String providersReference) {
        Copy copy = new Copy(this);
        copy.reference = requireNonNull(providersReference, "providersReference");
        return new AttemptFilter(copy);
    }

    /**
     * In this state.
     *
     * @param now the state
     * @return the changed copy
     */
    public AttemptFilter state(AttemptState now) {
        Copy copy = new Copy(this);
        copy.state = requireNonNull(now, "now");
        return new AttemptFilter(copy);
    }

    /**
     * Waiting for a person for this cause.
     *
     * @param why the cause
     * @return the changed copy
     */
    public AttemptFilter cause(AttemptCause why) {
        Copy copy = new Copy(this);
        copy.cause = requireNonNull(why, "why");
        return new AttemptFilter(copy);
    }

    /**
     * First claimed at this time or later ({@link BillingAttempt#startedAt()}).
     *
     * @param earliest by the database's clock
     * @return the changed copy
     */
    public AttemptFilter from(Instant earliest) {
        Copy copy = new Copy(this);
        copy.from = requireNonNull(earliest, "earliest");
        return new AttemptFilter(copy);
    }

    /**
     * First claimed before this time ({@link BillingAttempt#startedAt()}).
     *
     * @param end by the database's clock; itself not included
     * @return the changed copy
     */
    public AttemptFilter until(Instant end) {
        Copy copy = new Copy(this);
        copy.until = requireNonNull(end, "end");
        return new AttemptFilter(copy);
    }

    /**
     * Waiting for a person, for whatever cause: what {@link LockingInvoiceBiller#needsAttention()} lists, without those that were taken back
     * and that no run has found pending again yet.
     *
     * @return the changed copy
     */
    public AttemptFilter waiting() {
        Copy copy = new Copy(this);
        copy.waiting = true;
        return new AttemptFilter(copy);
    }

    /**
     * The invoice.
     *
     * @return null: of any
     */
    public @Nullable Object invoice() {
        return invoice;
    }

    /**
     * The idempotency key.
     *
     * @return null: with any
     */
    public @Nullable String key() {
        return key;
    }

    /**
     * The provider's id.
     *
     * @return null: with any or none
     */
    public @Nullable String reference() {
        return reference;
    }

    /**
     * The state.
     *
     * @return null: in any
     */
    public @Nullable AttemptState state() {
        return state;
    }

    /**
     * The cause.
     *
     * @return null: with any or none
     */
    public @Nullable AttemptCause cause() {
        return cause;
    }

    /**
     * The earliest first claim.
     *
     * @return null: no bound
     */
    public @Nullable Instant from() {
        return from;
    }

    /**
     * Before when it was first claimed.
     *
     * @return null: no bound
     */
    public @Nullable Instant until() {
        return until;
    }

    /**
     * Whether only those are meant that wait for a person.
     *
     * @return false: any
     */
    public boolean isWaiting() {
        return waiting;
    }

    @Override
    public String toString() {
        return "AttemptFilter[invoice=%s, key=%s, reference=%s, state=%s, cause=%s, from=%s, until=%s, waiting=%s]"
                .formatted(invoice, key, reference, state, cause, from, until, waiting);
    }

    /** The one mutable step between two immutable filters. */
    private static final class Copy {
        private @Nullable Object invoice;
        private @Nullable String key;
        private @Nullable String reference;
        private @Nullable AttemptState state;
        private @Nullable AttemptCause cause;
        private @Nullable Instant from;
        private @Nullable Instant until;
        private boolean waiting;

        private Copy() {}

        private Copy(AttemptFilter of) {
            this.invoice = of.invoice;
            this.key = of.key;
            this.reference = of.reference;
            this.state = of.state;
            this.cause = of.cause;
            this.from = of.from;
            this.until = of.until;
            this.waiting = of.waiting;
        }
    }
}
