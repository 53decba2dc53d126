/** What can be specified without a database. */
@NullMarked
package io.github.invoicelock.internal.database;

import org.jspecify.annotations.NullMarked;
