package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every number at both ends of its range either bills, or is refused with its name, its value and its range. */
class SettingRangesTest {
    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);
    private static final Duration DAY = Duration.ofDays(1);

    private final TestHost host = TestHost.withInvoices(2);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @TestFactory
    Stream<DynamicTest> what_is_out_of_range_is_refused_by_name_value_and_range() {
        return Stream.of(
                refused(
                        "stopAfterFailures is 2147483647",
                        "1 and 1,000,000",
                        b -> b.stopAfterFailures(Integer.MAX_VALUE)),
                refused("stopAfterFailures is 1000001", "1 and 1,000,000", b -> b.stopAfterFailures(1_000_001)),
                refused("concurrency is 300000000", "1 and 10,000", b -> b.concurrency(300_000_000)),
                refused("concurrency is 10001", "1 and 10,000", b -> b.concurrency(10_001)),
                refused("callTimeout is PT312H", "a millisecond and a day", b -> b.callTimeout(Duration.ofDays(13))),
                refused(
                        "callTimeout is PT0.000001S",
                        "a millisecond and a day",
                        b -> b.callTimeout(Duration.ofNanos(1_000))),
                refused("callTimeout is " + FOREVER, "a millisecond and a day", b -> b.callTimeout(FOREVER)),
                refused("leaseMargin is PT24H0.001S", "a millisecond and a day", b -> b.leaseMargin(DAY.plusMillis(1))),
                refused("leaseMargin is " + FOREVER, "a millisecond and a day", b -> b.leaseMargin(FOREVER)),
                refused("waitTimeout is " + FOREVER, "a millisecond and a day", b -> b.waitTimeout(FOREVER)),
                refused("maxCallsPerSecond is NaN", "0.001", b -> b.maxCallsPerSecond(Double.NaN)),
                refused("maxCallsPerSecond is -Infinity", "0.001", b -> b.maxCallsPerSecond(Double.NEGATIVE_INFINITY)));
    }

    @TestFactory
    Stream<DynamicTest> what_is_at_the_end_of_its_range_bills() {
        UnaryOperator<LockingInvoiceBiller.Builder> claimOnly = b -> b.lockScope(LockScope.CLAIM_ONLY);
        return Stream.of(
                bills("stopAfterFailures", b -> b.stopAfterFailures(1_000_000)),
                bills("stopAfterFailures 1", b -> b.stopAfterFailures(1)),
                bills("stopAfterFailures, claim only", b -> claimOnly.apply(b).stopAfterFailures(1_000_000)),
                bills("concurrency", b -> claimOnly.apply(b).concurrency(10_000)),
                bills("all times", b -> b.callTimeout(DAY).leaseMargin(DAY).waitTimeout(DAY)),
                bills(
                        "all times, claim only",
                        b -> claimOnly.apply(b).callTimeout(DAY).leaseMargin(DAY)),
                bills(
                        "all times, WAIT",
                        b -> b.callTimeout(DAY)
                                .leaseMargin(DAY)
                                .waitTimeout(DAY)
                                .lockStrategy(LockStrategy.WAIT)),
                bills("fleetCallsPerSecond", b -> b.fleetCallsPerSecond(Double.MAX_VALUE)),
                bills("maxCallsPerSecond", b -> b.maxCallsPerSecond(Double.MAX_VALUE)),
                bills("maxCallsPerSecond, none", b -> b.maxCallsPerSecond(Double.POSITIVE_INFINITY)));
    }

    @Test
    void a_run_may_have_all_the_time_there_is() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        assertThat(server.billPending(RunLimits.none().time(FOREVER)).billed()).isEqualTo(2);
        assertThat(RunLimits.none()
                        .time(Duration.ofSeconds(1))
                        .time(Duration.ofDays(400))
                        .time())
                .isEqualTo(Duration.ofDays(400));
    }

    @Test
    void a_provider_may_remember_for_ever_and_be_slow_for_ever() {
        BillingGateway gateway = new BillingGateway() {
            private int calls;

            @Override
            public BillingOutcome bill(BillingRequest request) {
                return calls++ < 2 ? BillingOutcome.unknown("500") : BillingOutcome.billed("ch_" + calls);
            }

            @Override
            public Duration idempotencyWindow() {
                return FOREVER;
            }

            @Override
            public Duration findLag() {
                return FOREVER;
            }
        };
        LockingInvoiceBiller server = host.running(host.server(gateway));
        assertThat(server.billPending().inDoubt()).isEqualTo(2);
        host.letTimePass(1, Duration.ofHours(1));
        host.letTimePass(2, Duration.ofHours(1));

        assertThat(server.recover().billed()).isEqualTo(2);
    }

    private DynamicTest refused(String message, String range, UnaryOperator<LockingInvoiceBiller.Builder> setting) {
        return DynamicTest.dynamicTest(
                message,
                () -> assertThatThrownBy(
                                () -> setting.apply(host.server(provider)).build())
                        .isInstanceOf(SetupException.class)
                        .hasMessageContaining(message)
                        .hasMessageContaining(range));
    }

    private DynamicTest bills(String what, UnaryOperator<LockingInvoiceBiller.Builder> setting) {
        return DynamicTest.dynamicTest(what, () -> {
            host.sql("truncate invoice_lock.billing_attempt");
            host.sql("update invoices set pending = true");
            try (LockingInvoiceBiller server = setting.apply(host.server(TestProvider.thatRemembersFor(FOREVER)))
                    .build()) {
                assertThat(server.billPending().billed()).isEqualTo(2);
            }
        });
    }
}
