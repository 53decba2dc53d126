package io.github.invoicelock.console.pages;

import io.github.invoicelock.BillingActivity;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.WaitingGroup;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How things stand.
 *
 * @param frame around it
 * @param billers each of them
 * @param silent why a biller could not be asked, by its name
 */
public record NowPage(Frame frame, List<Biller> billers, Map<String, String> silent) {
    /**
     * One biller.
     *
     * @param frame the same, about this one
     * @param name its name
     * @param status how it stands
     * @param activity what it did lately
     * @param wrong what is wrong, a sentence each
     * @param quiet that nobody bills although invoices are pending, in a sentence; null if that is not so
     * @param seenPause which pause the form that resumes was made on; empty if it is not paused
     * @param groups the largest of those that wait for a person
     */
    public record Biller(
            Frame frame,
            String name,
            JournalStatus status,
            BillingActivity activity,
            List<String> wrong,
            @Nullable String quiet,
            String seenPause,
            List<WaitingGroup> groups) {
        /** Whether there is nothing to look at. */
        public boolean inOrder() {
            return wrong.isEmpty() && quiet == null && status.parked() == 0;
        }

        /** The list of a group. */
        public String only(WaitingGroup group) {
            return WaitingPage.only(frame, group);
        }

        /** The most charges of a minute, at least one. */
        public long most() {
            return activity.minutes().stream().mapToLong(BillingActivity.Minute::charges).max().stream()
                    .map(most -> Math.max(1, most))
                    .findFirst()
                    .orElse(1);
        }

        /** How high a minute's bar is, of forty. */
        public int height(BillingActivity.Minute minute) {
            return minute.charges() == 0 ? 0 : (int) Math.max(1, minute.charges() * 40 / most());
        }
    }
}
