/** Errors of the database told apart by their SQLSTATE, and said in words. */
@NullMarked
package io.github.invoicelock.internal.errors;

import org.jspecify.annotations.NullMarked;
