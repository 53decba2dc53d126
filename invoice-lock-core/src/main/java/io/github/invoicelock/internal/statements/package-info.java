/** Prepared statements with named values, and the rows that they answer. */
@NullMarked
package io.github.invoicelock.internal.statements;

import org.jspecify.annotations.NullMarked;
