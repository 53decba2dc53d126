package io.github.invoicelock;

import org.jooq.DSLContext;

/**
 * The host's own work when an invoice was charged, for example a ledger entry or an outbox row. It runs in the transaction that marks the
 * invoice as billed, so both are there or neither is.
 *
 * <p>Called from several threads at once, on threads of the library's own, and for at most the biller's
 * {@link LockingInvoiceBiller.Builder#callTimeout call time-out}. It must use only the given transaction, must not commit or roll back, and must
 * not call the library. Each of its statements is bounded by {@code statement_timeout} as the library's are: 15 s, or less where the role says so.
 *
 * <p>If it throws (also an {@link Error}), does not return in time, or ends or spoils its transaction, only its own invoice is set aside. The
 * charge is in the journal, the attempt is listed with {@link AttemptCause#OWN_DATA_FAILS}, and the mark and this hook are tried again. The
 * run goes on, unless this happens to too many invoices in a row.
 */
@FunctionalInterface
public interface BilledHook {
    /**
     * The invoice was charged.
     *
     * @param transaction writes with this; it is rolled back if this method throws
     * @param attempt as the journal has it now; its {@link BillingAttempt#invoice() invoice} is null, unless
     *     {@link LockingInvoiceBiller.Builder#keepSnapshots() snapshots are kept}
     * @param reference the provider's id of the charge
     */
    void billed(DSLContext transaction, BillingAttempt attempt, String reference);
}
