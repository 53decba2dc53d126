package io.github.invoicelock.internal.limits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Whose turn it is, of what a run has read. */
class TurnsTest {
    private static final int MOST = 10_000;

    private final Turns turns = new Turns();

    @Test
    void one_of_each_customer_is_offered_and_the_next_when_it_has_left() {
        turns.add("1", "a");
        turns.add("2", "a");
        turns.add("3", "b");
        turns.add("4", null);

        assertThat(offered()).containsExactly("1", "3", "4");
        turns.called("1");

        assertThat(offered()).containsExactly("2");
    }

    /** As many customers as nobody keeps in memory: the next pass reads them again. */
    @Test
    void what_is_read_beyond_the_most_is_left_to_the_next_pass() {
        for (int i = 0; i < MOST + 2; i++) {
            turns.add("invoice " + i, "customer " + i);
        }
        assertThat(turns.full()).isTrue();

        List<String> offered = offered();
        offered.forEach(turns::called);

        assertThat(offered).hasSize(MOST);
        assertThat(turns.some()).isFalse();
        assertThat(turns.passAgain()).isTrue();
    }

    private List<String> offered() {
        List<String> offered = new ArrayList<>();
        for (String next = turns.next(); next != null; next = turns.next()) {
            offered.add(next);
        }
        return offered;
    }
}
