package io.github.invoicelock;

import io.github.invoicelock.internal.limits.Pace;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Passes when somebody sleeps. */
final class PassingTime implements Pace.Time {
    private final AtomicLong now = new AtomicLong();
    private final AtomicInteger sleeps = new AtomicInteger();
    private volatile Runnable meanwhile = () -> {};

    void whileSleeping(Runnable work) {
        this.meanwhile = work;
    }

    @Override
    public long nanos() {
        return now.get();
    }

    @Override
    public void sleep(long nanos) throws InterruptedException {
        sleeps.incrementAndGet();
        meanwhile.run();
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        now.addAndGet(nanos);
    }

    int slept() {
        return sleeps.get();
    }

    Duration passed() {
        return Duration.ofNanos(now.get());
    }
}
