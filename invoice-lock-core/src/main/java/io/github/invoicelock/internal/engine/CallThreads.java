package io.github.invoicelock.internal.engine;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Threads for calls where the JDK has no virtual ones. A thread that has finished a call goes on with the next one that waits, and only
 * one more at a time is woken or started to help it: where calls are short, waking a thread for each costs more than all calls, and where
 * they are long, each that begins one wakes the next, so that all that wait are soon under way. (A {@code ThreadPoolExecutor} wakes a
 * thread for each; a {@code ForkJoinPool} may leave calls waiting behind one that blocks.) No thread is kept while there is nothing to do.
 */
final class CallThreads implements Executor {
    private final int most;
    private final Duration idle;
    private final ThreadFactory factory;

    // Guarded by this.
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private int threads;
    private int resting;
    /** One has been started or woken, and has not yet looked for a call. */
    private boolean helpIsComing;
    /** The help is to be one of those that rest. */
    private boolean woken;

    /**
     * None at first.
     *
     * @param most how many at once
     * @param idle how long one without a call is kept
     * @param factory makes them
     */
    CallThreads(int most, Duration idle, ThreadFactory factory) {
        this.most = most;
        this.idle = idle;
        this.factory = factory;
    }

    @Override
    public synchronized void execute(Runnable call) {
        waiting.add(call);
        getHelp();
    }

    // Whenever a call waits, help is coming, or as many as there may be are at work and will look for it.
    private void getHelp() {
        if (helpIsComing || waiting.isEmpty()) {
            return;
        }
        if (resting > 0) {
            helpIsComing = true;
            woken = true;
            notify();
        } else if (threads < most) {
            factory.newThread(this::work).start();
            threads++;
            helpIsComing = true;
        }
    }

    private void work() {
        boolean help = true;
        try {
            for (Runnable call = next(help); call != null; call = next(help)) {
                help = false;
                call.run();
            }
        } finally {
            end();
        }
    }

    private synchronized void end() {
        threads--;
        // What a call has thrown ends its thread, and nobody else may be there.
        getHelp();
    }

    /** The next call; null if none came for so long. */
    private synchronized @Nullable Runnable next(boolean help) {
        boolean helps = help;
        long end = System.nanoTime() + idle.toNanos();
        while (waiting.isEmpty()) {
            if (helps) {
                helpIsComing = false;
                helps = false;
            }
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                return null;
            }
            resting++;
            try {
                wait(left);
            } catch (InterruptedException e) {
                // It was meant for a call that has ended. Whoever leaves first takes the wake-up upon itself.
            } finally {
                resting--;
                helps = woken;
                woken = false;
            }
        }
        if (helps) {
            helpIsComing = false;
        }
        Runnable call = waiting.remove();
        getHelp();
        return call;
    }
}
