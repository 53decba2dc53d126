/**
 * Answers the question "is my gateway safe?". Extend {@link io.github.invoicelock.testkit.BillingGatewayContract} in a test.
 *
 * <p>Needs JUnit Jupiter 5.9 or newer on the test's class path, and nothing else. No method takes or returns null unless its documentation
 * says so.
 *
 * @since 0.1
 */
@NullMarked
package io.github.invoicelock.testkit;

import org.jspecify.annotations.NullMarked;
