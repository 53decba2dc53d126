package io.github.invoicelock;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A point in an interleaving that one thread reaches and others wait for. */
final class Moment {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final CountDownLatch latch = new CountDownLatch(1);

    void reach() {
        latch.countDown();
    }

    boolean reached() {
        return latch.getCount() == 0;
    }

    void await() {
        try {
            if (!latch.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new AssertionError("This moment never came");
            }
        } catch (InterruptedException e) {
            throw new AssertionError("Interrupted while waiting for a moment", e);
        }
    }

    /** As a gateway does that ignores that its call was cut off. */
    void awaitUninterruptibly() {
        boolean over = false;
        while (!over) {
            try {
                latch.await();
                over = true;
            } catch (InterruptedException e) {
                over = false;
            }
        }
    }
}
