/** Hosts, a provider and PostgreSQL as processes, killed at random; the provider's ledger is the judge. */
@NullMarked
package io.github.invoicelock.examples.campaign;

import org.jspecify.annotations.NullMarked;
