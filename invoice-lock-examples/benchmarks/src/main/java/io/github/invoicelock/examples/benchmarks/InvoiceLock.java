package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RunLimits;
import java.time.Duration;
import java.util.Objects;
import javax.sql.DataSource;
import org.jooq.impl.DSL;
import org.jooq.impl.SQLDataType;
import org.jspecify.annotations.Nullable;

/** The library, as a host would set it up. */
final class InvoiceLock implements Contestant {
    private static final int CONNECTIONS = 4;

    private final Job job;
    private final Provider provider;
    private final LockStrategy strategy;
    private final LockScope scope;
    private @Nullable LockingInvoiceBiller biller;

    InvoiceLock(Job job, Provider provider, LockStrategy strategy, LockScope scope) {
        this.job = job;
        this.provider = provider;
        this.strategy = strategy;
        this.scope = scope;
    }

    @Override
    public void prepare(boolean first) {
        boolean throughCall = scope == LockScope.THROUGH_CALL;
        // One for each call and one for claims, as the documentation asks for.
        Slots slots = job.slots();
        DataSource connections = job.pool(throughCall ? slots.connections() + 1 : CONNECTIONS);
        InvoiceTable invoices = InvoiceTable.named("invoices");
        if (job.mix() == Mix.HALF_NOT_BILLABLE) {
            invoices = invoices.billableWhen(
                    DSL.field(DSL.name("billable"), SQLDataType.BOOLEAN).isTrue());
        }
        LockingInvoiceBiller.Builder builder = LockingInvoiceBiller.builder(
                        connections, new Gateway(provider, job.mix()))
                .invoices(invoices)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(throughCall ? slots.connections() : slots.calls());
        job.listener().create().ifPresent(builder::listener);
        biller = builder.build();
    }

    @Override
    public void bill() {
        Objects.requireNonNull(biller).billPending(RunLimits.none().time(job.longest()));
    }

    @Override
    public void close() {
        if (biller != null) {
            biller.close();
        }
    }

    /** The host's way to the provider, which remembers keys for a day. */
    private record Gateway(Provider provider, Mix mix) implements BillingGateway {
        @Override
        public BillingOutcome bill(BillingRequest request) throws InterruptedException {
            long invoice = Long.parseLong(request.invoiceId());
            String reference = provider.charge(invoice);
            return mix.declines(invoice)
                    ? BillingOutcome.declined("card_declined", "insufficient funds")
                    : BillingOutcome.billed(reference);
        }

        @Override
        public Duration idempotencyWindow() {
            return Duration.ofHours(24);
        }
    }
}
