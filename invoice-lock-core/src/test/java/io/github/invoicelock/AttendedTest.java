package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Nobody forgets recover(), and everybody hears of a pause: what is logged once, and what status() and the log say of runs. */
class AttendedTest {
    private final TestHost host = TestHost.withInvoices(3);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void where_something_has_been_due_for_ten_minutes_and_no_server_has_run_status_and_one_warning_say_so() {
        LockingInvoiceBiller server = host.running(host.server(provider.answering(BillingOutcome.unknown("500"))));
        server.bill(1);
        assertThat(server.status().lastRun()).as("one invoice is no run").isNull();
        host.letTimePass(1, Duration.ofMinutes(40));

        String log = Log.of(() -> {
            assertThat(server.status().unattended()).isTrue();
            assertThat(server.status().unattended()).isTrue();
        });

        assertThat(warnings(log))
                .hasSize(1)
                .first()
                .asString()
                .contains("biller=invoices 1 attempts are due, the first for PT", "Call recover() every minute");

        provider.answering(TestProvider::charge);
        server.recover();
        assertThat(server.status().unattended()).isFalse();
        assertThat(server.status().lastRun()).isLessThan(Duration.ofMinutes(2));
    }

    @Test
    void what_is_due_while_a_server_runs_is_attended_to() {
        LockingInvoiceBiller server = host.running(host.server(provider.answering(BillingOutcome.unknown("500"))));
        server.bill(1);
        server.pause("ann", "so that it stays due");
        host.letTimePass(1, Duration.ofMinutes(40));
        server.recover();

        assertThat(server.status().oldestDue()).isGreaterThan(Duration.ofMinutes(10));
        assertThat(server.status().unattended()).isFalse();

        host.sql("update invoice_lock.biller set last_run_at = last_run_at - interval '11 minutes'");
        assertThat(server.status().unattended()).isTrue();
    }

    @Test
    void a_run_leaves_its_trace_once_a_minute() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        LockingInvoiceBiller other = host.running(host.server(provider));
        server.recover();
        String first = host.one("select last_run_at from invoice_lock.biller");

        server.billPending();
        other.billPending();

        assertThat(first).isNotNull();
        assertThat(host.one("select last_run_at from invoice_lock.biller")).isEqualTo(first);
        host.sql("update invoice_lock.biller set last_run_at = last_run_at - interval '1 minute'");
        host.running(host.server(provider)).recover();
        assertThat(Duration.between(instant(first), instant(host.one("select last_run_at from invoice_lock.biller"))))
                .isPositive();
    }

    private Instant instant(@org.jspecify.annotations.Nullable String timestamp) {
        return Instant.ofEpochMilli(Math.round(1000
                * Double.parseDouble(
                        String.valueOf(host.one("select extract(epoch from timestamptz '" + timestamp + "')")))));
    }

    @Test
    void a_pause_is_one_warning_on_each_server_that_sees_it_however_often() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        LockingInvoiceBiller other = host.running(host.server(provider));

        String log = Log.of(() -> {
            server.pause("ann\nWARN forged", "wrong amounts");
            server.billPending();
            server.status();
            other.billPending();
            other.billPending();
            other.resume("bob");
            server.billPending();
            server.billPending();
        });

        assertThat(warnings(log))
                .hasSize(2)
                .allSatisfy(line -> assertThat(line)
                        .contains(
                                "biller=invoices paused by ann WARN forged at ",
                                ": wrong amounts. Nothing is claimed or sent until resume()"));
    }

    @Test
    void a_run_that_meets_a_pause_says_so_though_it_ends() {
        LockingInvoiceBiller operators = host.running(host.server(provider));
        Moment called = new Moment();
        Moment paused = new Moment();
        LockingInvoiceBiller server = host.running(host.server(provider.answering((p, request) -> {
            called.reach();
            paused.await();
            return p.charge(request);
        })));

        String log = Log.of(() -> {
            InBackground<BillingRun> run = InBackground.of(server::billPending);
            called.await();
            operators.pause("ann", "wrong amounts");
            paused.reach();
            run.result();
        });

        assertThat(warnings(log)).as("of both servers").hasSize(2);
    }

    private static List<String> warnings(String log) {
        return log.lines()
                .filter(line ->
                        Pattern.compile("\\bWARN\\b.* - biller=").matcher(line).find())
                .toList();
    }
}
