/** Callers in Kotlin. */
@org.jspecify.annotations.NullMarked
package io.github.invoicelock.examples.kotlin;
