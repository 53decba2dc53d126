package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;

/** What a listener hears is there already for every other connection, and is told once. */
class ToldAfterCommitTest {
    private final TestHost host = TestHost.withInvoices(6);
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final List<String> tooEarly = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategyInEveryScope
    void an_anomaly_of_a_mark(LockStrategy strategy, LockScope scope) {
        host.sql("create function f() returns trigger language plpgsql as $$ begin return null; end $$");
        host.sql("create trigger t before update on invoices for each row execute function f()");

        everyKindIsTold(strategy, scope);

        assertThat(tooEarly).as("told before another connection sees it").isEmpty();
        assertThat(told).as("it is told").anyMatch(each -> each.startsWith("anomaly 1:"));
        assertThat(told).as("once each").doesNotHaveDuplicates();
    }

    @Ways.WithEveryStrategyInEveryScope
    void claims_and_outcomes(LockStrategy strategy, LockScope scope) {
        everyKindIsTold(strategy, scope);

        assertThat(tooEarly).as("told before another connection sees it").isEmpty();
        assertThat(told).contains("claimed 1", "settled 1", "settled 2", "parked 3", "settled 4");
        assertThat(told).as("once each").doesNotHaveDuplicates();
    }

    @Ways.InEveryScope
    void an_anomaly_of_a_report(LockScope scope) {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).listener(new Listening()));
        server.bill(1);

        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_1"));

        assertThat(tooEarly).isEmpty();
        assertThat(told.stream().filter(each -> each.startsWith("anomaly 1:"))).hasSize(1);
    }

    private void everyKindIsTold(LockStrategy strategy, LockScope scope) {
        provider.answering((p, request) -> switch (request.invoiceId()) {
            case "2" -> BillingOutcome.unknown("500");
            case "3" -> p.refuse(request);
            case "4" -> BillingOutcome.notBilled("429");
            default -> p.charge(request);
        });
        host.running(host.server(provider)
                        .lockStrategy(strategy)
                        .lockScope(scope)
                        .concurrency(6)
                        .listener(new Listening()))
                .billPending();
    }

    /** Looks at the journal by a connection of its own whenever it is told something. */
    private final class Listening implements BillingListener {
        @Override
        public void claimed(BillingAttempt attempt) {
            hear("claimed " + attempt.invoiceId(), attempt.invoiceId(), AttemptState.STARTED, false);
        }

        @Override
        public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
            hear("settled " + attempt.invoiceId(), attempt.invoiceId(), attempt.state(), true);
        }

        @Override
        public void parked(BillingAttempt attempt) {
            hear("parked " + attempt.invoiceId(), attempt.invoiceId(), attempt.state(), true);
        }

        @Override
        public void anomaly(String invoiceId, String what) {
            hear("anomaly " + invoiceId + ": " + what, invoiceId, AttemptState.BILLED, true);
        }

        private void hear(String event, String invoiceId, AttemptState state, boolean exactly) {
            told.add(event);
            String there = host.state(Long.parseLong(invoiceId));
            boolean seen = exactly ? state.name().equals(there) : there != null;
            if (!seen) {
                tooEarly.add(event + ", and there is " + there);
            }
        }
    }
}
