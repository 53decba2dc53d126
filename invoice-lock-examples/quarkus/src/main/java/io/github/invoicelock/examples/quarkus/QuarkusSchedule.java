package io.github.invoicelock.examples.quarkus;

import io.github.invoicelock.LockingInvoiceBiller;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.scheduler.Scheduled;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;

/** When Quarkus bills. It logs what a run throws, and goes on. */
// tag::schedule[]
@ApplicationScoped // not @Transactional: a run inside of a transaction is refused
public class QuarkusSchedule {
    @Inject
    LockingInvoiceBiller biller;

    @Scheduled(every = "1h")
    void bill() {
        biller.billPending();
    }

    @Scheduled(every = "1m", delayed = "1m")
    void recover() {
        biller.recover();
    }

    void stop(@Observes ShutdownEvent stopping) {
        biller.close(); // waits for the calls in flight; Quarkus closes the pool later
    }
}
// end::schedule[]
