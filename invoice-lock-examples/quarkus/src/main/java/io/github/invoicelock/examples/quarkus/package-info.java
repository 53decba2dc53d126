/** A host on Quarkus; {@code docs/frameworks.md} quotes it. */
package io.github.invoicelock.examples.quarkus;
