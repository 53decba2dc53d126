package io.github.invoicelock;

import java.time.Instant;

/**
 * That people have paused a biller, on all servers; see {@link LockingInvoiceBiller#pause}.
 *
 * @param by who paused it
 * @param why in their words
 * @param since when, by the database's clock
 */
public record BillingPause(String by, String why, Instant since) {}
