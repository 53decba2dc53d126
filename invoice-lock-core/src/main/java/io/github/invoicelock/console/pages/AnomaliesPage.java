package io.github.invoicelock.console.pages;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.BillingAttempt;
import java.util.List;

/**
 * What should not be.
 *
 * @param frame around it
 * @param kinds each with the newest of its kind
 */
public record AnomaliesPage(Frame frame, List<Kind> kinds) {
    /**
     * One kind.
     *
     * @param cause which
     * @param rows the newest, at most a page
     * @param more whether there are more
     */
    public record Kind(AttemptCause cause, List<BillingAttempt> rows, boolean more) {}
}
