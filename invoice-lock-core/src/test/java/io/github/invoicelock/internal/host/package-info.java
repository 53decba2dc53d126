/** What can be specified without a database. */
@NullMarked
package io.github.invoicelock.internal.host;

import org.jspecify.annotations.NullMarked;
