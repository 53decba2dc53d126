package io.github.invoicelock.console.pages;

import io.github.invoicelock.Reconciliation;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The provider's list beside the journal.
 *
 * @param frame around it
 * @param from first moment of the period, as it was typed
 * @param until its end, as it was typed
 * @param charges the list, as it was given
 * @param kinds what is found, after what was written back; empty where nothing was compared
 * @param written what was written back; null where nothing was
 */
public record ReconcilePage(
        Frame frame,
        String from,
        String until,
        String charges,
        List<Kind> kinds,
        @Nullable Written written) {
    /**
     * What was written back.
     *
     * @param charges how many charges the journal has now that it did not have
     * @param unmarked how many of their invoices could not be marked
     * @param held how many charges could not be recorded, because another session holds their attempt
     * @param failures why, the first of them
     * @param cutOff what ended it before its time; null if nothing did
     */
    public record Written(
            long charges,
            long unmarked,
            long held,
            List<String> failures,
            @Nullable String cutOff) {
        /** In a sentence or two. */
        public String sentence() {
            if (cutOff != null) {
                return "Writing back was cut off: " + cutOff
                        + " What was recorded before it stays. What is listed below is what is left: write it back again.";
            }
            return Words.of(charges, "charge was", "charges were") + " written back"
                    + (unmarked == 0
                            ? "."
                            : "; " + Words.of(unmarked, "invoice", "invoices")
                                    + " could not be marked and will be tried again.")
                    + (held == 0
                            ? ""
                            : " " + Words.of(held, "charge was", "charges were")
                                    + " not, because another session holds the attempt: write back again.");
        }
    }

    /**
     * One kind of finding.
     *
     * @param kind which
     * @param count how many
     * @param first the first of them
     */
    public record Kind(Reconciliation.Kind kind, long count, List<Reconciliation.Finding> first) {
        /** What it means. */
        public String text() {
            return switch (kind) {
                case MATCHED -> "Recorded as charged";
                case NOT_RECORDED -> "Charged, and not recorded: write it back, or it may be charged again";
                case NOT_CHARGED -> "Recorded, and not in the provider's list: look at it";
                case CHARGED_TWICE -> "One charge too many: refund this reference";
                case OTHER_AMOUNT -> "Charged with another amount";
                case OTHER_REFERENCE -> "Recorded with another reference: look before you refund";
                case UNKNOWN_KEY -> "Of no invoice of this journal";
                case OF_ANOTHER_BILLER -> "Of another biller: compare it there";
            };
        }
    }

    /** Whether there is something to write back. */
    public boolean canBeWrittenBack() {
        return kinds.stream().anyMatch(each -> each.kind() == Reconciliation.Kind.NOT_RECORDED && each.count() > 0);
    }
}
