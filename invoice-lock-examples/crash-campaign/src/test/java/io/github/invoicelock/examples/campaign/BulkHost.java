package io.github.invoicelock.examples.campaign;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import java.time.Duration;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;

/** A host with little memory and many invoices, whose provider answers at once. */
final class BulkHost {
    private BulkHost() {}

    /**
     * Bills everything in one run.
     *
     * @param arguments the database, the strategy, the scope
     */
    public static void main(String[] arguments) {
        LockScope scope = LockScope.valueOf(arguments[2]);
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(arguments[0]);
        config.setMaximumPoolSize(4);
        BitSet charged = new BitSet();
        AtomicInteger twice = new AtomicInteger();
        BillingGateway provider = new BillingGateway() {
            @Override
            public BillingOutcome bill(BillingRequest request) {
                synchronized (charged) {
                    int id = Integer.parseInt(request.invoiceId());
                    if (charged.get(id)) {
                        twice.incrementAndGet();
                    }
                    charged.set(id);
                }
                return BillingOutcome.billed("ch_" + request.invoiceId());
            }

            @Override
            public Duration idempotencyWindow() {
                return Duration.ofHours(1);
            }
        };
        try (HikariDataSource dataSource = new HikariDataSource(config);
                LockingInvoiceBiller biller = LockingInvoiceBiller.builder(dataSource, provider)
                        .lockStrategy(LockStrategy.valueOf(arguments[1]))
                        .lockScope(scope)
                        .concurrency(scope == LockScope.CLAIM_ONLY ? 500 : 3)
                        .build()) {
            BillingRun run = biller.billPending();
            System.out.println("TWICE " + twice);
            System.out.println("RUN " + run);
        }
    }
}
