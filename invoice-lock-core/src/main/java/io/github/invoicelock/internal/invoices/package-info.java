/** The host's table of invoices: candidates, row locks, the snapshot, the mark. */
@NullMarked
package io.github.invoicelock.internal.invoices;

import org.jspecify.annotations.NullMarked;
