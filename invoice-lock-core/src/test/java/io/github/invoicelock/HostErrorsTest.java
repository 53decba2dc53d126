package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** R20: an Error of the host's, a class that is missing say, is nothing else than an exception of the host's: no charge is lost, no run hangs. */
class HostErrorsTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final TestHost host = TestHost.withInvoices(20);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @ParameterizedTest
    @MethodSource(EveryCall.STRATEGY_AND_SCOPE)
    void a_hook_that_throws_an_error_hides_no_charge_and_ends_no_run(LockStrategy strategy, LockScope scope) {
        LockingInvoiceBiller server = server(strategy, scope)
                .onBilled((tx, attempt, reference) -> missing())
                .build();

        Bounded<BillingRun> run = Bounded.by(LIMIT, "the run", server::billPending);

        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .as("every charge is in the journal")
                .isEqualTo(provider.charges());
        assertThat(run.thrown() instanceof Error).as("%s", run.thrown()).isFalse();
    }

    @ParameterizedTest
    @MethodSource(EveryCall.STRATEGY_AND_SCOPE)
    void one_invoice_whose_hook_throws_an_error_keeps_no_other_from_being_billed(
            LockStrategy strategy, LockScope scope) {
        LockingInvoiceBiller server = server(strategy, scope)
                .onBilled((tx, attempt, reference) -> {
                    if (attempt.invoiceId().equals("5")) {
                        missing();
                    }
                })
                .build();

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        assertThat(run.billed()).isEqualTo(20);
        assertThat(host.count("invoices", "pending")).as("5 is to be marked").isEqualTo(1);
        assertThat(host.state(5)).isEqualTo("BILLED");
    }

    @ParameterizedTest
    @EnumSource(LockScope.class)
    void a_report_whose_hook_throws_an_error_is_in_the_journal(LockScope scope) {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockScope(scope)
                .retryPolicy(RetryPolicy.every(Duration.ofHours(1), 9))
                .onBilled((tx, attempt, reference) -> missing()));
        server.bill(1);
        String key = server.attempts(1).get(0).idempotencyKey();

        // What the hook threw may be told, or not; the webhook has been heard.
        Bounded.by(LIMIT, "report", () -> {
            server.report(key, BillingOutcome.billed("ch_1"));
            return true;
        });

        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(server.attempts(1).get(0).reference()).isEqualTo("ch_1");
    }

    @ParameterizedTest
    @MethodSource(EveryCall.STRATEGY_AND_SCOPE)
    void a_listener_that_throws_an_error_when_it_is_told_of_a_claim_has_no_other_effect(
            LockStrategy strategy, LockScope scope) {
        everythingIsBilled(server(strategy, scope).listener(new BillingListener() {
            @Override
            public void claimed(BillingAttempt attempt) {
                throw new AssertionError("a listener's");
            }
        }));
    }

    @ParameterizedTest
    @MethodSource(EveryCall.STRATEGY_AND_SCOPE)
    void a_listener_that_throws_an_error_when_it_is_told_of_an_outcome_has_no_other_effect(
            LockStrategy strategy, LockScope scope) {
        everythingIsBilled(server(strategy, scope).listener(new BillingListener() {
            @Override
            public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
                throw new AssertionError("a listener's");
            }
        }));
    }

    private void everythingIsBilled(LockingInvoiceBiller.Builder builder) {
        LockingInvoiceBiller server = builder.build();

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        assertThat(run.billed()).isEqualTo(20);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(host.count("invoices", "pending")).isZero();
        assertThat(provider.charges()).isEqualTo(20);
    }

    @Test
    void an_anomaly_that_throws_rolls_no_charge_back() {
        provider.answering(TestProvider::refuse);
        List<String> told = new CopyOnWriteArrayList<>();
        LockingInvoiceBiller server = host.running(host.server(provider).listener(new BillingListener() {
            @Override
            public void anomaly(String invoiceId, String what) {
                told.add(invoiceId);
                throw new AssertionError("a listener's");
            }
        }));
        server.bill(1);
        String key = server.attempts(1).get(0).idempotencyKey();

        Bounded.by(LIMIT, "report", () -> {
            server.report(key, BillingOutcome.billed("ch_1"));
            return true;
        });

        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.pending(1)).isFalse();
        assertThat(told).as("it was told once").containsExactly("1");
    }

    private LockingInvoiceBiller.Builder server(LockStrategy strategy, LockScope scope) {
        return host.server(provider)
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(4)
                .stopAfterFailures(100);
    }

    private static void missing() {
        throw new NoClassDefFoundError("com/acme/Outbox");
    }
}
