package io.github.invoicelock.console.pages;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The one word after which a key is sent again because a person said so.
 *
 * @param frame around it
 * @param id the invoice's
 * @param attempt what it is said of
 * @param open whether it can be said now
 * @param until until when a request may be under way; null if none can be
 * @param canBeAsked whether the provider can be asked
 * @param answer what the provider said last; null if it was not asked
 * @param proposal who has said it first, where a second person is asked for; null if nobody has, or one is enough
 * @param second whether a second person is asked for
 */
public record NotBilledPage(
        Frame frame,
        String id,
        InvoicePage.Attempt attempt,
        boolean open,
        @Nullable Instant until,
        boolean canBeAsked,
        InvoicePage.@Nullable Line answer,
        InvoicePage.@Nullable Line proposal,
        boolean second) {}
