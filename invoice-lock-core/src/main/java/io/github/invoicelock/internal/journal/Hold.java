package io.github.invoicelock.internal.journal;

/** What holds a biller back on all servers; statements answer the names. */
public enum Hold {
    /** Nothing. */
    NONE,
    /** A provider that fails, or asked to be left alone: one call is tried at a time. */
    BRAKE,
    /** People. */
    PAUSE
}
