package io.github.invoicelock.examples.twoservers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class HostApplicationTest {
    @Test
    void an_error_of_the_gateway_does_not_end_the_schedule() throws InterruptedException {
        CountDownLatch runs = new CountDownLatch(2);
        ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
        try {
            Future<?> scheduled = scheduler.scheduleWithFixedDelay(
                    HostApplication.logged(() -> {
                        runs.countDown();
                        if (runs.getCount() == 1) {
                            throw new NoClassDefFoundError("a class of the provider's client");
                        }
                    }),
                    0,
                    1,
                    TimeUnit.MILLISECONDS);

            assertThat(runs.await(30, TimeUnit.SECONDS)).isTrue();
            assertThat(scheduled.isDone()).isFalse();
        } finally {
            scheduler.shutdownNow();
        }
    }
}
