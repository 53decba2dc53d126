package io.github.invoicelock.console.pages;

import io.github.invoicelock.BillingAttempt;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Attempts in a table.
 *
 * @param frame around it
 * @param rows of this page
 * @param next link to the next page; null if there is none
 * @param typed what was asked for, by the name of the field
 * @param csv link to all of them; null if there is none
 */
public record ListPage(
        Frame frame,
        List<BillingAttempt> rows,
        @Nullable String next,
        List<String> typed,
        @Nullable String csv) {
    /** A field as it was typed; empty if it was not. */
    public String typed(int field) {
        return field < typed.size() ? typed.get(field) : "";
    }
}
