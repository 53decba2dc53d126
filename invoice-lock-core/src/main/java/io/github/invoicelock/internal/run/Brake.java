package io.github.invoicelock.internal.run;

import io.github.invoicelock.BillingOutcome.NotBilled;
import io.github.invoicelock.BillingOutcome.Unknown;
import io.github.invoicelock.internal.database.Database;
import io.github.invoicelock.internal.database.Request;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.journal.SharedLimits;
import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Judgement;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The brake for all servers: what one server learns of a provider that fails, or asks to be left alone, holds the others back, too (R11).
 * While it is on, one call is tried at a time. If that is a charge that succeeds the brake is off; if it fails, the runs that waited for it
 * end; a {@code find} that answers leaves it as it is.
 */
public final class Brake {
    /** After so many failures in a row. Each call that is tried, and fails, puts it on anew. */
    private static final Duration AFTER_FAILURES = Duration.ofMinutes(10);

    private static final Duration LONGEST = Duration.ofHours(1);
    /** So long it is waited for that the provider may be called again; for a longer time one call is tried. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final Duration LOOK = Duration.ofMillis(200);

    private final BillerSettings settings;
    private final Database database;
    private final SharedLimits limits;
    private final Notices notices;
    /** One step of this server looks at a time; the others learn from what it found. */
    private final ReentrantLock looking = new ReentrantLock();

    public Brake(BillerSettings settings, Tables tables, Notices notices) {
        this.settings = settings;
        this.database = tables.database();
        this.limits = tables.journal().limits();
        this.notices = notices;
    }

    /** How a step that was held back goes on. */
    public enum Pass {
        /** The brake is off. */
        FREE,
        /** It is on, and this is the one call that is tried. */
        TRIAL,
        /** It is on, and the run has ended. */
        STOPPED
    }

    /** A claim, as a trial or not. */
    @FunctionalInterface
    public interface Claiming<T> {
        T claim(boolean trial);
    }

    /**
     * Claims; where the brake is on, waits until it is off, or this is the call that is tried, or the run has ended.
     *
     * @param braked whether the brake kept it from claiming
     * @param mine whether there is something to call
     */
    public <T> T past(RunInProgress run, Claiming<T> claiming, Predicate<T> braked, Predicate<T> mine) {
        T result = claiming.claim(false);
        while (braked.test(result)) {
            Pass pass = await(run);
            if (pass == Pass.STOPPED) {
                return result;
            }
            boolean trial = pass == Pass.TRIAL;
            boolean called = false;
            try {
                result = claiming.claim(trial);
                called = mine.test(result);
            } finally {
                if (trial && !called) {
                    leaveTrial();
                }
            }
        }
        return result;
    }

    /** Waits until the brake is off, or this server may try a call, or the run has ended: with what another server's call came to, too. */
    public Pass await(RunInProgress run) {
        Instant putOn = null;
        try {
            while (!run.stopped()) {
                if (looking.tryLock(LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
                    try {
                        SharedLimits.Seen seen = database.atOnce(limits.look());
                        if (seen.off()) {
                            return Pass.FREE;
                        }
                        if (putOn == null) {
                            putOn = seen.putOn();
                        }
                        if (tries(seen, putOn, run)) {
                            return Pass.TRIAL;
                        }
                    } finally {
                        looking.unlock();
                    }
                }
                settings.time().sleep(LOOK.toNanos());
            }
        } catch (InterruptedException e) {
            run.interrupted();
        }
        return Pass.STOPPED;
    }

    /** Takes the call that may be tried; the run ends where one that another server tried has failed since it was held back. */
    private boolean tries(SharedLimits.Seen before, @Nullable Instant putOn, RunInProgress run) {
        boolean waits = before.left().compareTo(PATIENCE) <= 0;
        boolean failed = !Objects.equals(putOn, before.putOn());
        if (!failed && !waits && !run.stopped()) {
            SharedLimits.Seen seen = SharedLimits.ask(
                            database, limits.tryOne(settings.leases().longest()))
                    .orElse(before);
            failed = !seen.off() && !Objects.equals(putOn, seen.putOn());
            if (seen.mine() && !failed) {
                return true;
            }
            if (seen.mine()) {
                leaveTrial();
            }
        }
        if (failed && !waits) {
            run.braked();
        }
        return false;
    }

    /** What an answer tells of the provider. */
    public void heard(Answer answer, boolean trial, RunInProgress run) {
        if (trial && answer.failed()) {
            run.braked();
            putOn(longer(retryAfter(answer), AFTER_FAILURES), describe(answer));
        } else if (trial && answer.sent()) {
            if (written(limits.takeOff(), "the brake could not be taken off; it ends by itself")) {
                notices.brakeOff();
            }
        } else if (trial) {
            // What was only asked, or not called at all, says nothing of charges: the next call is tried.
            leaveTrial();
        } else if (run.tellsFailing()) {
            putOn(
                    longer(retryAfter(answer), AFTER_FAILURES),
                    settings.stopAfterFailures() + " calls failed one after the other: " + describe(answer));
        } else {
            Duration left = retryAfter(answer);
            if (left != null && !left.isZero()) {
                putOn(left, describe(answer));
            }
        }
    }

    private void putOn(Duration atLeast, String why) {
        Duration bounded = atLeast.compareTo(LONGEST) > 0 ? LONGEST : atLeast;
        if (written(limits.putOn(bounded, why), "the brake could not be put on; other servers are not held back")) {
            notices.brakeOn(bounded);
        }
    }

    /** The call that was to be tried was not made. */
    public void leaveTrial() {
        written(
                limits.leaveTrial(),
                "a call that was not tried could not be left to others; it is when its lease ends");
    }

    /** No money depends on the brake: where another session holds its row the run goes on, and tells it. */
    private boolean written(Request<Boolean> change, String orElse) {
        boolean written = SharedLimits.ask(database, change).isPresent();
        if (!written) {
            notices.rowHeld(orElse);
        }
        return written;
    }

    private static @Nullable Duration retryAfter(Answer answer) {
        Duration after = answer.source() == Answer.Source.BILL && answer.outcome() instanceof NotBilled notBilled
                ? notBilled.retryAfter()
                : null;
        return after != null && after.compareTo(Judgement.LONGEST_DELAY) <= 0 ? after : null;
    }

    private static String describe(Answer answer) {
        return switch (answer.outcome().kind()) {
            case NOT_BILLED -> ((NotBilled) answer.outcome()).reason();
            case UNKNOWN -> ((Unknown) answer.outcome()).reason();
            case BILLED, ACCEPTED, DECLINED -> "";
        };
    }

    private static Duration longer(@Nullable Duration one, Duration other) {
        return one != null && one.compareTo(other) > 0 ? one : other;
    }
}
