package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.internal.engine.FailPoints.Point;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes the calls of the gateway: each on a thread of its own, bounded by the call's time-out. One watcher, alive while a run is, cuts
 * off what takes too long; a gateway that ignores the interruption keeps its thread but not its slot.
 */
final class Calls {
    private final EngineSettings settings;
    private final Executor executor;
    private final Pace pace;
    private final BiConsumer<Claim, BillingOutcome> lateAnswers;
    private final Set<Call> inFlight = ConcurrentHashMap.newKeySet();
    private final AtomicInteger abandoned = new AtomicInteger();
    private final Duration tick;
    private int watchedRuns;
    private @Nullable Thread watcher;

    Calls(EngineSettings settings, Executor executor, Pace pace, BiConsumer<Claim, BillingOutcome> lateAnswers) {
        this.settings = settings;
        this.executor = executor;
        this.pace = pace;
        this.lateAnswers = lateAnswers;
        this.tick = Duration.ofMillis(
                Math.max(5, Math.min(1_000, settings.callTimeout().toMillis() / 20)));
    }

    /** A conversation from beginning to end, as long as the call's time-out at most. */
    Answer make(Claim claim) {
        return start(claim).join();
    }

    /** Starts a conversation; the future always completes, and never exceptionally. */
    CompletableFuture<Answer> start(Claim claim) {
        Call call = new Call(claim);
        inFlight.add(call);
        try {
            executor.execute(call::converse);
        } catch (RejectedExecutionException e) {
            call.cutOff("The executor refused the call: " + e.getMessage());
        }
        return call.answer;
    }

    /** How many calls were cut off and have not returned yet: each keeps a thread. */
    int abandoned() {
        return abandoned.get();
    }

    private synchronized void returned() {
        abandoned.decrementAndGet();
        notifyAll();
    }

