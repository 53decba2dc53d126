package io.github.invoicelock.internal.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.internal.invoices.Position;
import org.junit.jupiter.api.Test;

class FrontTest {
    private static final Position TEN = new Position(false, null, "10");
    private static final Position TWENTY = new Position(false, null, "20");

    private final Front front = new Front();

    @Test
    void a_turn_begins_where_the_one_before_it_ended() {
        Front.Turn first = front.take();
        assertThat(first.from()).isEqualTo(Position.START);
        first.end(TEN);

        assertThat(front.take().from()).isEqualTo(TEN);
    }

    @Test
    void a_turn_that_is_given_up_leaves_the_front_where_it_is() {
        front.take().end(TEN);
        front.take().giveUp();

        assertThat(front.take().from()).isEqualTo(TEN);
    }

    /** A claim is repeated whose statement was planned before the host altered its table; the front has gone on meanwhile. */
    @Test
    void a_turn_that_has_ended_never_moves_the_front_again() {
        Front.Turn first = front.take();
        first.end(TEN);
        front.take().end(TWENTY);
        first.end(TEN);
        first.giveUp();

        assertThat(front.take().from()).isEqualTo(TWENTY);
    }
}
