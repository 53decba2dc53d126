package io.github.invoicelock.internal.engine;

import java.lang.reflect.InvocationTargetException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinWorkerThread;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The library's own threads: daemons with telling names, none of them kept while there is nothing to do. */
final class Threads {
    private static final int IDLE_SECONDS = 10;
    /** What a {@link ForkJoinPool} takes. */
    private static final int MOST_PLATFORM_THREADS = 32_767;

    private Threads() {}

    /** Threads for steps that use the database. The queue holds no more than there are slots, so it needs no bound of its own. */
    static ExecutorService forSteps(String name, int most) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                most, most, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), daemons(name));
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    /**
     * Threads for calls: virtual ones where the JDK has them (21 and newer), else a pool in which a thread that has finished a call goes on
     * with the next one that waits: to wake another for each would cost more than a short call. Its threads last until it is shut down.
     */
    static ExecutorService forCalls(String name, int most) {
        try {
            return (ExecutorService)
                    Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        } catch (NoSuchMethodException e) {
            int parallelism = Math.min(most, MOST_PLATFORM_THREADS);
            return new ForkJoinPool(
                    parallelism, workers(name), null, true, 0, parallelism, 0, null, IDLE_SECONDS, TimeUnit.SECONDS);
        } catch (IllegalAccessException | InvocationTargetException e) {
            throw new IllegalStateException("Virtual threads are there, but cannot be had", e);
        }
    }

    /** Starts a thread that ends by itself. */
    static Thread start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static ForkJoinPool.ForkJoinWorkerThreadFactory workers(String name) {
        AtomicInteger count = new AtomicInteger();
        // A gateway finds its classes as on the thread that runs; the pool's own threads would have the system's class
        // loader.
        ClassLoader hosts = Thread.currentThread().getContextClassLoader();
        return pool -> {
            ForkJoinWorkerThread thread = ForkJoinPool.defaultForkJoinWorkerThreadFactory.newThread(pool);
            thread.setName(name + "-" + count.incrementAndGet());
            thread.setContextClassLoader(hosts);
            return thread;
        };
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
