/** How often the provider may be called. */
@NullMarked
package io.github.invoicelock.internal.limits;

import org.jspecify.annotations.NullMarked;
