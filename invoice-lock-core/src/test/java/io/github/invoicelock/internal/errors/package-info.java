/** What can be specified without a database. */
@NullMarked
package io.github.invoicelock.internal.errors;

import org.jspecify.annotations.NullMarked;
