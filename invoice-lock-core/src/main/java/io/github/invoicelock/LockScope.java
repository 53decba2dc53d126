package io.github.invoicelock;

/** What holds an invoice while the provider is called. */
public enum LockScope {
    /**
     * A second transaction holds the row's lock through the call and settles before it commits: the host cannot change the invoice
     * meanwhile. A crash frees the lock, so that the next run of another server takes over, 3 seconds after the claim at the earliest, where the
     * provider remembers keys. One transaction and one connection for each call.
     */
    THROUGH_CALL,
    /**
     * No transaction is open and no connection is used during the call; the claim's lease keeps others away. For many calls at once
     * over a handful of connections: at most four, whatever the concurrency.
     */
    CLAIM_ONLY
}
