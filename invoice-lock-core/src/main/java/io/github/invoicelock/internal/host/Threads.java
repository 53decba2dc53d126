package io.github.invoicelock.internal.host;

import java.lang.reflect.InvocationTargetException;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The library's own threads: daemons with telling names, none of them kept while there is nothing to do. Never shut down, because runs may
 * need them until they have ended, and late answers after that.
 */
public final class Threads {
    private static final int IDLE_SECONDS = 5;

    private Threads() {}

    /** Threads for steps that use the database. The queue holds no more than there are slots, so it needs no bound of its own. */
    public static Executor forSteps(String name, int most) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                most, most, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), daemons(name));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /** As many as are asked for: each is waited for, so that there are no more than threads that wait. */
    public static Executor forHostCode(String name) {
        return new ThreadPoolExecutor(
                0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), daemons(name));
    }

    /**
     * Threads for calls: virtual ones where the JDK has them (21 and newer), else as many as there are calls. A pool of a fixed size would
     * start a thread for each call until it has them all, idle ones beside: with room for two thousand calls that took 2 ms of processor time
     * for each invoice.
     */
    public static Executor forCalls(String name) {
        try {
            return (Executor)
                    Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        } catch (NoSuchMethodException e) {
            return forHostCode(name);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("Virtual threads are there, but cannot be had", e);
        }
    }

    private static ThreadFactory daemons(String name) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }
}
