package io.github.invoicelock.internal.journal;

/** The brake is on for all servers, and this is not the call that is tried: the transaction that was claiming is rolled back. */
public final class BrakedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public BrakedException() {
        super("The brake is on.", null, false, false);
    }
}
