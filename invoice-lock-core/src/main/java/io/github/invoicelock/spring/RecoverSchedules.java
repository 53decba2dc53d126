package io.github.invoicelock.spring;

import java.util.List;
import org.springframework.context.SmartLifecycle;

/** The schedules of all billers, from the context's start to its end. */
final class RecoverSchedules implements SmartLifecycle {
    private final List<RecoverSchedule> each;
    private volatile boolean running;

    RecoverSchedules(List<RecoverSchedule> each) {
        this.each = List.copyOf(each);
    }

    @Override
    public void start() {
        each.forEach(RecoverSchedule::start);
        running = true;
    }

    /** Not interrupted: the billers are closed next, and wait for what is in flight. */
    @Override
    public void stop() {
        running = false;
        each.forEach(RecoverSchedule::stop);
    }

    @Override
    public boolean isRunning() {
        return running;
    }
}
