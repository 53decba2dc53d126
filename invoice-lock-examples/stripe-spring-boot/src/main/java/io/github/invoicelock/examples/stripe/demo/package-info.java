/** The demonstration: two servers, one of them killed, and a Stripe to charge. Start at {@code Demo}. */
@NullMarked
package io.github.invoicelock.examples.stripe.demo;

import org.jspecify.annotations.NullMarked;
