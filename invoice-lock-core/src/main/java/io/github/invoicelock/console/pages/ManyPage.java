package io.github.invoicelock.console.pages;

import io.github.invoicelock.BulkResult;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One word on many.
 *
 * @param frame around it
 * @param filter on which
 * @param word what is said
 * @param incident the name under which it is said
 * @param code of the refusal, where that is said
 * @param dryRun what it would come to; null where it was not tried
 * @param batch what a batch came to; null where none was done
 */
public record ManyPage(
        Frame frame,
        WaitingPage.Filter filter,
        String word,
        String incident,
        String code,
        @Nullable BulkResult dryRun,
        @Nullable Batch batch) {
    /**
     * Some of them.
     *
     * @param decided on how many
     * @param refusals how many were refused, by why
     * @param invoices the first of them, each with what it came to
     * @param before how many were decided on by the batches before it
     * @param next where the next batch begins; null where none is left
     */
    public record Batch(
            long decided,
            Map<String, Long> refusals,
            List<Frame.Field> invoices,
            long before,
            @Nullable String next) {}
}
