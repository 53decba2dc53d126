/**
 * Bills every pending invoice of a host's PostgreSQL table exactly once, from many servers, whatever crashes in between.
 *
 * <p>Start at {@link io.github.invoicelock.LockingInvoiceBiller}; implement {@link io.github.invoicelock.BillingGateway};
 * create the journal with {@link io.github.invoicelock.InvoiceLockSchema}. The package {@code io.github.invoicelock.testkit}
 * checks your gateway in a test. Everything else outside of this package is internal.
 * Nothing here takes or returns null unless it says so.
 */
@NullMarked
package io.github.invoicelock;

import org.jspecify.annotations.NullMarked;
