/**
 * Auto-configuration for Spring Boot 3.5 and 4. With a {@code DataSource} and a {@link io.github.invoicelock.BillingGateway} bean there is
 * a {@link io.github.invoicelock.LockingInvoiceBiller} bean, configured by {@code invoice-lock.*}; scheduling it is the host's.
 *
 * <p>Optional: needs {@code spring-boot-autoconfigure} on the class path, for metrics {@code micrometer-core}, for health
 * {@code spring-boot-health} (Boot 4) or {@code spring-boot-actuator} (Boot 3).
 */
@NullMarked
package io.github.invoicelock.spring;

import org.jspecify.annotations.NullMarked;
