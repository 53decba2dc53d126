/** A host's test of its gateway, as {@code docs/testkit.md} shows it: outside of the kit's own package, like every host's. */
@NullMarked
package io.github.invoicelock.testkit.example;

import org.jspecify.annotations.NullMarked;
