package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.micrometer.BillingMetrics;
import io.github.invoicelock.micrometer.JournalMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What docs/monitoring reads is what a server's metrics page shows, by name and by label, and what it says leads somewhere. */
class MonitoringTest {
    private static final String ALERTS = Docs.page("docs/monitoring/alerts.yml").text();
    private static final String DASHBOARD =
            Docs.page("docs/monitoring/dashboard.json").text();
    private static final Docs OPERATIONS = Docs.page("docs/operations.md");

    private static final Pattern METRIC = Pattern.compile("\\binvoice_lock_\\w+");
    private static final Pattern SELECTED = Pattern.compile("\\b(invoice_lock_\\w+)\\{(\\w+)=\"(\\w+)\"");
    private static final Pattern HEADING = Pattern.compile("docs/operations\\.md#([\\w-]+)");
    private static final Pattern SAMPLE = Pattern.compile("(?m)^(invoice_lock_\\w+)");
    private static final Pattern FAMILY = Pattern.compile("(?m)^# TYPE (invoice_lock_\\w+) ");

    private final TestHost host = TestHost.withInvoices(3);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final BillingMetrics metrics = new BillingMetrics("invoices");
    private final LockingInvoiceBiller server =
            host.running(host.server(provider).listener(metrics).concurrency(3));

    MonitoringTest() {
        metrics.bindTo(registry);
        new JournalMetrics(server, Duration.ZERO).bindTo(registry);
    }

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void the_metrics_page_shows_the_run_while_it_goes_on() {
        Moment called = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            if (request.invoiceId().equals("3")) {
                called.reach();
                answer.await();
            }
            return p.charge(request);
        });
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        called.await();
        await().atMost(Duration.ofMinutes(1))
                .untilAsserted(
                        () -> assertThat(value("invoice_lock_outcomes_total{biller=\"invoices\",outcome=\"billed\"}"))
                                .isEqualTo(2));

        assertThat(run.isDone()).isFalse();
        assertThat(value("invoice_lock_journal_in_flight{biller=\"invoices\"}")).isEqualTo(1);
        assertThat(value("invoice_lock_call_seconds_count{answer=\"billed\",biller=\"invoices\"}"))
                .isEqualTo(2);
        assertThat(value("invoice_lock_run_seconds_count{biller=\"invoices\",stopped=\"none_left\"}"))
                .isZero();

        answer.reach();
        run.result();
        assertThat(value("invoice_lock_journal_in_flight{biller=\"invoices\"}")).isZero();
        assertThat(value("invoice_lock_outcomes_total{biller=\"invoices\",outcome=\"billed\"}"))
                .isEqualTo(3);
        assertThat(value("invoice_lock_run_seconds_count{biller=\"invoices\",stopped=\"none_left\"}"))
                .isEqualTo(1);
    }

    @Test
    void every_metric_that_the_alerts_and_the_dashboard_read_is_on_the_page_of_the_first_run() {
        server.billPending();
        String page = registry.scrape();

        assertThat(names(ALERTS, METRIC)).isNotEmpty().isSubsetOf(names(page, SAMPLE));
        assertThat(names(DASHBOARD, METRIC)).isNotEmpty().isSubsetOf(names(page, SAMPLE));
        SoftAssertions softly = new SoftAssertions();
        SELECTED.matcher(ALERTS)
                .results()
                .forEach(selected -> softly.assertThat(page)
                        .as(selected.group())
                        .containsPattern("(?m)^%s\\{.*\\b%s=\"%s\""
                                .formatted(selected.group(1), selected.group(2), selected.group(3))));
        softly.assertAll();
    }

    @Test
    void every_metric_is_explained_and_on_the_dashboard() {
        server.billPending();
        Set<String> families = names(registry.scrape(), FAMILY);

        assertThat(families).hasSizeGreaterThan(15).allSatisfy(family -> {
            String base = family.replaceFirst("_max$", "");
            assertThat(OPERATIONS.text()).contains("`" + base + "`");
            assertThat(DASHBOARD).contains(base);
        });
    }

    @Test
    void every_metric_that_a_page_names_is_there() {
        server.billPending();
        String page = registry.scrape();
        Set<String> there = names(page, SAMPLE);
        there.addAll(names(page, FAMILY));

        assertThat(Docs.all())
                .allSatisfy(read -> assertThat(names(read.text(), METRIC))
                        .as("in %s", read.path())
                        .isSubsetOf(there));
    }

    @Test
    void every_alert_says_what_happened_what_to_do_and_where_to_read_on() {
        List<String> alerts = List.of(ALERTS.split("- alert: ", -1));

        assertThat(alerts).hasSizeGreaterThan(5);
        assertThat(alerts.subList(1, alerts.size())).allSatisfy(alert -> {
            assertThat(alert).containsOnlyOnce("summary: ").containsOnlyOnce("description: ");
            assertThat(HEADING.matcher(alert).results()).hasSize(1);
            assertThat(OPERATIONS.text())
                    .contains("`" + alert.lines().findFirst().orElseThrow() + "`");
        });
    }

    @Test
    void headings_that_alerts_and_dashboard_point_to_exist() {
        Set<String> headings = new TreeSet<>(names(ALERTS, HEADING));
        headings.addAll(names(DASHBOARD, HEADING));

        assertThat(OPERATIONS.anchors()).containsAll(headings);
    }

    private static Set<String> names(String text, Pattern pattern) {
        return pattern.matcher(text)
                .results()
                .map(match -> match.group(match.groupCount()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** What a scrape shows of one sample. */
    private double value(String sample) {
        MatchResult line = Pattern.compile("(?m)^" + Pattern.quote(sample) + " (.*)$")
                .matcher(registry.scrape())
                .results()
                .findFirst()
                .orElseThrow(() -> new AssertionError("No sample " + sample + " in\n" + registry.scrape()));
        return Double.parseDouble(line.group(1));
    }
}
