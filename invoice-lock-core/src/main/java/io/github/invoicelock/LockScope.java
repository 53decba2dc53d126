package io.github.invoicelock;

/** What holds an invoice while the provider is called. */
public enum LockScope {
    /**
     * A second transaction holds the row's lock through the call and settles before it commits: the host cannot change the invoice
     * meanwhile, and a crash frees the lock, so that another server takes over at once. One connection for each call. Where the provider
     * remembers keys and calls have taken next to no time of late, up to eight invoices share such a transaction, and each is held from
     * before the first of their calls until after the last.
     */
    THROUGH_CALL,
    /**
     * No transaction is open and no connection is used during the call; the claim's lease keeps others away. For many calls at once
     * over a handful of connections: at most four, whatever the concurrency.
     */
    CLAIM_ONLY
}
