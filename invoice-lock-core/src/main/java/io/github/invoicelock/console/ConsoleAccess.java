package io.github.invoicelock.console;

/** What a visitor of the console may do. Each may what the ones before it may. */
public enum ConsoleAccess {
    /** Nothing: there is no page for them. */
    NONE,
    /** See everything but what the invoices hold. */
    LOOK,
    /** Decide what can charge nothing by itself, release what waits, pause and resume, and see what was sent. */
    DECIDE,
    /** Say that the provider surely did not charge: the one word after which a key is sent again because a person said so. */
    DECIDE_NOT_BILLED;

    /**
     * Whether they may do what asks for another access.
     *
     * @param needed what it asks for
     * @return true if this is that, or more
     */
    public boolean includes(ConsoleAccess needed) {
        return compareTo(needed) >= 0;
    }
}
