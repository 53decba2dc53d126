/** What can be specified without a database. */
@NullMarked
package io.github.invoicelock.internal.limits;

import org.jspecify.annotations.NullMarked;
