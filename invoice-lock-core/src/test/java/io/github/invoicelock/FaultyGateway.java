package io.github.invoicelock;

import java.time.Duration;

/** The door to the provider, at which tests strike: before and after each call of a gateway. */
final class FaultyGateway implements BillingGateway {
    /** What is crossed. After: it has answered or thrown. */
    enum Door {
        BEFORE_FIND,
        AFTER_FIND,
        BEFORE_BILL,
        AFTER_BILL
    }

    /** What happens there: it may throw, kill, wait or do anything else. */
    @FunctionalInterface
    interface Strike {
        void at(Door door, BillingRequest request) throws Exception;
    }

    private final BillingGateway gateway;
    private final Strike strike;

    private FaultyGateway(BillingGateway gateway, Strike strike) {
        this.gateway = gateway;
        this.strike = strike;
    }

    /** Before any: whether it can be asked is what it says. */
    static BillingGateway of(BillingGateway gateway, Strike strike) {
        return new FaultyGateway(gateway, strike);
    }

    @Override
    public BillingOutcome bill(BillingRequest request) throws Exception {
        strike.at(Door.BEFORE_BILL, request);
        try {
            return gateway.bill(request);
        } finally {
            strike.at(Door.AFTER_BILL, request);
        }
    }

    @Override
    public Duration idempotencyWindow() {
        return gateway.idempotencyWindow();
    }

    @Override
    public Duration findLag() {
        return gateway.findLag();
    }

    @Override
    public boolean canBeAsked() {
        return gateway.canBeAsked();
    }

    @Override
    public BillingOutcome find(BillingRequest request) throws Exception {
        strike.at(Door.BEFORE_FIND, request);
        try {
            return gateway.find(request);
        } finally {
            strike.at(Door.AFTER_FIND, request);
        }
    }
}
