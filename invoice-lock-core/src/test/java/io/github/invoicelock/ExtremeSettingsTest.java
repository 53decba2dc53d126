package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Extreme numbers: each is refused by its name, before anything is charged, or works. */
class ExtremeSettingsTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    private final TestHost host = TestHost.withInvoices(3);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.InEveryScope
    void stop_after_failures(LockScope scope) {
        refusedOrWorks("stopAfterFailures", builder -> builder.lockScope(scope).stopAfterFailures(Integer.MAX_VALUE));
    }

    @ParameterizedTest
    @ValueSource(ints = {100_000, 300_000_000, Integer.MAX_VALUE})
    void concurrency_claim_only(int calls) {
        refusedOrWorks(
                "concurrency",
                builder -> builder.lockScope(LockScope.CLAIM_ONLY)
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .concurrency(calls));
    }

    @ParameterizedTest
    @ValueSource(ints = {100_000, 300_000_000, Integer.MAX_VALUE})
    void concurrency_through_call(int calls) {
        refusedOrWorks("concurrency", builder -> builder.concurrency(calls));
    }

    @ParameterizedTest
    @ValueSource(ints = {12, 13, 14, 15, 16, 17, 18, 19, 20, 25, 30})
    void call_timeout_in_days(int days) {
        refusedOrWorks("callTimeout", builder -> builder.callTimeout(Duration.ofDays(days)));
    }

    @ParameterizedTest
    @ValueSource(ints = {7, 12, 20, 25})
    void all_three_times_in_days(int days) {
        Duration time = Duration.ofDays(days);
        refusedOrWorks(
                "Time", // callTimeout, waitTimeout; leaseMargin is in the sum
                builder -> builder.lockStrategy(LockStrategy.WAIT)
                        .callTimeout(time)
                        .leaseMargin(time)
                        .waitTimeout(time));
    }

    @Test
    void call_timeout_for_ever() {
        refusedOrWorks("callTimeout", builder -> builder.callTimeout(FOREVER));
    }

    @Test
    void lease_margin_for_ever() {
        refusedOrWorks("leaseMargin", builder -> builder.leaseMargin(FOREVER));
    }

    @Test
    void wait_timeout_for_ever() {
        refusedOrWorks(
                "waitTimeout",
                builder -> builder.lockStrategy(LockStrategy.WAIT).waitTimeout(FOREVER));
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.MAX_VALUE, 1e18, 0.001})
    void calls_per_second(double calls) {
        refusedOrWorks("maxCallsPerSecond", builder -> builder.maxCallsPerSecond(calls), 1);
    }

    @Test
    void a_run_of_endless_time() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        Bounded<BillingRun> run = Bounded.by(
                LIMIT, "the run", () -> server.billPending(RunLimits.none().time(FOREVER)));
        if (run.thrown() != null) {
            assertThat(run.thrown())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("RunLimits.time");
            assertThat(provider.charges()).isZero();
        } else {
            assertThat(run.answer().billed()).isEqualTo(3);
        }
    }

    @Test
    void a_run_of_as_many_invoices_as_there_can_be() {
        BillingRun run =
                host.running(host.server(provider)).billPending(RunLimits.none().invoices(Integer.MAX_VALUE));

        assertThat(run.billed()).isEqualTo(3);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
    }

    @Test
    void a_provider_that_remembers_for_ever() {
        host.close();
        try (TestHost other = TestHost.withInvoices(3)) {
            TestProvider remembers = TestProvider.thatRemembersFor(FOREVER).answering(BillingOutcome.unknown("500"));
            Bounded<LockingInvoiceBiller> built = Bounded.by(
                    LIMIT,
                    "build()",
                    () -> other.running(other.server(remembers).retryPolicy(RetryPolicy.every(Duration.ZERO, 9))));
            if (built.thrown() != null) {
                assertThat(built.thrown()).isInstanceOf(SetupException.class).hasMessageContaining("idempotencyWindow");
                return;
            }
            built.answer().billPending();
            remembers.answering(TestProvider::charge);
            for (int id = 1; id <= 3; id++) {
                other.letTimePass(id, Duration.ofDays(3));
            }
            assertThat(built.answer().recover().billed())
                    .as("the same keys again")
                    .isEqualTo(3);
        }
    }

    private void refusedOrWorks(String setting, UnaryOperator<LockingInvoiceBiller.Builder> extreme) {
        refusedOrWorks(setting, extreme, 3);
    }

    private void refusedOrWorks(String setting, UnaryOperator<LockingInvoiceBiller.Builder> extreme, int invoices) {
        Bounded<LockingInvoiceBiller> built =
                Bounded.by(LIMIT, "build()", () -> host.running(extreme.apply(host.server(provider))));
        if (built.thrown() != null) {
            assertThat(built.thrown())
                    .isInstanceOfAny(SetupException.class, IllegalArgumentException.class)
                    .hasMessageContaining(setting);
            return;
        }
        BillingRun run = Bounded.by(
                        LIMIT,
                        "the run",
                        () -> built.answer().billPending(RunLimits.none().invoices(invoices)))
                .answer();
        assertThat(run.billed()).isEqualTo(invoices);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isEqualTo(provider.charges());
    }
}
