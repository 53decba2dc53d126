package io.github.invoicelock.docs;

import io.github.invoicelock.Withdrawal;
import io.github.invoicelock.spring.InvoiceWithdrawals;
import org.springframework.transaction.annotation.Transactional;

/** What docs/spring-boot.md shows. */
public class SpringBootSnippets {
    private final InvoiceWithdrawals withdrawals;
    private final Invoices invoices;

    /** The host's own repository. */
    public interface Invoices {
        /** In the transaction of the caller. */
        void markCancelled(long invoiceId);
    }

    /** The customer has to be told. */
    public static final class TooLate extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooLate(long invoiceId) {
            super("Invoice " + invoiceId + " is being charged, or was.");
        }
    }

    public SpringBootSnippets(InvoiceWithdrawals withdrawals, Invoices invoices) {
        this.withdrawals = withdrawals;
        this.invoices = invoices;
    }

    // tag::withdraw[]
    /** The customer cancels. */
    @Transactional
    public void cancel(long invoiceId) {
        if (withdrawals.withdraw(invoiceId) != Withdrawal.WITHDRAWN) {
            throw new TooLate(invoiceId);
        }
        invoices.markCancelled(invoiceId);
    }
    // end::withdraw[]
}
