package io.github.invoicelock.examples.stripe;

import io.github.invoicelock.LockingInvoiceBiller;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.scheduling.annotation.Scheduled;
import org.springframework.stereotype.Component;

/** The same on every server, at the same times: that is what the biller is for. */
@Component
class BillingSchedule {
    private static final Logger LOG = LoggerFactory.getLogger(BillingSchedule.class);

    private final LockingInvoiceBiller biller;

    BillingSchedule(LockingInvoiceBiller biller) {
        this.biller = biller;
    }

    // Spring logs what these throw, and calls them again when the next time has come.

    @Scheduled(cron = "${billing.pending:0 0 6 * * *}")
    void billPending() {
        LOG.info("The day's billing: {}", biller.billPending());
    }

    @Scheduled(fixedDelayString = "${billing.recover:PT1M}", initialDelayString = "${billing.recover:PT1M}")
    void recover() {
        biller.recover();
    }
}
