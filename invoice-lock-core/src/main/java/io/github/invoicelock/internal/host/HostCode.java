package io.github.invoicelock.internal.host;

import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.internal.errors.WorkFailure;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where the host's hook, listeners and policy are called (R20): on a thread of their own, for a bounded time, and whatever they throw, an
 * {@link Error} too, is caught here.
 */
public final class HostCode {
    private final Executor threads;
    private final Duration bound;

    private HostCode(Executor threads, Duration bound) {
        this.threads = threads;
        this.bound = bound;
    }

    /** The code of a biller's host, each call of it so long at most. */
    public static HostCode bounded(String biller, Duration bound) {
        return new HostCode(Threads.forHostCode("invoice-lock-" + biller + "-host"), bound);
    }

    /** The host's code threw, or did not return. Apart from database errors, so that a 55P03 of its own is not taken for contention. */
    public static final class Fault extends WorkFailure {
        private static final long serialVersionUID = 1L;

        public Fault(String message, @Nullable Throwable cause) {
            this(message, cause, false);
        }

        private Fault(String message, @Nullable Throwable cause, boolean stillRunning) {
            super(message, cause, stillRunning);
        }
    }

    /**
     * Calls it.
     *
     * @param what it is, to begin a sentence with
     * @throws Fault whatever goes wrong
     */
    public <T> T call(String what, Callable<T> code) {
        return call(what, code, () -> 0);
    }

    /**
     * Calls it for several things one after the other, each of which is bounded.
     *
     * @param done how many of them have been done by now
     */
    <T> T call(String what, Callable<T> code, IntSupplier done) {
        FutureTask<T> task = new FutureTask<>(code);
        boolean interrupted = false;
        try {
            threads.execute(task);
            int doneBefore = 0;
            long end = System.nanoTime() + bound.toNanos();
            while (true) {
                try {
                    return task.get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (TimeoutException e) {
                    if (done.getAsInt() == doneBefore) {
                        throw e;
                    }
                    doneBefore = done.getAsInt();
                    end = System.nanoTime() + bound.toNanos();
                } catch (InterruptedException e) {
                    // What is in flight is finished all the same; the thread finds its interruption again.
                    interrupted = true;
                }
            }
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new Fault(what + " threw " + described(cause), cause);
        } catch (TimeoutException e) {
            task.cancel(true);
            // It may go on: what it was given is not for anybody else.
            throw new Fault(what + " did not return within " + bound + ".", e, true);
        } catch (Throwable e) {
            task.cancel(true);
            throw new Fault(what + " could not be called: " + described(e), e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Why something failed, in words: of what is the library's own, its message alone. */
    public static String why(RuntimeException e) {
        String message = e instanceof Fault || e instanceof InvoiceLockException ? e.getMessage() : null;
        return message == null ? described(e) : message;
    }

    /** Where it was thrown, whatever its own methods do. */
    public static List<StackTraceElement> frames(Throwable e) {
        try {
            return List.of(e.getStackTrace());
        } catch (Throwable again) {
            return List.of();
        }
    }

    /** In words, whatever its own methods do. */
    public static String described(Throwable e) {
        String message;
        try {
            message = e.getMessage();
        } catch (Throwable again) {
            message = null;
        }
        return message == null ? e.getClass().getName() : e.getClass().getName() + ": " + message;
    }
}
