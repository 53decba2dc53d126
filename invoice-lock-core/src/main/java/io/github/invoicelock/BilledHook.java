package io.github.invoicelock;

import org.jooq.DSLContext;

/**
 * The host's own work when an invoice was charged: a ledger entry, an outbox row. It runs in the transaction that marks the invoice as
 * billed, so both are there or neither is.
 *
 * <p>Called from several threads at once. It must use only the given transaction, must not commit, and must not call the library.
 */
@FunctionalInterface
public interface BilledHook {
    /**
     * The invoice was charged.
     *
     * @param transaction writes with this; it is rolled back if this method throws. The charge itself stays in the journal, the run
     *     ends with a {@link BillingRunException}, and the mark and this hook are tried again by a later run.
     * @param attempt as the journal has it now; its {@link BillingAttempt#invoice() invoice} is null, unless
     *     {@link LockingInvoiceBiller.Builder#keepSnapshots() snapshots are kept}
     * @param reference the provider's id of the charge
     */
    void billed(DSLContext transaction, BillingAttempt attempt, String reference);
}
