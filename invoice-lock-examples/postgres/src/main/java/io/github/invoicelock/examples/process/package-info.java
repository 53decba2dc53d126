/** Processes for examples and tests that kill them. */
@NullMarked
package io.github.invoicelock.examples.process;

import org.jspecify.annotations.NullMarked;
