package io.github.invoicelock.internal.engine;

/** What is to be done with the provider for a claim. */
enum Approach {
    /** Nothing is in doubt: send the key. */
    BILL,
    /** Never send: ask what became of the key. */
    ASK,
    /** In doubt: ask, and if that does not know, send the same key again. */
    ASK_THEN_BILL;

    boolean asks() {
        return this != BILL;
    }

    boolean sends() {
        return this != ASK;
    }
}
