/**
 * Bills every pending invoice of a host's PostgreSQL table exactly once, from many servers, even if some of them crash.
 *
 * <p>Start at {@link io.github.invoicelock.LockingInvoiceBiller}. Implement {@link io.github.invoicelock.BillingGateway}, and create the
 * journal with {@link io.github.invoicelock.InvoiceLockSchema}. These packages are for hosts, too:
 *
 * <ul>
 *   <li>{@link io.github.invoicelock.testkit}: checks your gateway in a test;
 *   <li>{@link io.github.invoicelock.spring}: Spring Boot;
 *   <li>{@link io.github.invoicelock.micrometer}: metrics and traces;
 *   <li>{@link io.github.invoicelock.console}: a page for the people who decide.
 * </ul>
 *
 * <p>All packages below {@code io.github.invoicelock.internal} may change at any time. No method takes or returns null unless its
 * documentation says so.
 *
 * @since 0.1
 */
@NullMarked
package io.github.invoicelock;

import org.jspecify.annotations.NullMarked;
