package io.github.invoicelock.internal.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

/** Threads for calls on a JDK without virtual ones. */
class ThreadsTest {
    private static final int VIRTUAL_THREADS_SINCE = 21;

    @Test
    void anIdleThreadMakesTheNextCall() {
        assumeThat(Runtime.version().feature())
                .as("the JDK, which has virtual threads from 21 on: one for each call")
                .isLessThan(VIRTUAL_THREADS_SINCE);
        Executor calls = Threads.forCalls("test-call");
        Thread first = threadOf(calls);
        awaitIdle(first);

        assertThat(threadOf(calls)).isSameAs(first);
    }

    private static Thread threadOf(Executor calls) {
        CompletableFuture<Thread> thread = new CompletableFuture<>();
        calls.execute(() -> thread.complete(Thread.currentThread()));
        return thread.join();
    }

    private static void awaitIdle(Thread thread) {
        while (thread.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
    }
}
