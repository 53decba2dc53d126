package io.github.invoicelock.examples.stripe.demo;

import io.github.invoicelock.examples.stripe.demo.FakeStripe.Fault;
import org.jspecify.annotations.Nullable;

/** What happens to some of the invoices. */
enum Story {
    CARD("paid by card", 30, "pm_card_visa", null),
    RATE_LIMITED("429 at first", 2, "pm_card_visa", Fault.RATE_LIMITED),
    ERROR("500, although charged; saved under its key", 1, "pm_card_visa", Fault.ERROR_AFTER_CHARGE),
    CONNECTION_LOST("connection lost after the charge", 1, "pm_card_visa", Fault.CONNECTION_LOST),
    EMPTY_ACCOUNT("declined, then another card, a new key", 1, "pm_card_visa_chargeDeclinedInsufficientFunds", null),
    BANK_DEBIT("bank debit, told days later by the webhook", 1, "pm_usBankAccount_success", null),
    KILLED("server killed between charge and answer", 1, "pm_card_visa", Fault.NO_ANSWER);

    private final String title;
    private final int invoices;
    private final String paymentMethod;
    private final @Nullable Fault fault;

    Story(String title, int invoices, String paymentMethod, @Nullable Fault fault) {
        this.title = title;
        this.invoices = invoices;
        this.paymentMethod = paymentMethod;
        this.fault = fault;
    }

    String title() {
        return title;
    }

    int invoices() {
        return invoices;
    }

    String paymentMethod() {
        return paymentMethod;
    }

    @Nullable
    Fault fault() {
        return fault;
    }
}
