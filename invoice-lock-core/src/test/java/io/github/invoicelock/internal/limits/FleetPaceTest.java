package io.github.invoicelock.internal.limits;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.internal.journal.Journal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** How the calls of all servers are spread over time, by a clock that sleeping moves. */
class FleetPaceTest {
    private final HandMoved time = new HandMoved();
    private final Journal journal = new Journal(10);

    @Test
    void each_call_waits_for_a_moment_of_its_own() throws InterruptedException {
        Pace pace = pace();
        for (int call = 0; call < 11; call++) {
            assertThat(pace.take(1, () -> false)).isEqualTo(1);
        }
        assertThat(time.passed()).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void two_servers_share_it_and_one_that_is_alone_has_all_of_it() throws InterruptedException {
        Pace one = pace();
        Pace other = pace();
        for (int call = 0; call < 5; call++) {
            one.take(1, () -> false);
            other.take(1, () -> false);
        }
        assertThat(time.passed()).isBetween(Duration.ofMillis(900), Duration.ofMillis(1_000));
        Duration before = time.passed();
        for (int call = 0; call < 10; call++) {
            one.take(1, () -> false);
        }
        assertThat(time.passed().minus(before)).isBetween(Duration.ofMillis(900), Duration.ofMillis(1_100));
    }

    @Test
    void a_larger_handful_is_reserved_where_all_of_it_is_used_in_time() throws InterruptedException {
        Journal fast = new Journal(1_000);
        Pace pace = new Pace(Double.POSITIVE_INFINITY, new FleetPace(1_000, time, fast), time);
        for (int call = 0; call < 1_000; call++) {
            pace.take(1, () -> false);
        }
        assertThat(fast.asked).hasSizeLessThan(30).contains(100);
        assertThat(time.passed()).isBetween(Duration.ofMillis(990), Duration.ofMillis(1_000));
    }

    @Test
    void a_moment_that_was_missed_is_lost_and_fewer_are_reserved() throws InterruptedException {
        Journal fast = new Journal(100);
        Pace pace = new Pace(Double.POSITIVE_INFINITY, new FleetPace(100, time, fast), time);
        for (int call = 0; call < 100; call++) {
            pace.take(1, () -> false);
        }
        int before = fast.asked.get(fast.asked.size() - 1);
        time.now += Duration.ofSeconds(1).toNanos();
        long started = time.now;
        for (int call = 0; call < 20; call++) {
            pace.take(1, () -> false);
        }
        assertThat(time.now - started)
                .isGreaterThanOrEqualTo(Duration.ofMillis(190).toNanos());
        assertThat(fast.asked.subList(fast.asked.size() - 4, fast.asked.size())).anyMatch(asked -> asked < before);
    }

    @Test
    void an_idle_hour_is_not_made_up_for() throws InterruptedException {
        Pace pace = pace();
        pace.take(1, () -> false);
        time.sleep(Duration.ofHours(1).toNanos());
        pace.take(1, () -> false);
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofHours(1).plusMillis(100));
    }

