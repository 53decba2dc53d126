package io.github.invoicelock.console.pages;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Something that is told instead of the page that was asked for.
 *
 * @param frame around it
 * @param lines what
 * @param story what happened meanwhile
 * @param back where to go on; null: to the first page
 * @param backText what that link says
 */
public record SaidPage(
        Frame frame,
        List<String> lines,
        List<InvoicePage.Line> story,
        @Nullable String back,
        String backText) {}
