package io.github.invoicelock.internal.settlement;

/**
 * An invoice was marked in one round trip with its attempt, and the attempt was not as it was claimed. The transaction is rolled back; what
 * was heard is written over all attempts of the invoice (R5, R18).
 */
public final class MarkedTooEarly extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MarkedTooEarly() {
        super("The attempt is not as it was claimed any more.", null, false, false);
    }
}
