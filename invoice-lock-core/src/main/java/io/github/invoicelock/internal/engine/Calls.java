package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.internal.host.Carried;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.LogContext;
import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.limits.Pace;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes the calls of the gateway: each on a thread of its own, bounded by the call's time-out. One watcher, alive while a run is, cuts
 * off what takes too long; a gateway that ignores the interruption keeps its thread but not its slot.
 */
final class Calls {
    private final BillerSettings settings;
    private final Executor executor;
    private final Executor asking;
    private final Consumer<Throwable> notCutOff;
    private final int mostAbandoned;
    private final Pace pace;
    private final BiConsumer<Claim, BillingOutcome> lateAnswers;
    private final Set<Call> inFlight = ConcurrentHashMap.newKeySet();
    private final AtomicInteger abandoned = new AtomicInteger();
    private final Duration tick;
    private int watchedRuns;
    private @Nullable Thread watcher;

    /**
     * Calls.
     *
     * @param executor makes them
     * @param asking asks the executor, which may be the host's: it may block, or make the call itself (R20)
     * @param lateAnswers hears what comes after a call was cut off
     * @param notCutOff hears what kept a call from being cut off, which is tried again
     * @param mostAbandoned R11: how many calls may be cut off and not have returned before runs stop
     */
    Calls(
            BillerSettings settings,
            Executor executor,
            Executor asking,
            Pace pace,
            BiConsumer<Claim, BillingOutcome> lateAnswers,
            Consumer<Throwable> notCutOff,
            int mostAbandoned) {
        this.settings = settings;
        this.executor = executor;
        this.asking = asking;
        this.notCutOff = notCutOff;
        this.mostAbandoned = mostAbandoned;
        this.pace = pace;
        this.lateAnswers = lateAnswers;
        this.tick = Duration.ofMillis(
                Math.max(5, Math.min(1_000, settings.callTimeout().toMillis() / 20)));
    }

    /** A conversation from beginning to end, as long as the call's time-out at most. */
    Answer make(Claim claim, Carried carried) {
        return start(claim, carried).join();
    }

    /**
     * Starts a conversation; the future always completes, and never exceptionally.
     *
     * @param carried from the thread that began the run
     */
    CompletableFuture<Answer> start(Claim claim, Carried carried) {
        Call call = new Call(claim);
        inFlight.add(call);
        try {
            asking.execute(() -> handOver(call, carried));
        } catch (Throwable e) {
            refused(call, e);
        }
        return call.answer;
    }

    private void handOver(Call call, Carried carried) {
        try {
            executor.execute(carried.around(call::converse));
        } catch (Throwable e) {
            refused(call, e);
        }
    }

    /** An Error, too, must not leave a call behind that runs later, without its lock. */
    private static void refused(Call call, Throwable e) {
        call.cutOff("The executor refused the call: " + HostCode.described(e));
    }

    /** R11: whether so many calls were cut off and have not returned, each of which keeps a thread, that no more are to be made. */
    boolean usedUp() {
        return abandoned.get() >= mostAbandoned;
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
            Thread next = new Thread(this::cutOffOverdue, "invoice-lock-" + settings.name() + "-watcher");
            next.setDaemon(true);
            try {
                next.start();
            } catch (Throwable e) {
                watchedRuns--;
                throw e;
            }
            watcher = next;
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
            try {
                inFlight.forEach(call -> {
                    if (call.overdue(now)) {
                        call.cutOff(call.overdueBecause());
                    }
                });
            } catch (Throwable e) {
                // Without a watcher no call would be cut off any more: it looks again.
                notCutOff.accept(e);
            }
        }
    }

    /** One conversation: waiting for a thread, then asking or sending, then answered or cut off. */
    private final class Call {
        private final Claim claim;
        private final CompletableFuture<Answer> answer = new CompletableFuture<>();
        private volatile long deadline;
        private @Nullable Thread thread;
        private boolean begun;
        private boolean cutOff;
        private Answer.Source phase = Answer.Source.NOBODY;
        private long started;

        private Call(Claim claim) {
            this.claim = claim;
            this.deadline = claim.lastStart();
        }

        private boolean overdue(long now) {
            return now - deadline >= 0;
        }

        private synchronized String overdueBecause() {
            return phase == Answer.Source.NOBODY
                    ? "No thread was there for the call in time; it was not made"
                    : "No answer within " + settings.callTimeout();
        }

        /** R20: an executor may run a task twice. */
        private synchronized boolean begin() {
            boolean first = !begun;
            begun = true;
            return first;
        }

        private void converse() {
            boolean asks = claim.approach().asks();
            if (!begin() || !enter(asks ? Answer.Source.FIND : Answer.Source.BILL)) {
                return;
            }
            Answer result;
            try {
                result = LogContext.around(claim.attempt(), this::askAndSend).call();
            } catch (Throwable e) {
                // Not the gateway's: what it throws is an answer.
                result = answer(
                        BillingOutcome.unknown("The call ended without an answer: " + HostCode.described(e)),
                        Answer.Source.BILL,
                        e);
            }
            leave(result);
        }

        private Answer askAndSend() {
            BillingRequest request = claim.request(settings.callTimeout());
            if (claim.approach().asks()) {
                Answer found = ask(request, Answer.Source.FIND, BillingGateway::find);
                boolean known = !(found.outcome() instanceof BillingOutcome.Unknown)
                        && !(found.outcome() instanceof BillingOutcome.NotBilled);
                if (known
                        || found.thrown() instanceof Error
                        || !claim.approach().sends()) {
                    return found;
                }
                if (!enter(Answer.Source.BILL)) {
                    return found;
                }
                pace.owe();
            }
            Answer billed = ask(request, Answer.Source.BILL, BillingGateway::bill);
            return billed;
        }

        private Answer ask(BillingRequest request, Answer.Source source, Question question) {
            try {
                BillingOutcome outcome = question.put(settings.gateway(), request);
                return outcome == null
                        ? answer(BillingOutcome.unknown("The gateway answered null."), source, null)
                        : answer(outcome, source, null);
            } catch (Throwable e) {
                return answer(
                        BillingOutcome.unknown(HostCode.described(e)),
                        source == Answer.Source.FIND ? Answer.Source.FAILED_FIND : source,
                        e);
            }
        }

        private Answer answer(BillingOutcome outcome, Answer.Source source, @Nullable Throwable thrown) {
            return new Answer(outcome, source, elapsed(), thrown);
        }

        private Duration elapsed() {
            return Duration.ofNanos(System.nanoTime() - started);
        }

        /** R7: a call that could outlast its lease, or was cut off before, is not sent: another may ask, and believe the answer, by then. */
        private synchronized boolean enter(Answer.Source next) {
            if (cutOff) {
                return false;
            }
            if (System.nanoTime() - claim.lastStart() >= 0) {
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
                try {
                    lateAnswers.accept(claim, result.outcome());
                } finally {
                    returned();
                }
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
    }

    @FunctionalInterface
    private interface Question {
        BillingOutcome put(BillingGateway gateway, BillingRequest request) throws Exception;
    }
}
