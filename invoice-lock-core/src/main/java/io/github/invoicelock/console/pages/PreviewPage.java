package io.github.invoicelock.console.pages;

import io.github.invoicelock.BillingPreview;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run would do.
 *
 * @param frame around it
 * @param most how many invoices at most
 * @param sums of which columns
 * @param preview what it would do; null where it was not asked for
 */
public record PreviewPage(
        Frame frame, int most, List<String> sums, @Nullable BillingPreview preview) {}
