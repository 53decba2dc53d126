package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

/** A person's word was not taken, and nothing was written. The message says why, and what to do. */
public final class WordRefusedException extends InvoiceLockException {
    private static final long serialVersionUID = 1L;

    /** Why. */
    private final Refusal refusal;

    /**
     * With a reason.
     *
     * @param refusal why
     * @param message what is wrong and what to do
     */
    public WordRefusedException(Refusal refusal, String message) {
        super(message);
        this.refusal = requireNonNull(refusal, "refusal");
    }

    /**
     * Why.
     *
     * @return for a {@code switch}
     */
    public Refusal refusal() {
        return refusal;
    }
}
