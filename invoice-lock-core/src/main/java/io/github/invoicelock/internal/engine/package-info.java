/** The way of an invoice: claim, call, settle; take over, resolve, settle. */
@NullMarked
package io.github.invoicelock.internal.engine;

import org.jspecify.annotations.NullMarked;
