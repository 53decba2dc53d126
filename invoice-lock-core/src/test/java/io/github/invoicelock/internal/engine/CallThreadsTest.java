package io.github.invoicelock.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallThreadsTest {
    private final ConcurrentLinkedQueue<Thread> started = new ConcurrentLinkedQueue<>();

    private CallThreads threads(int most, Duration idle) {
        return new CallThreads(most, idle, work -> {
            Thread thread = new Thread(work, "call");
            thread.setDaemon(true);
            // What a test throws on purpose is not to be printed.
            thread.setUncaughtExceptionHandler((t, e) -> {});
            started.add(thread);
            return thread;
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5, 200})
    void calls_that_wait_for_one_another_are_all_under_way_at_once(int calls) throws Exception {
        CallThreads threads = threads(calls, Duration.ofMinutes(1));
        for (int round = 0; round < 50; round++) {
            CyclicBarrier all = new CyclicBarrier(calls + 1);
            // Handed in by several threads at once, as a run's steps do, among calls that do not wait.
            List<Thread> steps = new ArrayList<>();
            for (int step = 0; step < 5; step++) {
                int first = step;
                steps.add(new Thread(() -> {
                    for (int i = first; i < calls; i += 5) {
                        threads.execute(() -> {});
                        threads.execute(() -> arrive(all));
                    }
                }));
            }
            steps.forEach(Thread::start);

            all.await(60, TimeUnit.SECONDS);
            for (Thread step : steps) {
                step.join();
            }
        }
        assertThat(started).hasSizeLessThanOrEqualTo(calls);
    }

    private static void arrive(CyclicBarrier all) {
        try {
            all.await();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void never_more_at_once_than_there_may_be_and_every_call_is_made() throws Exception {
        CallThreads threads = threads(3, Duration.ofMinutes(1));
        AtomicInteger now = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch made = new CountDownLatch(2_000);
        for (int i = 0; i < 2_000; i++) {
            threads.execute(() -> {
                most.accumulateAndGet(now.incrementAndGet(), Math::max);
                Thread.onSpinWait();
                now.decrementAndGet();
                made.countDown();
            });
        }
        assertThat(made.await(60, TimeUnit.SECONDS)).isTrue();
        assertThat(most.get()).isLessThanOrEqualTo(3);
    }

    @Test
    void a_thread_without_a_call_ends_and_others_are_started_when_there_is_one() {
        CallThreads threads = threads(4, Duration.ofMillis(5));
        AtomicInteger made = new AtomicInteger();
        for (int round = 1; round <= 3; round++) {
            for (int i = 0; i < 20; i++) {
                threads.execute(made::incrementAndGet);
            }
            int expected = 20 * round;
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> made.get() == expected && started.stream().noneMatch(Thread::isAlive));
        }
    }

    @Test
    void calls_that_throw_or_leave_an_interruption_behind_keep_no_other_from_being_made() throws Exception {
        CallThreads threads = threads(2, Duration.ofMillis(5));
        CountDownLatch made = new CountDownLatch(3_000);
        for (int i = 0; i < 3_000; i++) {
            threads.execute(() -> {
                made.countDown();
                switch (ThreadLocalRandom.current().nextInt(3)) {
                    case 0 -> throw new IllegalStateException("a call that fails");
                    case 1 -> Thread.currentThread().interrupt();
                    default -> {}
                }
            });
        }
        assertThat(made.await(60, TimeUnit.SECONDS)).isTrue();
    }
}
