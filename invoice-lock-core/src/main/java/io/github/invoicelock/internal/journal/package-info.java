/** The journal: one row of {@code billing_attempt} for each idempotency key, its states and all statements on it. */
@NullMarked
package io.github.invoicelock.internal.journal;

import org.jspecify.annotations.NullMarked;