    @Test
    void what_was_not_called_is_given_back_and_what_was_called_besides_is_owed() throws InterruptedException {
        Pace pace = pace();
        pace.take(1, () -> false);
        pace.giveBack(1);
        pace.take(1, () -> false);
        assertThat(time.passed()).isZero();
        pace.owe();
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofMillis(200));
    }

    @Test
    void a_moment_that_is_given_back_is_used_by_who_waits_for_a_later_one() throws InterruptedException {
        Pace pace = pace();
        pace.take(1, () -> false);
        AtomicBoolean failed = new AtomicBoolean();
        pace.take(1, () -> {
            if (time.passed().toMillis() >= 50 && !failed.getAndSet(true)) {
                pace.giveBack(1); // another server has claimed the first one's invoice
            }
            return false;
        });
        assertThat(time.passed()).isLessThanOrEqualTo(Duration.ofMillis(70));
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofMillis(100));
    }

    @Test
    void a_call_whose_claim_took_too_long_waits_for_another_moment_before_it_leaves() throws InterruptedException {
        Pace pace = pace();
        assertThat(pace.take(1, () -> false)).isEqualTo(1);
        time.sleep(Duration.ofMillis(40).toNanos());
        assertThat(pace.leave(() -> false)).as("in time").isTrue();
        assertThat(time.passed()).isEqualTo(Duration.ofMillis(40));

        assertThat(pace.take(1, () -> false)).isEqualTo(1);
        time.sleep(Duration.ofMillis(60).toNanos());
        assertThat(pace.leave(() -> false)).as("missed").isTrue();
        assertThat(time.passed()).isEqualTo(Duration.ofMillis(200));
    }

    @Test
    void a_call_that_is_cut_off_while_it_waits_to_leave_does_not() throws InterruptedException {
        Pace pace = pace();
        pace.take(1, () -> false);
        time.sleep(Duration.ofMillis(60).toNanos());
        assertThat(pace.leave(() -> time.passed().compareTo(Duration.ofMillis(80)) >= 0))
                .isFalse();
    }

    @Test
    void a_moment_that_is_passed_on_is_no_younger_for_it() throws InterruptedException {
        Pace pace = pace();
        pace.take(1, () -> false);
        for (int claim = 0; claim < 2; claim++) {
            time.sleep(Duration.ofMillis(40).toNanos());
            pace.giveBack(1); // another server has claimed the first one's invoice
            pace.take(1, () -> false);
        }
        assertThat(pace.leave(() -> false)).isTrue();
        assertThat(time.passed()).isEqualTo(Duration.ofMillis(100));
    }

    @Test
    void the_journal_gives_away_only_what_lies_within_the_next_second() throws InterruptedException {
        Journal slow = new Journal(0.5);
        FleetPace fleet = new FleetPace(0.5, time, slow);
        Pace pace = new Pace(Double.POSITIVE_INFINITY, fleet, time);
        Pace killed = new Pace(Double.POSITIVE_INFINITY, new FleetPace(0.5, time, slow), time);
        pace.take(1, () -> false);
        assertThat(killed.take(1, () -> time.passed().compareTo(Duration.ofMillis(500)) >= 0))
                .as("it waited for the second moment, and did not reserve it")
                .isZero();
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void a_run_that_stops_waits_no_longer_and_leaves_its_moment_to_others() throws InterruptedException {
        Pace pace = pace();
        pace.take(1, () -> false);
        assertThat(pace.take(1, () -> time.passed().compareTo(Duration.ofMillis(50)) >= 0))
                .isZero();
        pace.take(1, () -> false);
        assertThat(time.passed()).isEqualTo(Duration.ofMillis(100));
    }

    @Test
    void who_waits_for_the_cursor_asks_again_each_second_for_it_may_have_been_put_back() throws InterruptedException {
        AtomicInteger asked = new AtomicInteger();
        FleetPace pace = new FleetPace(
                0.001,
                time,
                calls -> new FleetPace.Answer(
                        asked.incrementAndGet() > 3, asked.get() > 3 ? Duration.ZERO : Duration.ofHours(1)));
        assertThat(pace.take(1, () -> false)).isEqualTo(1);
        assertThat(time.passed()).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void a_journal_that_gives_no_moment_is_asked_ten_times_a_second_at_most() throws InterruptedException {
        AtomicInteger asked = new AtomicInteger();
        FleetPace pace = new FleetPace(10, time, calls -> {
            asked.incrementAndGet();
            return new FleetPace.Answer(false, Duration.ofSeconds(-1));
        });
        pace.take(1, () -> time.passed().compareTo(Duration.ofSeconds(1)) >= 0 || asked.get() > 100);
        assertThat(asked.get()).isLessThanOrEqualTo(10);
    }

    @Test
    void however_much_is_owed_one_reservation_moves_the_cursor_no_further_than_the_journal_takes_for_right()
            throws InterruptedException {
        Journal slow = new Journal(0.5);
        FleetPace pace = new FleetPace(0.5, time, slow);
        for (int call = 0; call < 50; call++) {
            pace.owe();
        }
        assertThat(pace.take(1, () -> false)).isEqualTo(1);
        assertThat(time.passed()).isEqualTo(Duration.ofSeconds(100));
        assertThat(slow.furthest)
                .isLessThanOrEqualTo(FleetPace.furthestAhead(0.5).toNanos());
    }

    private Pace pace() {
        return new Pace(Double.POSITIVE_INFINITY, new FleetPace(10, time, journal), time);
    }

    /** As the table is: one cursor, and the same clock. */
    private final class Journal implements FleetPace.Journal {
        private final double rate;
        private final List<Integer> asked = new ArrayList<>();
        private long until = time.now;
        private long furthest;

        private Journal(double rate) {
            this.rate = rate;
        }

        @Override
        public FleetPace.Answer reserve(int calls) {
            asked.add(calls);
            if (until - time.now > FleetPace.AHEAD.toNanos()) {
                return new FleetPace.Answer(
                        false, Duration.ofNanos(until - time.now).minus(FleetPace.AHEAD));
            }
            long first = Math.max(until, time.now);
            until = first + (long) (calls / rate * 1e9);
            furthest = Math.max(furthest, until - time.now);
            return new FleetPace.Answer(true, Duration.ofNanos(first - time.now));
        }
    }

    /** Time that passes by sleeping alone. */
    private static final class HandMoved implements Pace.Time {
        private long now = Long.MAX_VALUE / 2;

        @Override
        public long nanos() {
            return now;
        }

        @Override
        public void sleep(long nanos) {
            now += nanos;
        }

        private Duration passed() {
            return Duration.ofNanos(now - Long.MAX_VALUE / 2);
        }
    }
}
