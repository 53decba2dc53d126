/**
 * Metrics and traces for Micrometer. Optional: needs {@code io.micrometer:micrometer-core} on the class path.
 *
 * <p>{@link io.github.invoicelock.micrometer.BillingMetrics} counts and times what this server does.
 * {@link io.github.invoicelock.micrometer.JournalMetrics} shows how things stand over all servers.
 * {@link io.github.invoicelock.micrometer.BillingObservations} observes each call of the gateway.
 *
 * @since 0.1
 */
@NullMarked
package io.github.invoicelock.micrometer;

import org.jspecify.annotations.NullMarked;
