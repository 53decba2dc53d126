package io.github.invoicelock.internal.journal;

/** Another invoice of the same customer is being called: the transaction that was claiming is rolled back, and nothing of it is left. */
public final class PlaceTakenException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PlaceTakenException() {
        super("Another invoice of the customer is being called.", null, false, false);
    }
}
