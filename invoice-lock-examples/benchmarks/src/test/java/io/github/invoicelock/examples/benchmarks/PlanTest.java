package io.github.invoicelock.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What is measured under which conditions. */
class PlanTest {
    @Test
    void each_provider_is_measured_with_the_database_at_each_distance() {
        Plan plan = Plan.of("sections=throughput providers=20,200 roundTrips=0,0.5");

        assertThat(plan.groups())
                .extracting(group -> group.get(0).waits())
                .containsExactly(new Waits(20, 0), new Waits(200, 0), new Waits(20, 500), new Waits(200, 500));
        assertThat(new Waits(200, 500).text()).isEqualTo("provider answers after 200 ms, database 0.5 ms away");
    }

    @Test
    void a_listener_counts_unless_others_are_named_and_listens_to_the_library_only() {
        assertThat(titles("contenders=BY_HAND,CLAIM_ONLY_NOWAIT"))
                .containsExactly(Contender.BY_HAND.title, Contender.CLAIM_ONLY_NOWAIT.title);
        assertThat(titles("contenders=BY_HAND,CLAIM_ONLY_NOWAIT listeners=none,counting"))
                .containsExactly(
                        Contender.BY_HAND.title,
                        Contender.CLAIM_ONLY_NOWAIT.title + ", no listener",
                        Contender.CLAIM_ONLY_NOWAIT.title);
        assertThat(Plan.of("-").conditions().listeners()).containsExactly(Listener.COUNTING);
        assertThatThrownBy(() -> Plan.of("listeners=loud")).hasMessageContaining("loud; there are [none, empty");
    }

    private static List<String> titles(String arguments) {
        return Plan.of("sections=throughput providers=0 " + arguments).groups().get(0).stream()
                .map(Cell::title)
                .toList();
    }

    @Test
    void a_cold_server_is_not_warmed_up() {
        Plan plan = Plan.of("sections=cold");

        assertThat(plan.groups().get(0))
                .allSatisfy(cell -> assertThat(plan.warmups(cell)).isZero())
                .allSatisfy(cell -> assertThat(cell.pending()).isEqualTo(200_000))
                .extracting(Cell::contender)
                .containsExactly(Contender.BY_HAND, Contender.CLAIM_ONLY_SKIP_LOCKED);
    }

    @Test
    void a_warm_up_does_not_wait_for_a_slow_provider_so_that_it_bills_as_many_as_it_can() {
        Plan plan = Plan.of("sections=throughput contenders=THROUGH_CALL_NOWAIT providers=0,50 roundTrips=1");
        Cell atOnce = plan.groups().get(0).get(0);
        Cell slow = plan.groups().get(1).get(0);

        assertThat(plan.warmUp(atOnce)).isEqualTo(atOnce);
        assertThat(plan.warmUp(slow).waits()).isEqualTo(new Waits(1, 1_000));
        assertThat(plan.warmUp(slow).pending()).isEqualTo(atOnce.pending());
    }

    @Test
    void statements_that_are_compiled_are_measured_where_a_server_that_can_is_named() {
        assertThat(Plan.of("-").sections()).doesNotContain(Plan.JIT);
        assertThat(Plan.of("postgres=/usr/lib/postgresql/15").sections()).contains(Plan.JIT);
    }

    @Test
    void of_servers_that_wait_for_a_provider_four_have_four_times_the_invoices_of_one() {
        List<Cell> group = Plan.of("sections=servers contenders=THROUGH_CALL_NOWAIT servers=1,4 providers=50")
                .groups()
                .get(0);

        assertThat(group).extracting(Cell::servers).containsExactly(1, 4);
        assertThat(group.get(1).pending()).isEqualTo(4 * group.get(0).pending());
    }

    @Test
    void whoever_waits_for_a_slow_provider_calls_it_several_times_from_each_thread() {
        assertThat(Contender.ROW_LOCK_NOWAIT.invoicesFor(1, 50, new Slots(2_000, 20)))
                .isEqualTo(400);
        assertThat(Contender.ROW_LOCK_NOWAIT.invoicesFor(1, 1_000, new Slots(2_000, 20)))
                .isEqualTo(100);
        assertThat(Contender.CLAIM_ONLY_NOWAIT.invoicesFor(1, 50, new Slots(200, 20)))
                .isEqualTo(4_000);
    }

    @Test
    void a_distance_that_is_none_is_refused() {
        assertThatThrownBy(() -> Plan.of("roundTrips=-1")).hasMessageContaining("-1");
        assertThatThrownBy(() -> Plan.of("connections=0")).hasMessageContaining("connections is 0");
    }
}
