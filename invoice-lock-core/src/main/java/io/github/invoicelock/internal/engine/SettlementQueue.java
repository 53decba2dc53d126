package io.github.invoicelock.internal.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Collects outcomes while the database is busy and hands on whatever is there: no timer, and no waiting for a batch to fill. The queue
 * needs no bound of its own: an invoice keeps its slot until it is settled.
 *
 * @param <T> what is collected
 */
final class SettlementQueue<T> {
    private final Queue<T> waiting = new ConcurrentLinkedQueue<>();
    private final AtomicInteger busy = new AtomicInteger();
    private final int most;
    private final int together;
    private final Executor executor;
    private final Consumer<List<T>> settle;

    /**
     * A queue.
     *
     * @param most how many settle at a time
     * @param together how many outcomes are handed on at once
     * @param settle must not throw
     */
    SettlementQueue(int most, int together, Executor executor, Consumer<List<T>> settle) {
        this.most = most;
        this.together = together;
        this.executor = executor;
        this.settle = settle;
    }

    void offer(T outcome) {
        waiting.add(outcome);
        if (enter()) {
            try {
                executor.execute(this::drain);
            } catch (Throwable e) {
                // No thread: this one settles.
                drain();
            }
        }
    }

    private void drain() {
        do {
            try {
                for (List<T> batch = next(); !batch.isEmpty(); batch = next()) {
                    settle.accept(batch);
                }
            } finally {
                busy.decrementAndGet();
            }
            // What was offered between the last look and the decrement found all settlers busy.
        } while (!waiting.isEmpty() && enter());
    }

    private boolean enter() {
        return busy.getAndUpdate(n -> Math.min(n + 1, most)) < most;
    }

    private List<T> next() {
        List<T> batch = new ArrayList<>();
        T outcome;
        while (batch.size() < together && (outcome = waiting.poll()) != null) {
            batch.add(outcome);
        }
        return batch;
    }
}
