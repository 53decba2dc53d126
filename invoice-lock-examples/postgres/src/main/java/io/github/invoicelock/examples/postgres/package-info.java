/** A PostgreSQL for tests and examples, wherever they run. Knows nothing of the library. */
@NullMarked
package io.github.invoicelock.examples.postgres;

import org.jspecify.annotations.NullMarked;
