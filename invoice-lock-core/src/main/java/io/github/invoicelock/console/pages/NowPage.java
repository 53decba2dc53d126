package io.github.invoicelock.console.pages;

import io.github.invoicelock.BillingActivity;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.WaitingGroup;
import java.util.List;

/**
 * How things stand.
 *
 * @param frame around it
 * @param billers each of them
 */
public record NowPage(Frame frame, List<Biller> billers) {
    /**
     * One biller.
     *
     * @param frame the same, about this one
     * @param name its name
     * @param status how it stands
     * @param activity what it did lately
     * @param wrong what is wrong, a sentence each
     * @param groups the largest of those that wait for a person
     */
    public record Biller(
            Frame frame,
            String name,
            JournalStatus status,
            BillingActivity activity,
            List<String> wrong,
            List<WaitingGroup> groups) {
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
