package io.github.invoicelock.examples.frameworks;

import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.micrometer.BillingMetrics;
import io.github.invoicelock.micrometer.JournalMetrics;
import io.micrometer.core.instrument.MeterRegistry;

/** A biller's metrics, where no framework binds them. */
public final class Metrics {
    private Metrics() {}

    // tag::metrics[]
    /** Builds a biller whose metrics are in the registry. */
    public static LockingInvoiceBiller metered(LockingInvoiceBiller.Builder builder, MeterRegistry registry) {
        BillingMetrics metrics = new BillingMetrics("invoices");
        metrics.bindTo(registry);
        LockingInvoiceBiller biller = builder.listener(metrics).build();
        new JournalMetrics(biller).bindTo(registry);
        return biller;
    }
    // end::metrics[]
}
