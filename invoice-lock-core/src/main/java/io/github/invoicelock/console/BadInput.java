package io.github.invoicelock.console;

/** What was typed cannot be understood. */
final class BadInput extends RuntimeException {
    private static final long serialVersionUID = 1L;

    BadInput(String message) {
        super(message);
    }
}
