package io.github.invoicelock.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import io.github.invoicelock.examples.benchmarks.ClaimTimes.ClaimTime;
import io.github.invoicelock.examples.benchmarks.Result.Repetition;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

/** What is written of a run. */
class ReportTest {
    @Test
    void the_median_is_one_that_was_measured() {
        assertThat(Result.median(List.of(5.0, 1.0, 3.0))).isEqualTo(3.0);
        assertThat(Result.median(List.of(5.0, 1.0))).isEqualTo(1.0);
    }

    @Test
    void a_second_call_for_one_invoice_is_told() {
        assertThat(result(repetition(10, 10, 0)).chargedOnce()).isTrue();
        assertThat(result(repetition(10, 11, 1)).chargedOnce()).isFalse();
        assertThat(result(repetition(10, 11, 0)).chargedOnce())
                .as("another server charged it again")
                .isFalse();
    }

    @Test
    void a_run_replaces_the_last_one_under_the_same_java_only(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("results.json");

        report(17, "first").writeJson(file);
        report(25, "second").writeJson(file);
        report(17, "third").writeJson(file);

        JsonArray runs =
                JsonParser.parseString(Files.readString(file)).getAsJsonObject().getAsJsonArray("runs");
        assertThat(runs.asList().stream()
                        .map(run -> run.getAsJsonObject().get("date").getAsString()))
                .containsExactly("second", "third");
    }

    @Test
    void a_claim_is_told_with_its_ratio_to_that_with_the_fewest(@TempDir Path directory) throws IOException {
        Path json = directory.resolve("results.json");
        Path page =
                Files.writeString(directory.resolve("README.md"), "<!-- benchmarks: begin --><!-- benchmarks: end -->");
        Report report = report(17, "2026-11-24", claim(1.17), claim(1.21));

        report.writeJson(json);
        report.writePage(page);

        assertThat(report.text().lines().filter(line -> line.contains("NOWAIT")))
                .satisfiesExactly(
                        asPromised ->
                                assertThat(asPromised).contains("ratio 1.17").doesNotContain("MORE THAN PROMISED"),
                        more -> assertThat(more).contains("ratio 1.21 (MORE THAN PROMISED)"));
        assertThat(report.text()).contains("jit=on 24.0 µs").contains("ratio 1.20 (MORE THAN PROMISED)");
        assertThat(page).content().contains("| 1.17 |").contains("| 1.21 |").contains("warm-ups: 3");
        assertThat(json)
                .content()
                .contains("\"claimToFewest\": 1.17")
                .contains("\"claimToFewest\": 1.21")
                .contains("\"warmups\": 3");
    }

