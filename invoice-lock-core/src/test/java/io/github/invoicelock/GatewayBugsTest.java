package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A mistake in a gateway is told as one: where it is, once for a run; and no invoice is paid without a reference. */
class GatewayBugsTest {
    private final TestHost host = TestHost.withInvoices(30);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.InEveryScope
    void a_wrong_column_is_logged_with_its_class_and_where_it_was_thrown_once_for_a_run(LockScope scope) {
        provider.answering((p, request) -> {
            String customer = request.invoice().get("no_such_column", String.class);
            throw new AssertionError("There is a column: " + customer);
        });
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockScope(scope).stopAfterFailures(10).concurrency(2));

        String log = Log.of(() -> assertThat(server.billPending().stopReason()).isEqualTo(StopReason.PROVIDER_FAILING));

        assertThat(count(log, "java.lang.IllegalArgumentException"))
                .as("%s", log)
                .isEqualTo(1);
        assertThat(log).contains("WARN").contains("GatewayBugsTest");
        assertThat(count(Log.of(server::billPending), "java.lang.IllegalArgumentException"))
                .as("the next run says it again")
                .isEqualTo(1);
    }

    @Ways.InEveryScope
    void two_kinds_of_mistakes_are_logged_once_each(LockScope scope) {
        provider.answering((p, request) -> {
            if (Integer.parseInt(request.invoiceId()) % 2 == 0) {
                throw new IllegalStateException("the other");
            }
            throw new ArithmeticException("the one");
        });
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).stopAfterFailures(10));

        String log = Log.of(server::billPending);

        assertThat(count(log, "java.lang.ArithmeticException")).as("%s", log).isEqualTo(1);
        assertThat(count(log, "java.lang.IllegalStateException")).as("%s", log).isEqualTo(1);
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", "  "})
    void billed_without_a_reference_is_no_known_outcome(@Nullable String reference) {
        provider.answering((p, request) -> {
            p.charge(request);
            return billed(reference);
        });
        for (LockScope scope : LockScope.values()) {
            LockingInvoiceBiller server = host.running(host.server(provider).lockScope(scope));

            BillingRun run = server.billPending(RunLimits.none().invoices(1));

            assertThat(run.inDoubt()).as("%s %s", scope, run).isEqualTo(1);
        }
        assertThat(host.count("invoices", "pending")).isEqualTo(30);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isZero();
        assertThat(host.running(host.server(provider)).attempts(1).get(0).message())
                .as("said clearly")
                .contains("reference");
    }

    @Test
    void found_without_a_reference_is_no_known_outcome() {
        TestProvider.Askable askable = TestProvider.thatRemembersAndCanBeAsked();
        askable.answering((p, request) -> {
            p.charge(request);
            return BillingOutcome.unknown("500");
        });
        LockingInvoiceBiller server =
                host.running(host.server(askable).retryPolicy(RetryPolicy.every(Duration.ofHours(1), 9)));
        server.bill(1);
        askable.finding(request -> billed(""));
        host.letTimePass(1, Duration.ofHours(2));

        server.recover();

        assertThat(host.state(1)).isNotEqualTo("BILLED");
        assertThat(host.pending(1)).isTrue();
    }

    @Test
    void neither_a_webhook_nor_a_person_makes_an_invoice_paid_without_a_reference() {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(RetryPolicy.every(Duration.ofHours(1), 9)));
        server.bill(1);
        String key = server.attempts(1).get(0).idempotencyKey();

        for (String reference : List.of("", " ")) {
            assertThatThrownBy(() -> server.report(key, billed(reference)))
                    .isInstanceOf(RuntimeException.class)
                    .hasMessageContaining("reference");
            assertThatThrownBy(() -> server.resolve(1, billed(reference), "seen", "Ada"))
                    .isInstanceOf(RuntimeException.class)
                    .hasMessageContaining("reference");
        }

        assertThat(host.state(1)).isEqualTo("IN_DOUBT");
        assertThat(host.pending(1)).isTrue();
    }

    @SuppressWarnings("NullAway") // that is what is tested
    private static BillingOutcome billed(@Nullable String reference) {
        return BillingOutcome.billed(reference);
    }

    private static long count(String log, String word) {
        return Pattern.compile(Pattern.quote(word)).matcher(log).results().count();
    }
}
