package io.github.invoicelock;

/** What a person can do about an attempt; see {@link Advice}. */
public enum Decision {
    /** {@link LockingInvoiceBiller#retry(BillingAttempt, String, String)}. Never sends where that could charge twice. */
    RETRY("`retry`", "what stood in its way is mended; it can do no harm", false),
    /** {@link LockingInvoiceBiller#ask(Object, String)}. Evidence; changes nothing. */
    ASK("`ask`", "you want the provider's word before you decide", false),
    /** {@code resolve} with {@link BillingOutcome#billed}. */
    RESOLVE_BILLED("`resolve` as billed", "the provider's ledger shows the charge", true),
    /** {@code resolve} with {@link BillingOutcome#declined}. */
    RESOLVE_DECLINED(
            "`resolve` as declined", "the ledger shows no charge, and this key is to charge nothing any more", true),
    /** {@code resolve} with {@link BillingOutcome#accepted}. */
    RESOLVE_ACCEPTED("`resolve` as accepted", "the ledger shows an order that is still processed", true),
    /** {@code resolve} with {@link BillingOutcome#notBilled}: the only decision that can cause a second charge. */
    RESOLVE_NOT_BILLED("`resolve` as notBilled", "the ledger shows no charge, and no request is on its way", true),
    /** The host corrects its row, expression, trigger or hook. */
    MEND("mend it", "its row, an expression, a trigger or the hook is wrong", false),
    /** Nothing: the library goes on by itself. */
    WAIT("wait", "nothing is to be done", false);

    private final String call;
    private final String text;
    private final boolean needsTheLedger;

    Decision(String call, String text, boolean needsTheLedger) {
        this.call = call;
        this.text = text;
        this.needsTheLedger = needsTheLedger;
    }

    /**
     * How the documentation names it.
     *
     * @return Markdown
     */
    public String call() {
        return call;
    }

    /**
     * When it is right.
     *
     * @return a clause for a person, behind "when"
     */
    public String text() {
        return text;
    }

    /**
     * Whether a person must look into the provider's own ledger before: the library believes this decision.
     *
     * @return false if the decision can do no harm, even if the invoice was charged
     */
    public boolean needsTheLedger() {
        return needsTheLedger;
    }
}