    /** Waits for calls that were cut off: a late answer that the invoice was charged is still written (R5). */
    synchronized void awaitAbandoned(Duration atMost) throws InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        for (long left = atMost.toMillis();
                left > 0 && abandoned.get() > 0;
                left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())) {
            wait(left);
        }
    }

    /** Watches the calls of one more run. */
    synchronized void watch() {
        watchedRuns++;
        if (watcher == null) {
            watcher = new Thread(this::cutOffOverdue, "invoice-lock-" + settings.name() + "-watcher");
            watcher.setDaemon(true);
            watcher.start();
        }
    }

    /** A run has ended. */
    synchronized void unwatch() {
        watchedRuns--;
        if (watchedRuns == 0 && watcher != null) {
            LockSupport.unpark(watcher);
        }
    }

    private void cutOffOverdue() {
        while (true) {
            synchronized (this) {
                if (watchedRuns == 0) {
                    watcher = null;
                    return;
                }
            }
            LockSupport.parkNanos(tick.toNanos());
            long now = System.nanoTime();
            inFlight.forEach(call -> {
                if (call.overdue(now)) {
                    call.cutOff("No answer within " + settings.callTimeout());
                }
            });
        }
    }

    /** One conversation: waiting for a thread, then asking or sending, then answered or cut off. */
    private final class Call {
        private final Claim claim;
        private final CompletableFuture<Answer> answer = new CompletableFuture<>();
        private volatile long deadline;
        private @Nullable Thread thread;
        private boolean cutOff;
        private Answer.Source phase = Answer.Source.NOBODY;
        private long started;

        private Call(Claim claim) {
            this.claim = claim;
            this.deadline = claim.lastStart(settings.callTimeout());
        }

        private boolean overdue(long now) {
            return now - deadline >= 0;
        }

        private void converse() {
            boolean asks = claim.approach().asks();
            settings.failPoints().reached(asks ? Point.BEFORE_FIND : Point.BEFORE_CALL, claim.invoiceId());
            if (!enter(asks ? Answer.Source.FIND : Answer.Source.BILL)) {
                return;
            }
            Answer result;
            try {
                result = askAndSend();
            } catch (Throwable e) {
                // Not the gateway's: what it throws is an answer.
                result = answer(
                        BillingOutcome.unknown("The call ended without an answer: " + described(e)),
                        Answer.Source.BILL,
                        e instanceof Error error ? error : null);
            }
            leave(result);
        }

        private Answer askAndSend() {
            BillingRequest request = claim.request(settings.callTimeout());
            if (claim.approach().asks()) {
                Answer found = ask(request, Answer.Source.FIND, BillingGateway::find);
                settings.failPoints().reached(Point.AFTER_FIND, claim.invoiceId());
                boolean known = !(found.outcome() instanceof BillingOutcome.Unknown)
                        && !(found.outcome() instanceof BillingOutcome.NotBilled);
                if (known || found.error() != null || !claim.approach().sends()) {
                    return found;
                }
                settings.failPoints().reached(Point.BEFORE_CALL, claim.invoiceId());
                if (!enter(Answer.Source.BILL)) {
                    return found;
                }
                pace.owe();
            }
            Answer billed = ask(request, Answer.Source.BILL, BillingGateway::bill);
            settings.failPoints().reached(Point.AFTER_CALL, claim.invoiceId());
            return billed;
        }

        private Answer ask(BillingRequest request, Answer.Source source, Question question) {
            try {
                BillingOutcome outcome = question.put(settings.gateway(), request);
                return outcome == null
                        ? answer(BillingOutcome.unknown("The gateway answered null."), source, null)
                        : answer(outcome, source, null);
            } catch (Exception e) {
                return answer(
                        BillingOutcome.unknown(described(e)),
                        source == Answer.Source.FIND ? Answer.Source.FAILED_FIND : source,
                        null);
            } catch (Error e) {
                return answer(
                        BillingOutcome.unknown(described(e)),
                        source == Answer.Source.FIND ? Answer.Source.FAILED_FIND : source,
                        e);
            }
        }

        private Answer answer(BillingOutcome outcome, Answer.Source source, @Nullable Error error) {
            return new Answer(outcome, source, elapsed(), error);
        }

        private Duration elapsed() {
            return Duration.ofNanos(System.nanoTime() - started);
        }

        /** R7: a call that could outlast its lease, or was cut off before, is not sent: another may ask, and believe the answer, by then. */
        private synchronized boolean enter(Answer.Source next) {
            if (cutOff) {
                return false;
            }
            if (System.nanoTime() - claim.lastStart(settings.callTimeout()) >= 0) {
                if (phase == Answer.Source.NOBODY) {
                    cutOff("The lease left no time for the call");
                }
                return false;
            }
            if (phase == Answer.Source.NOBODY) {
                started = System.nanoTime();
                thread = Thread.currentThread();
            }
            phase = next;
            deadline = System.nanoTime() + settings.callTimeout().toNanos();
            return true;
        }

        /** One that was cut off has an answer already; a charge that is told late is written all the same (R5). */
        private void leave(Answer result) {
            boolean late;
            synchronized (this) {
                thread = null;
                late = cutOff;
                // The interruption was for this call; the thread may be the host's.
                Thread.interrupted();
            }
            inFlight.remove(this);
            if (late) {
                lateAnswers.accept(claim, result.outcome());
                returned();
            } else {
                answer.complete(result);
            }
        }

        private void cutOff(String reason) {
            Answer cut;
            synchronized (this) {
                if (cutOff || (phase != Answer.Source.NOBODY && thread == null)) {
                    return;
                }
                cutOff = true;
                if (phase == Answer.Source.NOBODY) {
                    cut = Answer.notCalled(reason);
                } else {
                    abandoned.incrementAndGet();
                    cut = answer(
                            BillingOutcome.unknown(reason),
                            phase == Answer.Source.FIND ? Answer.Source.FAILED_FIND : phase,
                            null);
                    java.util.Objects.requireNonNull(thread).interrupt();
                }
            }
            inFlight.remove(this);
            answer.complete(cut);
        }

        private static String described(Throwable e) {
            return e.getMessage() == null
                    ? e.getClass().getName()
                    : e.getClass().getName() + ": " + e.getMessage();
        }
    }

    @FunctionalInterface
    private interface Question {
        BillingOutcome put(BillingGateway gateway, BillingRequest request) throws Exception;
    }
}
