package io.github.invoicelock.internal.journal;

import io.github.invoicelock.AttemptEvent.What;
import org.jspecify.annotations.Nullable;

/**
 * Who changes an attempt: what its event tells besides the change itself.
 *
 * @param what happens
 * @param who a person, or the host; null for a server's own doing
 * @param note what that person noted; null if there is none
 * @param said what is told; null for the attempt's own message
 */
public record Act(
        What what,
        @Nullable String who,
        @Nullable String note,
        @Nullable String said) {
    public static final Act TAKEN_OVER = of(What.TAKEN_OVER);
    public static final Act SETTLED = of(What.SETTLED);
    public static final Act GIVEN_BACK = of(What.GIVEN_BACK);
    public static final Act SET_ASIDE = of(What.SET_ASIDE);
    public static final Act MARKED = of(What.MARKED);
    public static final Act LATE_ANSWER = of(What.LATE_ANSWER);
    public static final Act REPORTED = of(What.REPORTED);
    public static final Act REPLACED = of(What.REPLACED);
    public static final Act ANOMALY = of(What.ANOMALY);
    public static final Act MENDED = of(What.MENDED);
    public static final Act WITHDRAWN = of(What.WITHDRAWN);

    private static Act of(What what) {
        return new Act(what, null, null, null);
    }

    /** A person's word. */
    public static Act by(String who, What what, String note) {
        return new Act(what, who, note, null);
    }

    /** The host takes its invoice back. */
    public static Act byTheHost(@Nullable String note) {
        return new Act(What.WITHDRAWN, "the host", note, null);
    }

    /** The same, where something else is told than the attempt's own message. */
    public Act saying(@Nullable String told) {
        return told == null ? this : new Act(what, who, note, told);
    }

    /** Whether the attempt itself says who decided, and what they noted. */
    boolean decides() {
        return note != null && (what == What.RESOLVED || what == What.WITHDRAWN);
    }
}
