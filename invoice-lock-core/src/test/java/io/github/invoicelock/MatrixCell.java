package io.github.invoicelock;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One cell of the state × operation matrix: where an invoice stands, how its surroundings are, and what is done to it. */
record MatrixCell(Older older, Standing standing, Operation operation, Time time, boolean pending, boolean held) {

    /** Prime to the number of all surroundings, so that those that are chosen lie apart. */
    private static final int STEP_BACK = 29;

    /** What the provider answers to the first call of an attempt. */
    enum Answer {
        CHARGES,
        /** Its server is dead: it never comes back, and nothing was charged. */
        HANGS,
        /** The same, after the charge. */
        HANGS_CHARGED,
        /** The call is cut off; the charge comes when the call is let go. */
        CUT_OFF,
        UNKNOWN,
        UNKNOWN_CHARGED,
        /** Unknown, and the policy does not try it again. */
        UNKNOWN_FOR_A_PERSON,
        BUSY,
        /** Not billed, and the policy does not try it again. */
        BUSY_FOR_A_PERSON,
        ACCEPTS,
        REFUSES,
        /** Refuses, and the policy tries a new key soon. */
        REFUSES_AT_FIRST;

        boolean hangs() {
            return this == HANGS || this == HANGS_CHARGED;
        }
    }

    /** What people, the provider's webhook and the host say and do. */
    enum Word {
        REPORT_BILLED,
        REPORT_ACCEPTED,
        REPORT_DECLINED,
        /** Declined, and the policy tries a new key soon. */
        REPORT_DECLINED_AT_FIRST,
        REPORT_NOT_BILLED,
        REPORT_UNKNOWN,
        RESOLVE_BILLED,
        RESOLVE_ACCEPTED,
        RESOLVE_DECLINED,
        RESOLVE_NOT_BILLED,
        RESOLVE_UNKNOWN,
        RETRY,
        WITHDRAW;

        boolean reports() {
            return name().startsWith("REPORT");
        }
    }

    /** The attempt before the newest one. */
    enum Older {
        NONE,
        DECLINED,
        /** Declined, then reported as billed, and marked. */
        BILLED,
        /** Declined, then reported as billed while the host held the row. */
        BILLED_UNMARKED
    }

