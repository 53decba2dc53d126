package io.github.invoicelock;

import java.time.Instant;

/**
 * That all servers hold back, because a provider failed on one of them, or asked to be left alone: they try one call at a time until one
 * succeeds. See {@link LockingInvoiceBiller.Builder#stopAfterFailures} and {@link BillingOutcome.NotBilled#retryAfter()}.
 *
 * @param until when it ends by itself, by the database's clock, unless a call succeeds before
 * @param since when a server put it on last
 * @param by which server, as {@link BillingAttempt#owner()} has it
 * @param why what the provider said last
 */
public record BillingBrake(Instant until, Instant since, String by, String why) {}
