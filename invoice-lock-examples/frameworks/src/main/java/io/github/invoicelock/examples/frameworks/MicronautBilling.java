package io.github.invoicelock.examples.frameworks;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import io.micronaut.context.annotation.Bean;
import io.micronaut.context.annotation.Factory;
import jakarta.inject.Singleton;
import javax.sql.DataSource;

/** The biller as a bean of Micronaut. */
// tag::micronaut[]
@Factory
public class MicronautBilling {
    @Singleton
    @Bean(preDestroy = "close") // waits for the calls in flight
    LockingInvoiceBiller biller(DataSource dataSource, BillingGateway gateway) {
        InvoiceLockSchema.migrate(dataSource);
        return LockingInvoiceBiller.builder(dataSource, gateway)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .concurrency(8) // the pool needs one connection more
                .build();
    }
}
// end::micronaut[]
