package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What is known about a charge after the provider was called or asked. Immutable. */
public sealed interface BillingOutcome {

    /** The kinds of outcome, for a {@code switch} that the compiler checks. */
    enum Kind {
        /** {@link Billed}. */
        BILLED,
        /** {@link Accepted}. */
        ACCEPTED,
        /** {@link Declined}. */
        DECLINED,
        /** {@link NotBilled}. */
        NOT_BILLED,
        /** {@link Unknown}. */
        UNKNOWN
    }

    /**
     * Which of the five it is.
     *
     * @return never null
     */
    Kind kind();

    /**
     * The provider charged the invoice. Final: no later outcome replaces it.
     *
     * @param reference the provider's id of the charge; not blank, because an invoice is never marked as paid without one
     */
    record Billed(String reference) implements BillingOutcome {
        /**
         * Checked.
         *
         * @param reference not null, not blank
         * @throws NullPointerException if it is null
         * @throws IllegalArgumentException if it is blank
         */
        public Billed {
            requireNonNull(reference, "reference is null; billed(reference) needs the provider's id of the charge");
            if (reference.isBlank()) {
                throw new IllegalArgumentException(
                        "reference is blank; billed(reference) needs the provider's id of the charge, without "
                                + "which nobody finds it. Say unknown(reason) where the provider told none.");
            }
        }

        @Override
        public Kind kind() {
            return Kind.BILLED;
        }
    }

    /**
     * The provider took the order and will tell the result later. Bank debits, for example, answer "processing" and settle after days. The key
     * is not sent again. The library calls {@link BillingGateway#find} when the time has come, or the host's webhook calls
     * {@link LockingInvoiceBiller#report}.
     *
     * @param reference the provider's id of the charge
     * @param askAgainAfter when to ask {@link BillingGateway#find}, counted from now; positive
     */
    record Accepted(String reference, Duration askAgainAfter) implements BillingOutcome {
        /**
         * Checked.
         *
         * @param reference not null
         * @param askAgainAfter positive
         * @throws NullPointerException if a component is null
         * @throws IllegalArgumentException if {@code askAgainAfter} is zero or negative
         */
        public Accepted {
            requireNonNull(reference, "reference");
            requireNonNull(askAgainAfter, "askAgainAfter");
            if (askAgainAfter.isNegative() || askAgainAfter.isZero()) {
                throw new IllegalArgumentException("askAgainAfter is " + askAgainAfter
                        + "; it must be positive. It says when to ask the provider again, e.g. Duration.ofHours(6).");
            }
        }

        @Override
        public Kind kind() {
            return Kind.ACCEPTED;
        }
    }

    /**
     * The provider refused for good: this key will never charge. Only after this outcome may another attempt use a new key.
     *
     * @param code the provider's code, {@code card_declined} for example
     * @param reason for a person
     */
    record Declined(String code, String reason) implements BillingOutcome {
        /**
         * Checked.
         *
         * @param code not null
         * @param reason not null
         * @throws NullPointerException if a component is null
         */
        public Declined {
            requireNonNull(code, "code");
            requireNonNull(reason, "reason");
        }

        @Override
        public Kind kind() {
            return Kind.DECLINED;
        }
    }

    /**
     * This request surely did nothing: rate limited, connection refused, not authenticated. From {@link BillingGateway#find} it means that the
     * provider has never seen the key. The same key is tried again later.
     *
     * @param reason for a person
     * @param retryAfter the least delay that the provider asked for ({@code Retry-After}), null if it asked for none; never negative
     */
    record NotBilled(String reason, @Nullable Duration retryAfter) implements BillingOutcome {
        /**
         * Checked.
         *
         * @param reason not null
         * @param retryAfter null or not negative
         * @throws NullPointerException if the reason is null
         * @throws IllegalArgumentException if {@code retryAfter} is negative
         */
        public NotBilled {
            requireNonNull(reason, "reason");
            if (retryAfter != null && retryAfter.isNegative()) {
                throw new IllegalArgumentException("retryAfter is " + retryAfter
                        + "; it must not be negative. Use notBilled(reason) if there is none.");
            }
        }

        @Override
        public Kind kind() {
            return Kind.NOT_BILLED;
        }
    }

    /**
     * The outcome is not known: a time-out, a lost connection, a 500. The money may have moved.
     *
     * @param reason for a person
     */
    record Unknown(String reason) implements BillingOutcome {
        /**
         * Checked.
         *
         * @param reason not null
         * @throws NullPointerException if it is null
         */
        public Unknown {
            requireNonNull(reason, "reason");
        }

        @Override
        public Kind kind() {
            return Kind.UNKNOWN;
        }
    }

    /**
     * The provider charged the invoice.
     *
     * @param reference the provider's id of the charge
     * @return a {@link Billed}
     */
    static BillingOutcome billed(String reference) {
        return new Billed(reference);
    }

    /**
     * The provider took the order and will tell the result later.
     *
     * @param reference the provider's id of the charge
     * @param askAgainAfter when to ask, counted from now; positive
     * @return an {@link Accepted}
     */
    static BillingOutcome accepted(String reference, Duration askAgainAfter) {
        return new Accepted(reference, askAgainAfter);
    }

    /**
     * The provider refused for good: this key will never charge.
     *
     * @param code the provider's code
     * @param reason for a person
     * @return a {@link Declined}
     */
    static BillingOutcome declined(String code, String reason) {
        return new Declined(code, reason);
    }

    /**
     * This request surely did nothing. From {@link BillingGateway#find}: the provider has never seen the key.
     *
     * @param reason for a person
     * @return a {@link NotBilled}
     */
    static BillingOutcome notBilled(String reason) {
        return new NotBilled(reason, null);
    }

    /**
     * This request surely did nothing, and the provider said when to come back.
     *
     * @param reason for a person
     * @param retryAfter the least delay until the next try; not negative
     * @return a {@link NotBilled}
     */
    static BillingOutcome notBilled(String reason, Duration retryAfter) {
        return new NotBilled(reason, requireNonNull(retryAfter, "retryAfter"));
    }

    /**
     * It is not known whether the invoice was charged.
     *
     * @param reason for a person
     * @return an {@link Unknown}
     */
    static BillingOutcome unknown(String reason) {
        return new Unknown(reason);
    }
}