    /** How the newest attempt came to where it is. */
    enum Standing {
        FRESH("", null),
        STARTED("STARTED", Answer.HANGS),
        STARTED_CHARGED("STARTED", Answer.HANGS_CHARGED),
        CUT_OFF("IN_DOUBT", Answer.CUT_OFF),
        CUT_OFF_NOT_BILLED("NOT_BILLED", Answer.CUT_OFF, Word.REPORT_NOT_BILLED),
        CUT_OFF_ACCEPTED("ACCEPTED", Answer.CUT_OFF, Word.REPORT_ACCEPTED),
        CUT_OFF_DECLINED("DECLINED", Answer.CUT_OFF, Word.REPORT_DECLINED),
        CUT_OFF_DECLINED_AT_FIRST("DECLINED", Answer.CUT_OFF, Word.REPORT_DECLINED_AT_FIRST),
        CUT_OFF_DECLINED_BY_WORD("DECLINED", Answer.CUT_OFF, Word.RESOLVE_DECLINED),
        CUT_OFF_DECLINED_RETRIED("DECLINED", Answer.CUT_OFF, Word.REPORT_DECLINED, Word.RETRY),
        CUT_OFF_BILLED("BILLED", Answer.CUT_OFF, Word.REPORT_BILLED),
        CUT_OFF_BILLED_UNMARKED("BILLED", Answer.CUT_OFF, Word.REPORT_BILLED),
        CUT_OFF_WITHDRAWN("WITHDRAWN", Answer.CUT_OFF, Word.RESOLVE_NOT_BILLED, Word.WITHDRAW),
        IN_DOUBT("IN_DOUBT", Answer.UNKNOWN),
        IN_DOUBT_CHARGED("IN_DOUBT", Answer.UNKNOWN_CHARGED),
        IN_DOUBT_PARKED("IN_DOUBT", Answer.UNKNOWN_FOR_A_PERSON),
        NOT_BILLED("NOT_BILLED", Answer.BUSY),
        NOT_BILLED_PARKED("NOT_BILLED", Answer.BUSY_FOR_A_PERSON),
        NOT_BILLED_BY_WORD("NOT_BILLED", Answer.UNKNOWN, Word.RESOLVE_NOT_BILLED),
        ACCEPTED("ACCEPTED", Answer.ACCEPTS),
        ACCEPTED_BY_WORD("ACCEPTED", Answer.UNKNOWN, Word.RESOLVE_ACCEPTED),
        DECLINED("DECLINED", Answer.REFUSES),
        DECLINED_TO_BE_TRIED_AGAIN("DECLINED", Answer.REFUSES_AT_FIRST),
        DECLINED_BY_WORD("DECLINED", Answer.REFUSES, Word.RESOLVE_DECLINED),
        DECLINED_AFTER_ACCEPTED("DECLINED", Answer.ACCEPTS, Word.REPORT_DECLINED),
        DECLINED_AFTER_ACCEPTED_BY_WORD("DECLINED", Answer.UNKNOWN, Word.RESOLVE_ACCEPTED, Word.REPORT_DECLINED),
        DECLINED_AFTER_NOT_BILLED_BY_WORD("DECLINED", Answer.UNKNOWN, Word.RESOLVE_NOT_BILLED, Word.REPORT_DECLINED),
        DECLINED_RETRIED("DECLINED", Answer.REFUSES, Word.RETRY),
        DECLINED_WITHDRAWN("DECLINED", Answer.REFUSES, Word.WITHDRAW),
        ACCEPTED_AFTER_DECLINED("ACCEPTED", Answer.REFUSES, Word.RESOLVE_ACCEPTED),
        WITHDRAWN("WITHDRAWN", null, Word.WITHDRAW),
        WITHDRAWN_AFTER_NOT_BILLED("WITHDRAWN", Answer.BUSY, Word.WITHDRAW),
        WITHDRAWN_RETRIED("NOT_BILLED", Answer.BUSY, Word.WITHDRAW, Word.RETRY),
        BILLED("BILLED", Answer.CHARGES),
        BILLED_UNMARKED("BILLED", Answer.UNKNOWN, Word.REPORT_BILLED);

        /** Of the newest attempt; empty: there is none. */
        final String state;

        final @Nullable Answer first;

        @SuppressWarnings("ImmutableEnumChecker") // List.of is
        final List<Word> words;

        Standing(String state, @Nullable Answer first, Word... words) {
            this.state = state;
            this.first = first;
            this.words = List.of(words);
        }

        /** Whether the host holds the row while the last word is said, so that the mark waits. */
        boolean unmarked() {
            return this == BILLED_UNMARKED || this == CUT_OFF_BILLED_UNMARKED;
        }

        boolean hasCallUnderWay() {
            return first == Answer.HANGS || first == Answer.CUT_OFF;
        }
    }

