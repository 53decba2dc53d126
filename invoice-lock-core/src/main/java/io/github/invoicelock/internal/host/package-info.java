/** The host's own code, called so that it cannot hurt (R20): its hook, policy and listeners. */
@NullMarked
package io.github.invoicelock.internal.host;

import org.jspecify.annotations.NullMarked;
