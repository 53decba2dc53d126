package io.github.invoicelock.examples.frameworks;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.event.Shutdown;
import jakarta.enterprise.event.Startup;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Billing in a CDI container: Jakarta EE 10 or newer, or Weld alone. */
// tag::jakarta[]
@ApplicationScoped
public class JakartaBilling {
    private static final Logger LOG = LoggerFactory.getLogger(JakartaBilling.class);

    private final List<Future<?>> scheduled = new CopyOnWriteArrayList<>();

    @Produces
    @Singleton // the class is final, so a container can make no proxy of it
    LockingInvoiceBiller biller(DataSource dataSource, BillingGateway gateway) {
        InvoiceLockSchema.migrate(dataSource);
        return LockingInvoiceBiller.builder(dataSource, gateway)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .concurrency(8) // the pool needs one connection more
                .build();
    }

    void start(@Observes Startup started, LockingInvoiceBiller biller, ScheduledExecutorService scheduler) {
        scheduled.add(scheduler.scheduleAtFixedRate(logged(biller::billPending), 0, 1, TimeUnit.HOURS));
        scheduled.add(scheduler.scheduleWithFixedDelay(logged(biller::recover), 1, 1, TimeUnit.MINUTES));
    }

    void stop(@Observes Shutdown stopping, LockingInvoiceBiller biller) {
        scheduled.forEach(each -> each.cancel(false));
        biller.close(); // waits for the calls in flight; the container closes the pool later
    }

    private static Runnable logged(Runnable run) {
        return () -> {
            try {
                run.run();
            } catch (Throwable e) { // thrown on, it would end the schedule for good
                LOG.error("A run ended with an error; the next one tries again", e);
            }
        };
    }
}
// end::jakarta[]
