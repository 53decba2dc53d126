package io.github.invoicelock;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What must end, on a thread that nobody waits for: where it does not end, the test goes on, and says where all of its threads stand.
 *
 * @param result what it answered; null if it threw
 * @param thrown what it threw; null if it answered
 */
record Bounded<T>(@Nullable T result, @Nullable Throwable thrown) {

    /** It did not end. */
    static final class Hung extends AssertionError {
        private static final long serialVersionUID = 1L;

        private Hung(String what, Duration limit) {
            super(what + " has not ended within " + limit + ". Threads:\n" + threads());
        }
    }

    /** Waits for it at most so long, for an answer or for what it throws. */
    static <T> Bounded<T> by(Duration limit, String what, Callable<T> work) {
        CompletableFuture<Bounded<T>> end = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        end.complete(new Bounded<>(work.call(), null));
                    } catch (Throwable e) {
                        end.complete(new Bounded<>(null, e));
                    }
                },
                "bounded " + what);
        thread.setDaemon(true);
        thread.start();
        try {
            return end.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            Hung hung = new Hung(what, limit);
            thread.interrupt(); // so that what can be ended is
            throw hung;
        } catch (InterruptedException | ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    /** What it answered. */
    T answer() {
        T answer = result;
        if (answer == null) {
            throw new AssertionError("It ended with an exception", thrown);
        }
        return answer;
    }

    private static String threads() {
        return Arrays.stream(ManagementFactory.getThreadMXBean().dumpAllThreads(true, true))
                .filter(thread -> Arrays.stream(thread.getStackTrace())
                        .anyMatch(frame -> frame.getClassName().startsWith("io.github.invoicelock.internal.")))
                .map(Bounded::described)
                .collect(Collectors.joining("\n"));
    }

    private static String described(ThreadInfo thread) {
        return Arrays.stream(thread.getStackTrace())
                .limit(25)
                .map(frame -> "    at " + frame)
                .collect(Collectors.joining(
                        "\n", "  " + thread.getThreadName() + " " + thread.getThreadState() + "\n", ""));
    }
}
