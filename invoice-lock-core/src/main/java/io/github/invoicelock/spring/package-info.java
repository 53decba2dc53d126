/**
 * Auto-configuration for Spring Boot 3.5 and 4. With a {@code DataSource} bean and a {@link io.github.invoicelock.BillingGateway} bean there
 * is a {@link io.github.invoicelock.LockingInvoiceBiller} bean, configured by {@code invoice-lock.*}. The host schedules its runs.
 *
 * <p>Optional: needs {@code spring-boot-autoconfigure} on the class path. Metrics need {@code micrometer-core}. Health needs
 * {@code spring-boot-health} (Boot 4) or {@code spring-boot-actuator} (Boot 3).
 *
 * @since 0.1
 */
@NullMarked
package io.github.invoicelock.spring;

import org.jspecify.annotations.NullMarked;