    /** What is done to it. */
    enum Operation {
        BILL_PENDING(null),
        RECOVER(null),
        BILL(null),
        RETRY(Word.RETRY),
        RESOLVE_BILLED(Word.RESOLVE_BILLED),
        RESOLVE_ACCEPTED(Word.RESOLVE_ACCEPTED),
        RESOLVE_DECLINED(Word.RESOLVE_DECLINED),
        RESOLVE_NOT_BILLED(Word.RESOLVE_NOT_BILLED),
        RESOLVE_UNKNOWN(Word.RESOLVE_UNKNOWN),
        REPORT_BILLED(Word.REPORT_BILLED),
        REPORT_ACCEPTED(Word.REPORT_ACCEPTED),
        REPORT_DECLINED(Word.REPORT_DECLINED),
        REPORT_NOT_BILLED(Word.REPORT_NOT_BILLED),
        REPORT_UNKNOWN(Word.REPORT_UNKNOWN),
        REPORT_BILLED_ON_OLDER(Word.REPORT_BILLED),
        REPORT_ACCEPTED_ON_OLDER(Word.REPORT_ACCEPTED),
        REPORT_DECLINED_ON_OLDER(Word.REPORT_DECLINED),
        REPORT_NOT_BILLED_ON_OLDER(Word.REPORT_NOT_BILLED),
        REPORT_UNKNOWN_ON_OLDER(Word.REPORT_UNKNOWN),
        WITHDRAW(Word.WITHDRAW),
        /** The call of the newest attempt, cut off or of a server that was taken for dead, answers: billed. */
        LATE_ANSWER(null),
        /** The same of the older attempt's call. */
        LATE_ANSWER_ON_OLDER(null),
        PRUNE(null);

        final @Nullable Word word;

        Operation(@Nullable Word word) {
            this.word = word;
        }

        boolean onOlder() {
            return name().endsWith("ON_OLDER");
        }

        /** Whether it is done to all invoices at once. */
        boolean isForAll() {
            return this == BILL_PENDING || this == RECOVER || this == PRUNE;
        }
    }

    /** How long ago all of that was. */
    enum Time {
        JUST_NOW,
        /** Leases are over, and what was to be tried again is due. */
        HOURS_AGO,
        /** The provider has forgotten its keys. */
        DAYS_AGO
    }

    /** Every cell that can be reached. */
    static List<MatrixCell> all() {
        List<MatrixCell> all = new ArrayList<>();
        for (Older older : Older.values()) {
            for (Standing standing : Standing.values()) {
                for (Operation operation : Operation.values()) {
                    if (reachable(older, standing, operation)) {
                        surroundings(older, standing, operation, all);
                    }
                }
            }
        }
        return all;
    }

    private static void surroundings(Older older, Standing standing, Operation operation, List<MatrixCell> all) {
        for (Time time : Time.values()) {
            for (boolean pending : new boolean[] {true, false}) {
                for (boolean held : new boolean[] {false, true}) {
                    all.add(new MatrixCell(older, standing, operation, time, pending, held));
                }
            }
        }
    }

    private static boolean reachable(Older older, Standing standing, Operation operation) {
        if (older != Older.NONE && standing.first == null) {
            // A second attempt is called when it is made.
            return false;
        }
        if (standing.first == null && operation.word != null && operation.word.reports()) {
            // Nobody knows a key that was never sent.
            return false;
        }
        if (operation.onOlder() && older == Older.NONE) {
            return false;
        }
        return operation != Operation.LATE_ANSWER || standing.hasCallUnderWay();
    }

    /**
     * Whether it is among those that are walked: of the surroundings, kinds of provider and scopes in which a state meets an operation,
     * so many, chosen by the seed.
     */
    @SuppressWarnings("EnumOrdinal") // a number for each of them is all that is wanted
    boolean isChosen(ProviderKind kind, LockScope scope, int seed, int times) {
        int surroundings = Time.values().length * 4;
        int all = surroundings * ProviderKind.values().length * LockScope.values().length;
        int which = time.ordinal() * 4 + (pending ? 2 : 0) + (held ? 1 : 0);
        which += surroundings * (kind.ordinal() + ProviderKind.values().length * scope.ordinal());
        int first = Math.floorMod((older + " " + standing + " " + operation + " " + seed).hashCode() * 31, all);
        return Math.floorMod((which - first) * STEP_BACK, all) < times;
    }

    String name() {
        return ("older " + older + ", newest " + standing + ", " + time + (pending ? ", pending" : ", not pending")
                        + (held ? ", row held" : "") + ": " + operation)
                .toLowerCase(Locale.ROOT)
                .replace('_', ' ');
    }
}
