package io.github.invoicelock.console;

/** What a visitor of the console may do. Each level includes the ones before it. */
public enum ConsoleAccess {
    /** Nothing: every path answers 403. */
    NONE,
    /** See everything except what the invoices hold. */
    LOOK,
    /** Decide what cannot charge by itself, release what waits, pause and resume, and see what was sent. */
    DECIDE,
    /** Say that an invoice was not charged, after which its key is sent again; and send a new key for an invoice that a person closed. */
    DECIDE_NOT_BILLED;

    /**
     * Whether this level includes another.
     *
     * @param needed the level that is needed
     * @return true if it is this level, or a lower one
     */
    public boolean includes(ConsoleAccess needed) {
        return compareTo(needed) >= 0;
    }
}
