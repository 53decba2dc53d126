package io.github.invoicelock.internal.limits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How calls are spread over time, by a clock that sleeping moves. */
class PaceTest {
    private final HandMoved time = new HandMoved();

    @Test
    void each_call_waits_for_a_moment_of_its_own() throws InterruptedException {
        Pace pace = new Pace(4, null, time);
        for (int call = 0; call < 9; call++) {
            assertThat(pace.take(1, () -> false)).isEqualTo(1);
        }
        assertThat(time.passed()).as("the first waits for nothing").isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void a_tenth_of_a_seconds_worth_may_leave_together_and_the_average_stands() throws InterruptedException {
        Pace pace = new Pace(100, null, time);
        assertThat(pace.mostAtOnce()).isEqualTo(10);
        int taken = 0;
        for (int claim = 0; claim < 10; claim++) {
            taken += pace.take(500, () -> false);
        }
        assertThat(taken).isEqualTo(100);
        assertThat(time.passed()).isEqualTo(Duration.ofMillis(990));
    }

    @Test
    void an_idle_hour_is_not_made_up_for() throws InterruptedException {
        Pace pace = new Pace(2, null, time);
        pace.take(1, () -> false);
        time.sleep(Duration.ofHours(1).toNanos());
        pace.take(1, () -> false);
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofHours(1).plusMillis(500));
    }

    @Test
    void what_was_not_called_is_given_back_and_what_was_called_besides_is_owed() throws InterruptedException {
        Pace pace = new Pace(1, null, time);
        pace.take(1, () -> false);
        pace.giveBack(1);
        pace.take(1, () -> false);
        assertThat(time.passed()).isZero();
        pace.owe();
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void a_run_that_stops_waits_no_longer_and_leaves_its_moment_to_others() throws InterruptedException {
        Pace pace = new Pace(0.1, null, time);
        pace.take(1, () -> false);
        assertThat(pace.take(1, () -> time.passed().compareTo(Duration.ofSeconds(1)) >= 0))
                .isZero();
        assertThat(time.passed()).isEqualTo(Duration.ofSeconds(1));
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void an_interrupted_wait_leaves_its_moment_to_others() throws InterruptedException {
        Pace pace = new Pace(1, null, time);
        pace.take(1, () -> false);
        time.interrupted = true;
        assertThatThrownBy(() -> pace.take(1, () -> false)).isInstanceOf(InterruptedException.class);
        time.interrupted = false;
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void without_a_bound_nobody_waits() throws InterruptedException {
        Pace pace = new Pace(Double.POSITIVE_INFINITY, null, time);
        assertThat(pace.take(500, () -> false)).isEqualTo(500);
        assertThat(pace.take(500, () -> true)).as("the run has stopped").isZero();
        assertThat(time.passed()).isZero();
    }

    /** Time that passes by sleeping alone. */
    private static final class HandMoved implements Pace.Time {
        // near the end of the range, where nanoTime may be too
        private static final long START = Long.MAX_VALUE - 1_000;

        private long now = START;
        private boolean interrupted;

        @Override
        public long nanos() {
            return now;
        }

        @Override
        public void sleep(long nanos) throws InterruptedException {
            if (interrupted) {
                throw new InterruptedException();
            }
            now += nanos;
        }

        private Duration passed() {
            return Duration.ofNanos(now - START);
        }
    }
}
