package io.github.invoicelock.console.pages;

import io.github.invoicelock.Advice;
import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.Decision;
import java.text.NumberFormat;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The console's words for what the library names. */
public final class Words {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'", Locale.ROOT)
            .withZone(ZoneOffset.UTC);

    private Words() {}

    /** Why an attempt waits. */
    public static String cause(@Nullable AttemptCause cause) {
        if (cause == null) {
            return "Never due";
        }
        return switch (cause) {
            case REFUSED -> "Refused by the provider";
            case TRIES_USED_UP -> "Tries used up";
            case MAY_NOT_BE_REPEATED -> "Outcome unknown, may not be repeated";
            case MEMORY_OVER -> "Outcome unknown, key too old to repeat";
            case CANNOT_BE_ASKED -> "Accepted, and nothing heard since";
            case SNAPSHOT_DOES_NOT_FIT -> "Snapshot does not fit the table";
            case OWN_DATA_FAILS -> "Set aside: its own data fails";
            case PENDING_THOUGH_BILLED -> "Charged, yet pending again";
            case TAKEN_BACK_AND_PENDING -> "Taken back, and pending again";
            case SECOND_CHARGE -> "Charged twice: refund one";
        };
    }

    /** What that means, for somebody who sees it for the first time. */
    public static String explained(@Nullable AttemptCause cause) {
        if (cause == null) {
            return "Its row in the journal has no time to be looked at next. The library did not write it like that.";
        }
        return switch (cause) {
            case REFUSED ->
                "The provider refused this charge, and nothing was charged under this key. Released, it is tried anew under another one.";
            case TRIES_USED_UP ->
                "It was tried as often as the retry policy allows. The last message says what came of it. Where the provider gives this key the same error each time and shows no charge, close it and then release it: that takes a new key.";
            case MAY_NOT_BE_REPEATED ->
                "Nobody knows whether it was charged, and sending it again could charge twice. Look it up at the provider.";
            case MEMORY_OVER ->
                "Nobody knows whether it was charged, and the provider may have forgotten the key. Look it up at the provider.";
            case CANNOT_BE_ASKED -> "The provider took the order and has not told what became of it. Look it up there.";
            case SNAPSHOT_DOES_NOT_FIT ->
                "The invoices table was changed since this was claimed, so the request cannot be made again as it was.";
            case OWN_DATA_FAILS ->
                "An expression, a trigger, a constraint or the hook fails for this invoice alone. The message says which.";
            case PENDING_THOUGH_BILLED -> "The invoice was charged, and somebody has set it back to pending.";
            case TAKEN_BACK_AND_PENDING -> "The invoice was taken back before it was charged, and is pending again.";
            case SECOND_CHARGE -> "The provider tells of two charges for this invoice. One of them is to be refunded.";
        };
    }

    /** Where an attempt stands. */
    public static String state(AttemptState state) {
        return switch (state) {
            case STARTED -> "being called";
            case ACCEPTED -> "accepted";
            case IN_DOUBT -> "in doubt";
            case NOT_BILLED -> "not charged";
            case DECLINED -> "refused";
            case BILLED -> "charged";
            case WITHDRAWN -> "taken back";
        };
    }

    /** Which colour a state has. */
    public static String tone(BillingAttempt attempt) {
        return attempt.parked() ? "needs" : attempt.state() == AttemptState.BILLED ? "good" : "calm";
    }

    /** Where an attempt stands, in a sentence. */
    public static String standing(BillingAttempt attempt) {
        if (attempt.parked()) {
            return cause(attempt.cause());
        }
        return switch (attempt.state()) {
            case STARTED -> "Claimed: a server calls the provider, or will be taken over.";
            case ACCEPTED -> "Accepted by the provider, which tells the outcome later.";
            case IN_DOUBT -> "In doubt. The library finds out by itself.";
            case NOT_BILLED -> "Not charged yet. The library tries again by itself.";
            case DECLINED ->
                attempt.dueAt() == null ? "Refused, and closed." : "Refused. The library goes on by itself.";
            case BILLED -> attempt.dueAt() == null ? "Charged." : "Charged. Its row is still to be marked.";
            case WITHDRAWN -> "Taken back.";
        };
    }

    /** What a decision is called. */
    public static String title(Decision decision) {
        return switch (decision) {
            case RETRY -> "Release it";
            case ASK -> "Ask the provider";
            case RESOLVE_BILLED -> "It was charged";
            case RESOLVE_DECLINED -> "Nothing was charged, close it";
            case RESOLVE_ACCEPTED -> "It is still being processed";
            case RESOLVE_NOT_BILLED -> "It was not charged, send it again";
            case MEND -> "Mend the invoice";
            case WAIT -> "Nothing to decide";
        };
    }

    /** What a decision leads to, in sentences. */
    public static String effect(Advice.Effect effect) {
        return switch (effect) {
            case SENDS_THE_SAME_KEY -> "The next run sends it under the same key, if the invoice is still pending.";
            case SENDS_A_NEW_KEY -> "The next run sends it under a new key, if the invoice is still pending.";
            case ASKS_THEN_SENDS ->
                "The next run asks the provider first. It sends the same key only where that cannot charge a second time, and if the invoice is still pending.";
            case ASKS -> "The next run asks the provider. Nothing is sent.";
            case ASKS_LATER ->
                "The provider is asked after the time that you name. Where it cannot be asked, this waits for a person again.";
            case SHOWS -> "What the provider says is shown, and kept in the history. Nothing is sent.";
            case TRIES_AGAIN ->
                "The next run reads the invoice again. If that works the invoice is sent, else it stays aside.";
            case MARKS -> "The invoice’s row is marked, as the journal has it.";
            case CHARGED ->
                "The journal says charged. The invoice’s row is marked, and the application’s hook is called.";
            case CLOSES -> "It is closed: nobody has to look at it any more.";
            case PARKS_AGAIN -> "It waits for a person again.";
            case NOTHING -> "Nothing changes.";
        };
    }

    /** A time for people without a script. */
    public static String time(Instant at) {
        return TIME.format(at);
    }

    /** An age in one or two words. */
    public static String age(@Nullable Duration age) {
        if (age == null) {
            return "–";
        }
        long seconds = Math.max(0, age.toSeconds());
        if (seconds < 60) {
            return seconds + " s";
        }
        if (seconds < 3_600) {
            return seconds / 60 + " min";
        }
        if (seconds < 172_800) {
            long minutes = seconds / 60 % 60;
            return seconds / 3_600 + " h" + (minutes == 0 ? "" : " " + minutes + " min");
        }
        return seconds / 86_400 + " days";
    }

    /** A count, with its thousands apart. */
    public static String count(long number) {
        return NumberFormat.getIntegerInstance(Locale.ENGLISH).format(number);
    }

    /** A count of at most 10,000. */
    public static String bounded(long number) {
        return count(number) + (number >= 10_000 ? " or more" : "");
    }

    /** One or many. */
    public static String of(long number, String one, String many) {
        return count(number) + " " + (number == 1 ? one : many);
    }
}
