/** Checks of the set-up before anything is written, index advice, and the journal's migrations. */
@NullMarked
package io.github.invoicelock.internal.setup;

import org.jspecify.annotations.NullMarked;
