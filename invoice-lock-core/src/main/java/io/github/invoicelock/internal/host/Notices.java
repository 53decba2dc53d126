package io.github.invoicelock.internal.host;

import io.github.invoicelock.AttemptEvent;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingPause;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.JournalStatus;
import io.github.invoicelock.RunKind;
import io.github.invoicelock.StopReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jooq.Record;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventAware;
import org.slf4j.spi.LoggingEventBuilder;

/** Tells the host's listeners and the log what happened, after it was committed. What goes wrong there has no other effect (R20). */
public final class Notices {
    private static final Logger LOG = LoggerFactory.getLogger("io.github.invoicelock");
    /** Other loggers would write the pairs in front of a message that says them already. */
    private static final boolean KEEPS_PAIRS = LOG instanceof LoggingEventAware;
    /** Enough to find the line in the gateway. */
    private static final int FRAMES = 15;
    /** Enough of what others wrote to know it by: an exception's message may be a whole page of the provider's. */
    private static final int MOST_OF_A_LINE = 1_000;
    /** What is shorter is in many a sentence by chance. */
    private static final int SHORTEST_QUOTE = 4;

    private final String biller;
    private final List<BillingListener> listeners;
    private final HostCode hostCode;
    /** Those that have not returned from what they were told are told nothing more until they do. */
    private final Set<BillingListener> stuck =
            Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));

    private @Nullable BillingPause pause;
    private boolean unattended;

    public Notices(String biller, List<BillingListener> listeners, HostCode hostCode) {
        this.biller = biller;
        this.listeners = listeners;
        this.hostCode = hostCode;
    }

    /** Collects what is told at once: one visit to the host's code for all of it. */
    public Batch batch() {
        return new Batch();
    }

    /** What is told at once. Not thread-safe. */
    public final class Batch {
        private final List<Consumer<BillingListener>> events = new ArrayList<>();

        public Batch claimed(BillingAttempt attempt) {
            about(attempt, LOG.atDebug())
                    .log("biller={} invoice={} claimed attempt={}", biller, attempt.invoiceId(), attempt.number());
            return add(l -> l.claimed(attempt));
        }

        public Batch takenOver(BillingAttempt attempt) {
            about(attempt, LOG.atDebug())
                    .log(
                            "biller={} invoice={} taken over attempt={} fence={}",
                            biller,
                            attempt.invoiceId(),
                            attempt.number(),
                            attempt.fence());
            return add(l -> l.takenOver(attempt));
        }

        public Batch contended(String invoiceId) {
            about(invoiceId, LOG.atDebug()).log("biller={} invoice={} contended", biller, invoiceId);
            return add(l -> l.contended(invoiceId));
        }

        public Batch settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
            about(attempt, LOG.atDebug())
                    .log(
                            "biller={} invoice={} settled attempt={} state={} dueAt={}",
                            biller,
                            attempt.invoiceId(),
                            attempt.number(),
                            attempt.state(),
                            attempt.dueAt());
            return add(l -> l.settled(attempt, outcome, callTime));
        }

        /** An attempt that is left to a person, or was given up before anything was charged. */
        public Batch leftOrGivenUp(BillingAttempt attempt) {
            if (attempt.state() == AttemptState.WITHDRAWN) {
                about(attempt, LOG.atDebug())
                        .log(
                                "biller={} invoice={} withdrawn attempt={}",
                                biller,
                                attempt.invoiceId(),
                                attempt.number());
                add(l -> l.withdrawn(attempt));
            }
            return attempt.parked() ? parked(attempt) : this;
        }

        /** An attempt that is left to a person. */
        public Batch parked(BillingAttempt attempt) {
            // Without the message: that may quote the invoice.
            about(attempt, LOG.atWarn())
                    .log(
                            "biller={} invoice={} parked attempt={} state={}{} cause={}",
                            biller,
                            attempt.invoiceId(),
                            attempt.number(),
                            attempt.state(),
                            attempt.code() == null ? "" : " code=" + line(attempt.code()),
                            attempt.cause());
            return add(l -> l.parked(attempt));
        }

        public Batch anomaly(String invoiceId, String what) {
            about(invoiceId, LOG.atWarn()).log("biller={} invoice={} anomaly: {}", biller, invoiceId, line(what));
            return add(l -> l.anomaly(invoiceId, what));
        }

        public Batch claimTook(int invoices, long start) {
            Duration time = Duration.ofNanos(System.nanoTime() - start);
            return add(l -> l.claimTook(invoices, time));
        }

        public Batch settleTook(int invoices, long start) {
            Duration time = Duration.ofNanos(System.nanoTime() - start);
            return add(l -> l.settleTook(invoices, time));
        }

        public Batch ended(BillingRun run) {
            boolean nothingToSay = run.kind() == RunKind.RECOVER
                    && run.seen() == 0
                    && (run.stopReason() == StopReason.NONE_LEFT || run.stopReason() == StopReason.PAUSED);
            if (nothingToSay) {
                LOG.debug("biller={} {}", biller, run);
            } else {
                LOG.info("biller={} {}", biller, run);
            }
            return add(l -> l.runEnded(run));
        }

        private Batch add(Consumer<BillingListener> event) {
            if (!listeners.isEmpty()) {
                events.add(event);
            }
            return this;
        }

        public void tell() {
            if (!events.isEmpty()) {
                listeners.forEach(listener -> Notices.this.tell(listener, List.copyOf(events)));
                events.clear();
            }
        }
    }

    private void tell(BillingListener listener, List<Consumer<BillingListener>> events) {
        if (stuck.contains(listener)) {
            return;
        }
        AtomicBoolean begun = new AtomicBoolean();
        AtomicBoolean returned = new AtomicBoolean();
        AtomicInteger done = new AtomicInteger();
        try {
            hostCode.call(
                    "The BillingListener",
                    () -> {
                        begun.set(true);
                        for (Consumer<BillingListener> event : events) {
                            tell(listener, event);
                            done.incrementAndGet();
                        }
                        returned.set(true);
                        return stuck.remove(listener);
                    },
                    done::get);
        } catch (HostCode.Fault e) {
            if (begun.get()) {
                stuck.add(listener);
            }
            if (returned.get()) {
                stuck.remove(listener);
            }
            LOG.warn(
                    "biller={} {} It is told nothing more until it does; no money depends on it",
                    biller,
                    line(String.valueOf(e.getMessage())));
        }
    }

    private void tell(BillingListener listener, Consumer<BillingListener> event) {
        try {
            event.accept(listener);
        } catch (Throwable e) {
            LOG.warn("biller={} the BillingListener threw {}; no money depends on it", biller, line(e));
        }
    }

    public void built(String table, String settings) {
        LOG.info("biller={} bills table={} {}", biller, table, settings);
    }

    /** Says once when a pause begins, and once when it ends, however often this server sees it. */
    public synchronized void standing(@Nullable BillingPause now, @Nullable String resumedBy) {
        if (now != null && !now.equals(pause)) {
            LOG.warn(
                    "biller={} paused by {} at {}: {}. Nothing is claimed or sent until resume()",
                    biller,
                    line(now.by()),
                    now.since(),
                    line(now.why()));
        } else if (now == null && pause != null) {
            LOG.info("biller={} resumed by {}: claims go on", biller, line(String.valueOf(resumedBy)));
        }
        pause = now;
    }

    /** Says that all servers hold back; why, in the provider's words, is in the journal. */
    public void brakeOn(Duration atMost) {
        LOG.warn(
                "biller={} the brake is on for all servers, for up to {}: they try one call at a time. status() says why",
                biller,
                atMost);
    }

    /** Says that a call has succeeded. */
    public void brakeOff() {
        LOG.info("biller={} the brake is off: the call that was tried has succeeded", biller);
    }

    /** Says that what all servers share could not be changed. */
    public void rowHeld(String outcome) {
        LOG.warn(
                "biller={} another session holds the row of this biller, a pause that is not committed for example: {}; no money depends on it",
                biller,
                outcome);
    }

    /** Says that all servers would have waited for nothing. */
    public void cursorPutBack(Duration ahead, Duration furthest) {
        LOG.warn(
                "biller={} calls_until was {} ahead of the database's clock, and is put back to {}: was the clock set back, or fleetCallsPerSecond raised?",
                biller,
                ahead,
                furthest);
    }

    /** Says once that nobody continues what is due, however often that is seen. */
    public synchronized void attended(JournalStatus status) {
        if (status.unattended() && !unattended) {
            LOG.warn(
                    "biller={} {} attempts are due, the first for {}, and the last run of any server was {} ago. Call recover() every minute",
                    biller,
                    status.due(),
                    status.oldestDue(),
                    status.lastRun());
        }
        unattended = status.unattended();
    }

    static String line(Throwable e) {
        return line(HostCode.described(e));
    }

    /** What others wrote is one line, and no endless one: it must not look like a line of the log's own. */
    private static String line(String text) {
        boolean longer = text.length() > MOST_OF_A_LINE;
        return (longer ? text.substring(0, MOST_OF_A_LINE) + "…" : text)
                .replaceAll("[\\p{Cntrl}\\s]+", " ")
                .strip();
    }

    /** What a person decided. Their note stays in the journal: it may quote the invoice. */
    public void word(AttemptEvent.What what, String who, BillingAttempt attempt) {
        about(attempt, LOG.atInfo())
                .log(
                        "biller={} invoice={} word={} who={} attempt={} state={} dueAt={}",
                        biller,
                        attempt.invoiceId(),
                        what,
                        line(who),
                        attempt.number(),
                        attempt.state(),
                        attempt.dueAt());
    }

    /** A bug of the gateway's is not to be mistaken for a provider that is away. What quotes the invoice is not for the log. */
    public void gatewayThrew(String invoiceId, Record invoice, Throwable thrown) {
        String message = HostCode.described(thrown);
        about(invoiceId, LOG.atWarn())
                .log(
                        "biller={} invoice={} the BillingGateway threw {}, taken for an unknown outcome; told once for a run and kind; at {}",
                        biller,
                        invoiceId,
                        quotes(message, invoice) ? thrown.getClass().getName() : line(message),
                        HostCode.frames(thrown).stream()
                                .limit(FRAMES)
                                .map(StackTraceElement::toString)
                                .collect(Collectors.joining(" < ")));
    }

    private static boolean quotes(String message, Record invoice) {
        return Arrays.stream(invoice.intoArray())
                .map(String::valueOf)
                .anyMatch(value -> value.length() >= SHORTEST_QUOTE && message.contains(value));
    }

    public void notTold(String invoiceId, Throwable e) {
        about(invoiceId, LOG.atWarn())
                .log(
                        "biller={} invoice={} listeners were not told of it: {}; no money depends on it",
                        biller,
                        invoiceId,
                        line(e));
    }

    public void notCutOff(Throwable e) {
        LOG.warn("biller={} a call could not be cut off just now: {}", biller, line(e));
    }

    public void lateAnswerLost(String invoiceId, Throwable e) {
        about(invoiceId, LOG.atError().setCause(e))
                .log(
                        "biller={} invoice={} a late answer that it was charged could not be written; it is found out about under the same key",
                        biller,
                        invoiceId);
    }

    private LoggingEventBuilder about(BillingAttempt attempt, LoggingEventBuilder line) {
        return KEEPS_PAIRS
                ? about(attempt.invoiceId(), line)
                        .addKeyValue("attempt", attempt.number())
                        .addKeyValue("key", attempt.idempotencyKey())
                : line;
    }

    /** What a line is about, for loggers that search by it, under the names that {@link LogContext} has. */
    private LoggingEventBuilder about(String invoiceId, LoggingEventBuilder line) {
        return KEEPS_PAIRS ? line.addKeyValue("biller", biller).addKeyValue("invoice", invoiceId) : line;
    }
}
