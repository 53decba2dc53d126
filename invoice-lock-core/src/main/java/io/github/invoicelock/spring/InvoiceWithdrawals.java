package io.github.invoicelock.spring;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.Withdrawal;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Takes invoices back in the current Spring transaction: what {@link LockingInvoiceBiller#withdraw} does with a connection, under
 * {@code @Transactional}. It is committed, or rolled back, with the rest of the transaction. Thread-safe.
 *
 * <p>Under Spring Boot there is a bean for each biller that is configured by properties. For one of your own make it with the
 * {@link DataSource} that your transaction manager has.
 */
public final class InvoiceWithdrawals {
    private final LockingInvoiceBiller biller;
    private final DataSource dataSource;

    /**
     * Withdrawals of one biller.
     *
     * @param biller whose invoices
     * @param dataSource where they are: the one of the transaction manager
     */
    public InvoiceWithdrawals(LockingInvoiceBiller biller, DataSource dataSource) {
        this.biller = requireNonNull(biller, "biller");
        this.dataSource = requireNonNull(dataSource, "dataSource");
    }

    /**
     * Takes an invoice back: if the answer is {@link Withdrawal#WITHDRAWN} and the transaction commits, it will not be charged.
     *
     * @param invoiceId as for {@link LockingInvoiceBiller#bill}
     * @return whether it could be taken back
     * @throws InvoiceLockException if there is no transaction, it is one of another DataSource, or there is no such invoice
     */
    public Withdrawal withdraw(Object invoiceId) {
        if (!TransactionSynchronizationManager.isActualTransactionActive()) {
            throw new InvoiceLockException(
                    "withdraw was called outside of a transaction; call it in the one in which you take invoice "
                            + invoiceId + " back, under @Transactional for example.");
        }
        // A connection that is fetched now would be one of no transaction, and be rolled back with its pool's next use.
        if (!TransactionSynchronizationManager.hasResource(dataSource)) {
            throw elsewhere();
        }
        Connection connection = DataSourceUtils.getConnection(dataSource);
        try {
            if (connection.getAutoCommit()) {
                throw elsewhere();
            }
            return biller.withdraw(connection, invoiceId);
        } catch (SQLException e) {
            throw new InvoiceLockException("The transaction's connection is not usable: " + e.getMessage(), e);
        } finally {
            DataSourceUtils.releaseConnection(connection, dataSource);
        }
    }

    private InvoiceLockException elsewhere() {
        return new InvoiceLockException(
                "withdraw was called in a transaction that the DataSource of the biller \"" + biller.name()
                        + "\" takes no part in. Name the transaction manager of that DataSource: @Transactional(\"…\").");
    }
}
