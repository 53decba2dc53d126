package io.github.invoicelock.examples.twoservers;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResultTest {
    @Test
    void a_cure_is_as_promised_only_if_every_invoice_was_charged_once() {
        assertThat(result(Way.NOWAIT, 60, 0, 0).asPromised()).isTrue();
        assertThat(result(Way.NOWAIT, 59, 1, 0).asPromised()).isFalse();
        assertThat(result(Way.NOWAIT, 59, 0, 1).asPromised()).isFalse();
        assertThat(result(Way.KILLED, 59, 1, 0).asPromised()).isFalse();
    }

    @Test
    void the_problem_must_show() {
        assertThat(result(Way.NAIVE, 60, 0, 0).asPromised()).isFalse();
        assertThat(result(Way.NAIVE, 59, 1, 0).asPromised()).isTrue();
        assertThat(result(Way.ROW_LOCK_ALONE, 60, 0, 0).asPromised()).isFalse();
        assertThat(result(Way.ONE_SERVER, 60, 0, 0).asPromised()).isFalse();
        assertThat(result(Way.KEYS_ALONE, 59, 0, 1).asPromised()).isTrue();
    }

    @Test
    void the_table_says_it_at_a_glance_with_colours_only_on_a_terminal() {
        List<Result> results = List.of(result(Way.NAIVE, 0, 60, 0), result(Way.WAIT, 60, 0, 0));

        assertThat(new Screen(false).table(results))
                .contains("60 charged twice", "every invoice once", "(6) invoice-lock, WAIT")
                .doesNotContain("\033");
        assertThat(new Screen(true).table(results)).contains("\033[31m", "\033[32m");
    }

    @Test
    void the_provider_remembers_what_a_key_came_to_failures_included() {
        Provider provider = new Provider();
        assertThat(provider.find("a").status()).isEqualTo(404);
        assertThat(provider.charge(1, "a")).isEqualTo(provider.charge(1, "a")).isEqualTo(provider.find("a"));
        assertThat(provider.charge(1, "b")).isNotEqualTo(provider.find("a"));

        provider.fail(2);
        assertThat(provider.charge(2, "c").status()).isEqualTo(500);
        assertThat(provider.charge(2, "c").status()).as("for ever").isEqualTo(500);
        assertThat(provider.find("c").status()).isEqualTo(410);
        assertThat(provider.charge(2, "d").status()).isEqualTo(200);
    }

    private static Result result(Way way, int once, int twice, int left) {
        return new Result(way, 60, once, twice, left, List.of("1", "2"), Duration.ofSeconds(3));
    }
}
