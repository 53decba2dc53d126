/** What can be specified without a database. */
@NullMarked
package io.github.invoicelock.internal.engine;

import org.jspecify.annotations.NullMarked;
