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
    KILLED("server killed between charge and answer", 1, "pm_card_visa", Fault.NO_ANSWER),
    /** Only where people decide: of the others the library knows what to do. */
    AUTHENTICATION("refused: the bank asks the customer", 2, "pm_card_authenticationRequired", null),
    /** The same. Stripe replays what it has saved, so this key never charges. */
    ERROR_SAVED("500, nothing charged; saved under its key", 1, "pm_card_visa", Fault.ERROR_BEFORE_CHARGE);

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

    /** Whether a person has to decide. */
    boolean isForPeople() {
        return this == AUTHENTICATION || this == ERROR_SAVED;
    }

    /** Whether it can be played without a fake that makes the fault. */
    boolean isPossibleWithStripe() {
        return this == CARD || this == AUTHENTICATION;
    }

    @Nullable
    Fault fault() {
        return fault;
    }
}
