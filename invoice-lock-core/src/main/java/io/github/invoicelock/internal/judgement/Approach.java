package io.github.invoicelock.internal.judgement;

/** What is to be done with the provider for a claim. */
public enum Approach {
    /** Nothing is in doubt: send the key. */
    BILL(1),
    /** Never send: ask what became of the key. */
    ASK(1),
    /** In doubt: ask, and if that does not know, send the same key again. */
    ASK_THEN_BILL(2);

    private final int calls;

    Approach(int calls) {
        this.calls = calls;
    }

    /** How many calls one after the other it may take. */
    public int calls() {
        return calls;
    }

    public boolean asks() {
        return this != BILL;
    }

    public boolean sends() {
        return this != ASK;
    }
}
