package io.github.invoicelock.examples.frameworks;

import io.github.invoicelock.LockingInvoiceBiller;
import io.micronaut.scheduling.annotation.Scheduled;
import jakarta.inject.Singleton;

/** When Micronaut bills. It logs what a run throws, and goes on. */
// tag::schedule[]
@Singleton
public class MicronautSchedule {
    private final LockingInvoiceBiller biller;

    MicronautSchedule(LockingInvoiceBiller biller) {
        this.biller = biller;
    }

    @Scheduled(fixedRate = "1h")
    void bill() {
        biller.billPending();
    }

    @Scheduled(initialDelay = "1m", fixedDelay = "1m")
    void recover() {
        biller.recover();
    }
}
// end::schedule[]
