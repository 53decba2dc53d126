package io.github.invoicelock.examples.benchmarks;

import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** Threads of the ways that are written by hand. */
final class Threads {
    private Threads() {}

    /** Runs the same on several threads, and waits for all; what went wrong on one of them is thrown. */
    static void run(int threads, Callable<@Nullable Void> work) throws Exception {
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<Exception> failures = new ArrayList<>();
            for (Future<@Nullable Void> done : executor.invokeAll(Collections.nCopies(threads, work))) {
                try {
                    done.get();
                } catch (ExecutionException e) {
                    failures.add(e);
                }
            }
            if (!failures.isEmpty()) {
                throw failures.get(0);
            }
        } finally {
            executor.shutdownNow();
        }
    }

    /** For calls that wait: virtual threads where the JDK has them (21 and newer), else a bounded pool. */
    static ExecutorService forCalls(int atOnce) {
        try {
            return (ExecutorService)
                    Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        } catch (NoSuchMethodException e) {
            return Executors.newFixedThreadPool(atOnce);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("Virtual threads are there, but cannot be had", e);
        }
    }
}
