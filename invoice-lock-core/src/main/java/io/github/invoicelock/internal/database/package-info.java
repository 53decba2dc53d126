/** The one door to the database: transactions, session settings, SQLSTATEs, what the server can do. */
@NullMarked
package io.github.invoicelock.internal.database;

import org.jspecify.annotations.NullMarked;
