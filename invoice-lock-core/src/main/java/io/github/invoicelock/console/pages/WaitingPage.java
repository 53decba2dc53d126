package io.github.invoicelock.console.pages;

import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.WaitingGroup;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What waits for a person.
 *
 * @param frame around it
 * @param groups by what they have in common
 * @param filter which are listed
 * @param rows of this page
 * @param next link to the next page; null if there is none
 * @param csv link to all of them
 * @param many link to the page that decides on many of them
 */
public record WaitingPage(
        Frame frame,
        List<WaitingGroup> groups,
        Filter filter,
        List<BillingAttempt> rows,
        @Nullable String next,
        String csv,
        String many) {
    /**
     * As it was typed.
     *
     * @param cause an AttemptCause; empty: any
     * @param state an AttemptState; empty: any
     * @param from a day; empty: from the beginning
     * @param until the day behind the last; empty: until now
     */
    public record Filter(String cause, String state, String from, String until) {}

    /** The same list of another cause and state. */
    public String only(WaitingGroup group) {
        return only(frame, group);
    }

    static String only(Frame frame, WaitingGroup group) {
        return frame.link(
                "/waiting",
                "cause",
                group.cause() == null ? null : group.cause().name(),
                "state",
                group.state().name());
    }
}
