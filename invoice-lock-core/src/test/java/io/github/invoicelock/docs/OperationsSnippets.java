package io.github.invoicelock.docs;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptFilter;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.BulkResult;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.WordRefusedException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import javax.sql.DataSource;

/** Quoted by docs/operations.md. */
public final class OperationsSnippets {
    private OperationsSnippets() {}

    // tag::retry-all[]
    /** Releases all that wait because the provider was away, after a look at what that would do. */
    public static BulkResult retryAll(LockingInvoiceBiller biller, String who) {
        AttemptFilter which = AttemptFilter.all().cause(AttemptCause.TRIES_USED_UP);
        BulkResult tried = biller.dryRun().retryAll(which, "incident 7", who);
        // dryRun=true effects={SENDS_THE_SAME_KEY=312} refusals={NOT_PENDING=3}
        return tried.refused() > 10 ? tried : biller.retryAll(which, "incident 7", who);
    }
    // end::retry-all[]

    // tag::decide-on-what-was-seen[]
    /** A person decides on what they saw; what somebody else did meanwhile is shown to them instead. */
    public static String decide(LockingInvoiceBiller biller, BillingAttempt seen, String reference, String who) {
        try {
            biller.resolve(seen, BillingOutcome.billed(reference), "seen in the dashboard", who);
            return "done";
        } catch (WordRefusedException e) {
            for (AttemptEvent event : biller.history(seen.invoiceId())) {
                System.out.println(event.at() + " " + event.what() + " " + event.from() + " -> " + event.to() + " "
                        + event.who() + " " + event.note());
            }
            return e.getMessage();
        }
    }
    // end::decide-on-what-was-seen[]

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
