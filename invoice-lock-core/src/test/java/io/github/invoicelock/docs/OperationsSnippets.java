package io.github.invoicelock.docs;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockingInvoiceBiller;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/** Quoted by docs/operations.md. */
public final class OperationsSnippets {
    private OperationsSnippets() {}

    // tag::retry-all[]
    /** Releases all that wait for one cause; returns why some could not be. */
    public static List<String> retryAll(LockingInvoiceBiller biller, AttemptCause cause) {
        List<String> refused = new ArrayList<>();
        for (BillingAttempt attempt : biller.needsAttention()) {
            if (attempt.cause() == cause) {
                try {
                    biller.retry(attempt.invoiceId());
                } catch (InvoiceLockException e) { // no longer pending, for one
                    refused.add(e.getMessage());
                }
            }
        }
        return refused;
    }
    // end::retry-all[]

    // tag::write-back[]
    public static void writeBack(DataSource dataSource, LockingInvoiceBiller biller, Object invoiceId, String reference)
            throws SQLException {
        if (biller.attempts(invoiceId).isEmpty()) {
            try (Connection connection = dataSource.getConnection()) {
                connection.setAutoCommit(false);
                biller.withdraw(connection, invoiceId); // blocks the invoice, under the key that was charged
                connection.commit();
            }
        }
        biller.resolve(invoiceId, BillingOutcome.billed(reference), "from the provider's ledger, after a restore");
    }
    // end::write-back[]

    // tag::asking-first[]
    /** Asks the provider's ledger before every send: for the first runs after a restore. */
    public record AskingFirst(BillingGateway gateway) implements BillingGateway {
        @Override
        public BillingOutcome bill(BillingRequest request) throws Exception {
            BillingOutcome known = gateway.find(request);
            return known instanceof BillingOutcome.NotBilled ? gateway.bill(request) : known;
        }

        @Override
        public BillingOutcome find(BillingRequest request) throws Exception {
            return gateway.find(request);
        }

        @Override
        public Duration idempotencyWindow() {
            return gateway.idempotencyWindow();
        }

        @Override
        public Duration findLag() {
            return gateway.findLag();
        }
    }
    // end::asking-first[]
}
