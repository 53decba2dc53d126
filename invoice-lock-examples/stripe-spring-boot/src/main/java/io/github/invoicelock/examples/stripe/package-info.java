/** A host on Spring Boot 4 that bills through Stripe. Copy from here; start reading at {@code StripeHost}. */
@NullMarked
package io.github.invoicelock.examples.stripe;

import org.jspecify.annotations.NullMarked;
