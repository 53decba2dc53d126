package io.github.invoicelock;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.micrometer.JournalMetrics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;

/** A server process in which everything happens that is logged, with secrets in all that its host and its provider say. */
final class LoudServer {
    static final int RUNS = 5;

    private final HikariDataSource pool;
    private final TestProvider provider = TestProvider.thatOffersNothing().answering(LoudServer::answer);

    private LoudServer(String jdbcUrl) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl);
        config.setMaximumPoolSize(6);
        this.pool = new HikariDataSource(config);
    }

    /**
     * Runs to the end.
     *
     * @param arguments the database, a secret, the strategy, the scope
     * @throws SQLException if the database does not answer
     */
    public static void main(String[] arguments) throws SQLException {
        new LoudServer(arguments[0])
                .play(arguments[1], LockStrategy.valueOf(arguments[2]), LockScope.valueOf(arguments[3]));
        System.out.println("DONE");
    }

    /** What the provider says of an invoice quotes it. */
    private static BillingOutcome answer(TestProvider provider, BillingRequest request) {
        String secret = request.invoice().get("iban", String.class);
        return switch (request.invoiceId()) {
            case "2" -> BillingOutcome.accepted("dd_2", Duration.ofDays(1));
            case "3" -> BillingOutcome.declined("account_closed", "There is no account " + secret);
            case "4" -> BillingOutcome.notBilled("Invalid API key: " + secret);
            case "5" -> BillingOutcome.unknown("500: " + secret);
            case "6" -> throw new IllegalStateException("Cannot parse {\"iban\": \"" + secret + "\"}");
            default -> provider.charge(request);
        };
    }

    private static void writeBack(LockingInvoiceBiller biller, ProviderCharge charge) {
        try (Reconciliation compared = biller.reconcile(Stream.of(charge), charge.time(), charge.time())) {
            compared.writeBack("carl");
        }
    }

    private void play(String secret, LockStrategy strategy, LockScope scope) throws SQLException {
        LockingInvoiceBiller.Builder builder = LockingInvoiceBiller.builder(pool, provider)
                .invoices(InvoiceTable.named("invoices").orderedBy("due_date")) // no index: it is advised
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(3)
                .waitTimeout(Duration.ofMillis(50))
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 2));
        try (LockingInvoiceBiller biller = builder.build();
                Connection host = pool.getConnection()) {
            host.setAutoCommit(false);
            TestHost.execute(host, "select from invoices where id = 7 for update");
            biller.billPending();
            biller.bill(7); // held
            host.commit();
            TestHost.execute(host, "update invoices set pending = true where id = 1");
            host.commit();
            biller.recover();
            biller.bill(1); // charged, and pending again
            biller.retry(3);
            biller.billPending();
            biller.resolve(5, BillingOutcome.billed("ch_5"), "by telephone with " + secret);
            writeBack(biller, new ProviderCharge(null, "6", "ch_6", null, Instant.now()));
            biller.report(biller.attempts(2).get(0).idempotencyKey(), BillingOutcome.declined("returned", secret));
            biller.withdraw(host, 8);
            host.commit();
            biller.needsAttention();
            biller.pause("ann", "wrong amounts");
            biller.recover(); // nothing to do, and nothing to say
            biller.resume("bob");
            biller.recover();
            JournalMetrics gauges = new JournalMetrics(biller, Duration.ZERO);
            SimpleMeterRegistry registry = new SimpleMeterRegistry();
            gauges.bindTo(registry);
            TestHost.execute(host, "alter table invoice_lock.billing_attempt rename to gone");
            host.commit();
            registry.get("invoice.lock.journal.parked").gauge().value();
        } finally {
            pool.close();
        }
    }
}
