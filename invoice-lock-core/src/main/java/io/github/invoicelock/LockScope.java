package io.github.invoicelock;

/** What holds an invoice while the provider is called. */
public enum LockScope {
    /**
     * A second transaction holds the row's lock through the call, and writes the outcome before it commits. The host cannot change the invoice
     * meanwhile. Each call has a transaction and a connection. A crash frees the lock. Where the provider remembers keys, the next run of
     * another server takes over, 3 seconds after the claim at the earliest; otherwise when the lease is over.
     */
    THROUGH_CALL,
    /**
     * No transaction is open and no connection is used during the call. The claim's lease keeps other servers away, also after a crash. Use it
     * for many calls at once: it needs at most four connections, however large the concurrency is.
     */
    CLAIM_ONLY
}
