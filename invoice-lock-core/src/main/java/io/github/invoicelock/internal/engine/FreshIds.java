package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.invoices.Position;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Invoices that were fresh when they were read, without locks.
 *
 * @param invoiceIds in the configured order
 * @param next where the next ones begin; null where nothing is left
 */
record FreshIds(List<String> invoiceIds, @Nullable Position next) {}
