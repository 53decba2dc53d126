/**
 * Answers a host's question "is my gateway safe?": extend {@link io.github.invoicelock.testkit.BillingGatewayContract} in a test. Needs
 * JUnit Jupiter 5.9 or newer on the test's class path, and nothing else. Nothing here takes or returns null unless it says so.
 */
@NullMarked
package io.github.invoicelock.testkit;

import org.jspecify.annotations.NullMarked;
