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
 * @param trial what it would come to; null where it was not tried
 * @param batch what a batch came to; null where none was done
 */
public record ManyPage(
        Frame frame,
        WaitingPage.Filter filter,
        String word,
        String incident,
        String code,
        @Nullable Trial trial,
        @Nullable Batch batch) {
    /**
     * What it would come to.
     *
     * @param result counted over those that were tried
     * @param tried which of them would be taken, for the form that says it of them
     * @param more whether more of them wait than were tried
     */
    public record Trial(BulkResult result, String tried, boolean more) {
        /** Where the first batch begins. */
        public Next first() {
            return new Next(null, tried);
        }
    }

    /**
     * Some of them.
     *
     * @param decided how many are decided by now, with the batches before this one
     * @param refusals how many were refused, by why
     * @param invoices the first of them, each with what it came to
     * @param left what was not decided on
     * @param failure what ended it before its time; null if nothing did
     * @param next where the next batch begins; null where none is left
     */
    public record Batch(
            long decided,
            Map<String, Long> refusals,
            List<Frame.Field> invoices,
            Left left,
            @Nullable String failure,
            @Nullable Next next) {}

    /**
     * What was not decided on.
     *
     * @param notCounted how many wait that the trial did not count among those that would be taken
     * @param tried how many are left of those that it did
     * @param over whether all that wait were looked at: what is left then does not wait any more
     */
    public record Left(long notCounted, long tried, boolean over) {}

    /**
     * Where a batch begins.
     *
     * @param after the last row that was looked at; null: at the first
     * @param tried what is left of what the trial counted
     */
    public record Next(@Nullable String after, String tried) {}
}
