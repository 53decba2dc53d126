package io.github.invoicelock;

/** Why a person's word was not taken. A closed list. */
public enum Refusal {
    /** There is no such invoice. */
    NO_SUCH_INVOICE("there is no such invoice"),
    /** The journal has no attempt of it. */
    NO_ATTEMPT("it was never claimed"),
    /** A server is calling the provider for it right now. */
    BEING_CALLED("it is being called right now"),
    /** It has been charged: only {@code billed} can be said of it. */
    CHARGED("it was charged already"),
    /** A key is only sent for an invoice that is pending. */
    NOT_PENDING("it is not pending"),
    /** The attempt has changed since the person looked at it. */
    CHANGED_SINCE("it has changed since it was looked at"),
    /** {@code notBilled}, or a new key for what a person closed in doubt, while a request may still be on its way to the provider. */
    MAY_BE_ON_ITS_WAY("a request may still be on its way"),
    /** {@code notBilled}, for a key that was refused for good. */
    KEY_REFUSED("its key was refused for good"),
    /** {@code notBilled}, for a key that was sent with a request that is not kept any more. */
    REQUEST_NOT_KEPT("what was sent is not kept any more"),
    /** {@code unknown} decides nothing. */
    DECIDES_NOTHING("that decides nothing"),
    /** It is to be looked at later than in 31 days. */
    DELAY_TOO_LONG("the delay is too long"),
    /** The provider cannot be asked: the gateway has no {@link BillingGateway#find}. */
    CANNOT_BE_ASKED("the provider cannot be asked"),
    /** Another transaction holds its row of the journal for too long. */
    HELD("another transaction holds it");

    private final String text;

    Refusal(String text) {
        this.text = text;
    }

    /**
     * For a person.
     *
     * @return some words, without a full stop
     */
    public String text() {
        return text;
    }
}
