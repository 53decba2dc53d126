package io.github.invoicelock;

/** The states of a {@link BillingAttempt}, as the journal's column {@code state} spells them. */
public enum AttemptState {
    /** Claimed; the provider may be being called right now, or a crash left it behind. */
    STARTED,
    /** The provider took the order and will tell the result later. Not sent again. */
    ACCEPTED,
    /** The provider was called, and the outcome is not known. */
    IN_DOUBT,
    /** The provider surely did nothing. Tried again under the same key. */
    NOT_BILLED,
    /** The provider refused for good: this key will never charge. */
    DECLINED,
    /** Charged. Final. */
    BILLED,
    /** Taken back by the host before anything was charged. */
    WITHDRAWN
}
