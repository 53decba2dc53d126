package io.github.invoicelock.internal.journal;

/** People have paused the biller: the transaction that was claiming is rolled back, and nothing of it is left. */
public final class PausedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public PausedException() {
        super("The biller is paused.", null, false, false);
    }
}
