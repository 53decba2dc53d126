package io.github.invoicelock.examples.quarkus;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import javax.sql.DataSource;

/** The biller as a bean of Quarkus. */
// tag::quarkus[]
@ApplicationScoped
public class QuarkusBilling {
    @Produces
    @Singleton // the class is final, so a container can make no proxy of it
    LockingInvoiceBiller biller(DataSource dataSource, BillingGateway gateway) {
        InvoiceLockSchema.migrate(dataSource);
        return LockingInvoiceBiller.builder(dataSource, gateway)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .concurrency(8) // the pool needs one connection more: quarkus.datasource.jdbc.max-size
                .build();
    }
}
// end::quarkus[]
