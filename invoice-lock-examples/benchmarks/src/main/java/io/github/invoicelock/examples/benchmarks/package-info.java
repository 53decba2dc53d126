/** Ways to bill the pending invoices of a table, measured beside one another in one run, and killed beside one another. */
@NullMarked
package io.github.invoicelock.examples.benchmarks;

import org.jspecify.annotations.NullMarked;
