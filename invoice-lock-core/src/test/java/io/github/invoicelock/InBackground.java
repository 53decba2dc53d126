package io.github.invoicelock;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Something that goes on beside the test. */
final class InBackground<T> {
    private final CompletableFuture<T> result = new CompletableFuture<>();
    private final Thread thread;

    private InBackground(Callable<T> work) {
        this.thread = new Thread(() -> {
            try {
                result.complete(work.call());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    static <T> InBackground<T> of(Callable<T> work) {
        return new InBackground<>(work);
    }

    Thread thread() {
        return thread;
    }

    boolean isDone() {
        return result.isDone();
    }

    T result() {
        try {
            return result.orTimeout(60, java.util.concurrent.TimeUnit.SECONDS).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error cause) {
                throw cause;
            }
            throw e;
        }
    }
}
