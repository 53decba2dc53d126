/** Hosts on frameworks other than Spring; {@code docs/frameworks.md} quotes them. */
package io.github.invoicelock.examples.frameworks;