    @Test
    void only_what_is_between_the_markers_of_a_page_is_replaced() {
        assertThat(Pages.replaceSection("before [ old ] after", "[", "]", "new"))
                .isEqualTo("before [\nnew\n] after");
        assertThatThrownBy(() -> Pages.replaceSection("no markers", "[", "]", "new"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("[");
    }

    @Test
    void the_chart_is_an_image_with_a_bar_for_each_contender() throws Exception {
        String svg = Chart.of(report(17, "2026-11-24").grouped(), "2 cores & more");

        var image =
                DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
        assertThat(image.getElementsByTagName("rect").getLength()).isEqualTo(1 + 1);
        assertThat(svg).contains(Contender.BY_HAND.title).contains("2 cores &amp; more");
    }

    @Test
    void every_contender_is_warmed_up_as_often_as_wanted_three_times_unless_told_otherwise() {
        assertThat(Plan.of("-").pace().warmups()).isEqualTo(3);
        assertThat(Plan.of("mode=full").pace().warmups()).isEqualTo(3);
        assertThat(Plan.of("warmups=0").pace().warmups()).isZero();
        assertThatThrownBy(() -> Plan.of("warmups=-1")).hasMessageContaining("warmups is -1");
        assertThatThrownBy(() -> Plan.of("repetitions=0")).hasMessageContaining("repetitions is 0");
    }

    @Test
    void one_two_and_four_servers_are_measured_in_turn_each_as_warm_as_one_alone() {
        Plan plan = Plan.of("sections=servers");

        assertThat(plan.groups())
                .singleElement(InstanceOfAssertFactories.list(Cell.class))
                .satisfies(group -> {
                    assertThat(group)
                            .filteredOn(cell -> cell.contender() == Contender.CLAIM_ONLY_SKIP_LOCKED)
                            .extracting(Cell::servers)
                            .containsExactly(1, 2, 4);
                    assertThat(group)
                            .allSatisfy(cell -> assertThat(plan.warmups(cell)).isEqualTo(3 * cell.servers()));
                });
    }

    @Test
    void a_contender_that_is_named_is_measured_on_several_servers_whichever_it_is() {
        assertThat(Plan.of("sections=servers contenders=QUARTZ").groups())
                .singleElement(InstanceOfAssertFactories.list(Cell.class))
                .extracting(Cell::contender)
                .containsExactly(Contender.QUARTZ, Contender.QUARTZ, Contender.QUARTZ);
        assertThat(Plan.of("sections=servers").groups().get(0))
                .extracting(Cell::contender)
                .doesNotContain(Contender.QUARTZ);
    }

    @Test
    void several_servers_are_told_in_relation_to_one(@TempDir Path directory) throws IOException {
        Path page = directory.resolve("README.md");
        Files.writeString(page, "<!-- benchmarks: begin -->\n<!-- benchmarks: end -->\n");

        report(17, "2026-01-01", List.of(result(1, null), result(4, 0.97))).writePage(page);

        assertThat(page)
                .content()
                .contains("4 servers, provider answers at once**")
                .contains("| of the row lock | of one server | WAL bytes each |")
                .contains("| 1.00 |  | 0.97 | 1,700 |")
                .contains("| of the row lock | WAL bytes each |")
                .contains("| 1.00 |  | 1,700 |");
    }

    @Test
    void what_an_invoice_costs_is_told_for_both_processors_and_in_relation(@TempDir Path directory) throws IOException {
        Path page =
                Files.writeString(directory.resolve("README.md"), "<!-- benchmarks: begin --><!-- benchmarks: end -->");
        Report report = report(17, "2026-01-01");

        report.writePage(page);

        assertThat(page)
                .content()
                .contains("| processor: JVM | PostgreSQL | both, of the upper bound | of the row lock |")
                .contains("| 9.4 µs | 21.0 µs | 1.20 |  |");
        assertThat(report.text()).contains("JVM µs").contains("21.0");
    }

    @Test
    void the_cheapest_of_those_beside_it_is_what_the_cost_is_compared_with() {
        Map<Cell, List<Repetition>> measured = new LinkedHashMap<>();
        measured.put(cell(Contender.ROW_LOCK_NOWAIT), List.of(costing(10, 30), costing(20, 30)));
        measured.put(cell(Contender.ROW_LOCK_SKIP_LOCKED), List.of(costing(10, 10), costing(20, 60)));
        measured.put(cell(Contender.THROUGH_CALL_NOWAIT), List.of(costing(30, 20), costing(50, 50)));

        assertThat(new Comparison(measured).results())
                .filteredOn(result -> result.contender().equals(Contender.THROUGH_CALL_NOWAIT.name()))
                .singleElement()
                .satisfies(result -> {
                    assertThat(result.processor().toRowLock())
                            .as("of 50 to 20 and 100 to 50")
                            .isEqualTo(2.0);
                    assertThat(result.processor().toUpperBound()).isNull();
                    assertThat(result.processor().bothMicros()).isEqualTo(50.0);
                });
    }

    @Test
    void an_argument_that_is_not_known_is_refused() {
        assertThatThrownBy(() -> Plan.of("mode=full sides=3"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("sides");
        assertThatThrownBy(() -> Plan.of("sections=fun")).hasMessageContaining("fun");
        assertThatThrownBy(() -> Plan.of("contenders=BY_HAND,ROW_LOCK"))
                .hasMessageContaining("ROW_LOCK; there are")
                .hasMessageContaining("ROW_LOCK_NOWAIT");
    }

    private static Report report(int java, String date, ClaimTime... claims) {
        return report(java, date, List.of(result(repetition(10, 10, 0))), claims);
    }

    private static Report report(int java, String date, List<Result> results, ClaimTime... claims) {
        return new Report(
                date,
                "quick",
                "mvn",
                "2 cores",
                java + ".0",
                java,
                Map.of(),
                Slots.USUAL,
                3,
                results,
                List.of(claims),
                List.of(new JitTime(1_000_000, 1_000_000, "on", 24, 20, 1.2, 1.1)),
                List.of());
    }

    private static ClaimTime claim(double toFewest) {
        return new ClaimTime("NOWAIT", "all billable", 1_000_000, 1_000_000, 100 * toFewest, toFewest, 250, 1.0);
    }

    private static Result result(Repetition repetition) {
        return result(Plan.THROUGHPUT, 1, null, repetition);
    }

    private static Result result(int servers, @Nullable Double toOneServer) {
        return result(Plan.SERVERS, servers, toOneServer, repetition(10, 10, 0));
    }

    private static Result result(String section, int servers, @Nullable Double toOneServer, Repetition repetition) {
        return new Result(
                section,
                Contender.BY_HAND.name(),
                Contender.BY_HAND.title,
                servers,
                new Waits(0, 0),
                10,
                0,
                Mix.ALL_BILLABLE.name(),
                10,
                1.0,
                null,
                toOneServer,
                1_700,
                new Result.Processor(9.4, 21.0, 1.2, null),
                List.of(repetition));
    }

    private static Cell cell(Contender contender) {
        return new Cell(Plan.THROUGHPUT, contender, Listener.NONE, 1, new Waits(50, 0), 10, 0, Mix.ALL_BILLABLE);
    }

    private static Repetition costing(double jvmMicros, double postgresMicros) {
        return new Repetition(1, 10, 10, 10, 0, 0, false, 1_700, 0, 0, jvmMicros, postgresMicros);
    }

    private static Repetition repetition(int billed, int calls, int twice) {
        return new Repetition(1, billed, billed, calls, twice, 0, false, 1_700, 0, 0, 9.4, 21.0);
    }
}
