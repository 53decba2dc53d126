package io.github.invoicelock.spring;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.LockingInvoiceBiller;

/** What an optional part adds to each biller that is made here. */
interface BillerAddition {
    /** The gateway, or another around it. */
    default BillingGateway around(String biller, BillingGateway gateway) {
        return gateway;
    }

    /** Settings of its own. */
    default void addTo(String biller, LockingInvoiceBiller.Builder builder) {}

    /** Whether a listener is told what one of several billers does. */
    default boolean isFor(String biller, BillingListener listener) {
        return true;
    }
}
