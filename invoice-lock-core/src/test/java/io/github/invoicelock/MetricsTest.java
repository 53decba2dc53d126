package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.micrometer.BillingMetrics;
import io.github.invoicelock.micrometer.JournalMetrics;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the metrics show, and what they cost. */
class MetricsTest {
    private final TestHost host = TestHost.withInvoices(6);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final MockClock clock = new MockClock();
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);
    private final BillingMetrics metrics = new BillingMetrics("invoices");

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void every_outcome_is_counted_and_every_step_timed() {
        metrics.bindTo(registry);
        provider.answering((p, request) -> switch (request.invoiceId()) {
            case "1" -> p.charge(request);
            case "2" -> BillingOutcome.accepted("dd_2", Duration.ofDays(2));
            case "3" -> BillingOutcome.declined("card_declined", "no money");
            case "4" -> BillingOutcome.notBilled("429");
            default -> BillingOutcome.unknown("500");
        });
        host.holding(6);

        host.running(host.server(provider).listener(metrics)).billPending();

        assertThat(outcomes("billed")).isEqualTo(1);
        assertThat(outcomes("accepted")).isEqualTo(1);
        assertThat(outcomes("declined")).isEqualTo(1);
        assertThat(outcomes("not_billed")).isEqualTo(1);
        assertThat(outcomes("in_doubt")).isEqualTo(1);
        assertThat(outcomes("withdrawn")).isZero();
        assertThat(counter("contended")).isEqualTo(1);
        assertThat(registry.get("invoice.lock.parked")
                        .tag("cause", "refused")
                        .counter()
                        .count())
                .as("the refusal")
                .isEqualTo(1);
        assertThat(timer("claim")).as("the one that is held, too").isEqualTo(6);
        assertThat(timer("settle")).isEqualTo(5);
        assertThat(registry.get("invoice.lock.claim.invoices").summary().totalAmount())
                .isEqualTo(5);
        assertThat(registry.get("invoice.lock.settle.invoices").summary().totalAmount())
                .isEqualTo(5);
        for (String answer : new String[] {"billed", "accepted", "declined", "not_billed", "unknown"}) {
            assertThat(registry.get("invoice.lock.call")
                            .tags("biller", "invoices", "answer", answer)
                            .timer()
                            .count())
                    .as(answer)
                    .isEqualTo(1);
        }
    }

    @Test
    void take_overs_withdrawals_and_anomalies_are_counted() {
        metrics.bindTo(registry);
        LockingInvoiceBiller server = host.running(host.server(provider.answering(BillingOutcome.notBilled("429")))
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 99))
                .listener(metrics));
        server.bill(1);
        server.bill(2);
        host.sql("update invoices set pending = false where id = 2");
        provider.answering(TestProvider::charge);
        server.recover();
        host.sql("update invoices set pending = true where id = 1");
        server.bill(1);

        assertThat(counter("taken.over")).isEqualTo(1);
        assertThat(outcomes("withdrawn")).isEqualTo(1);
        assertThat(outcomes("not_billed")).isEqualTo(2);
        assertThat(outcomes("billed")).isEqualTo(1);
        assertThat(counter("anomalies")).as("charged, and pending again").isEqualTo(1);
    }

    @Test
    void a_withdrawal_that_the_provider_was_asked_about_is_counted_once() {
        metrics.bindTo(registry);
        TestProvider askable = TestProvider.thatCanBeAsked().answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(askable)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 99))
                .listener(metrics));
        server.bill(1);
        host.sql("update invoices set pending = false where id = 1");
        host.letTimePass(1, Duration.ofHours(1));
        server.recover();

        assertThat(outcomes("withdrawn")).isEqualTo(1);
    }

    @Test
    void without_a_registry_nothing_is_counted_and_with_two_each_counts_once() {
        LockingInvoiceBiller server = host.running(host.server(provider).listener(metrics));
        server.bill(1);
        SimpleMeterRegistry second = new SimpleMeterRegistry();
        metrics.bindTo(registry);
        metrics.bindTo(second);
        metrics.bindTo(second);
        server.bill(2);

        assertThat(outcomes("billed")).isEqualTo(1);
        assertThat(second.get("invoice.lock.outcomes")
                        .tag("outcome", "billed")
                        .counter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void gauges_show_the_journal_over_all_servers() {
        host.sql("update invoices set due_date = current_date - 2 where id = 6");
        host.sql("update invoices set due_date = current_date + 2 where id <> 6");
        Moment called = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> switch (request.invoiceId()) {
            case "1" -> {
                called.reach();
                answer.await();
                yield p.charge(request);
            }
            case "2" -> BillingOutcome.notBilled("429");
            default -> BillingOutcome.declined("card_declined", "no money");
        });
        InvoiceTable byDueDate = InvoiceTable.named("invoices").orderedBy("due_date");
        LockingInvoiceBiller other = host.running(
                host.server(provider).invoices(byDueDate).retryPolicy(RetryPolicy.every(Duration.ZERO, 2)));
        other.bill(2);
        other.bill(3);
        other.bill(4);
        host.letTimePass(2, Duration.ofMinutes(1));
        host.letTimePass(4, Duration.ofHours(1));
        InBackground<BillingRun> running = InBackground.of(() -> other.bill(1));
        called.await();

        new JournalMetrics(host.running(host.server(provider).invoices(byDueDate))).bindTo(registry);

        assertThat(gauge("in.flight")).isEqualTo(1);
        assertThat(gauge("due")).isEqualTo(1);
        assertThat(gauge("parked")).isEqualTo(2);
        assertThat(gauge("due.oldest")).isBetween(60.0, 600.0);
        assertThat(gauge("parked.oldest")).isBetween(3_600.0, 4_200.0);
        assertThat(gauge("pending.oldest")).isBetween(86_400.0, 4 * 86_400.0);
        assertThat(gauge("pending")).isEqualTo(host.count("invoices", "pending"));
        assertThat(gauge("paused")).isZero();
        answer.reach();
        assertThat(running.result().billed()).isEqualTo(1);
    }

    @Test
    void a_pause_and_the_last_run_are_seen_and_runs_of_each_kind_are_told_apart() {
        BillingMetrics metrics = new BillingMetrics("invoices");
        metrics.bindTo(registry);
        LockingInvoiceBiller server = host.running(host.server(provider).listener(metrics));
        new JournalMetrics(server, Duration.ZERO).bindTo(registry);
        server.recover();
        server.bill(1);
        server.pause("ann", "wrong amounts");
        server.billPending();
        host.sql("update invoice_lock.biller set last_run_at = last_run_at - interval '1 hour'");

        assertThat(gauge("paused")).isEqualTo(1);
        assertThat(gauge("last.run")).isBetween(3_600.0, 4_200.0);
        assertThat(runs("recover", "none_left")).isEqualTo(1);
        assertThat(runs("bill", "none_left")).isEqualTo(1);
        assertThat(runs("bill_pending", "paused")).isEqualTo(1);
        assertThat(runs("bill_pending", "none_left")).isZero();
    }

    private long runs(String kind, String stopped) {
        return registry.get("invoice.lock.run")
                .tags("biller", "invoices", "run", kind, "stopped", stopped)
                .timer()
                .count();
    }

    @Test
    void a_reading_is_kept_so_that_scrapes_are_cheap() {
        LockingInvoiceBiller server = host.running(host.server(provider.answering(BillingOutcome.declined("x", "y"))));
        new JournalMetrics(server).bindTo(registry);
        assertThat(gauge("parked")).isZero();
        server.bill(1);

        clock.add(JournalMetrics.KEPT_FOR.minusMillis(1));
        assertThat(gauge("parked")).isZero();
        clock.add(1, TimeUnit.MILLISECONDS);
        assertThat(gauge("parked")).isEqualTo(1);
    }

    @Test
    void gauges_of_a_database_that_does_not_answer_are_not_a_number_until_it_does() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        new JournalMetrics(server, Duration.ofSeconds(5)).bindTo(registry);
        host.sql("alter table invoice_lock.billing_attempt rename to gone");
        assertThat(gauge("parked")).isNaN();
        host.sql("alter table invoice_lock.gone rename to billing_attempt");
        assertThat(gauge("due")).as("kept, too: no scrape hammers it").isNaN();
        clock.add(5, TimeUnit.SECONDS);
        assertThat(gauge("due")).isZero();
        assertThatThrownBy(() -> new JournalMetrics(server, Duration.ofSeconds(-1)))
                .hasMessageContaining("keptFor is PT-1S");
    }

    private double outcomes(String outcome) {
        return registry.get("invoice.lock.outcomes")
                .tags("biller", "invoices", "outcome", outcome)
                .counter()
                .count();
    }

    private double counter(String name) {
        return registry.get("invoice.lock." + name)
                .tag("biller", "invoices")
                .counter()
                .count();
    }

    private long timer(String name) {
        return registry.get("invoice.lock." + name)
                .tag("biller", "invoices")
                .timer()
                .count();
    }

    private double gauge(String name) {
        return registry.get("invoice.lock.journal." + name)
                .tag("biller", "invoices")
                .gauge()
                .value();
    }
}
