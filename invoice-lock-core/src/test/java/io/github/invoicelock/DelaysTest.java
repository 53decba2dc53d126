package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Delays that a provider or a policy asks for have a bound: what lies behind it waits for a person, who is told why. */
class DelaysTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** What a Retry-After that is a time stamp comes to: the year 2082. */
    private static final Duration TIME_STAMP = Duration.between(Instant.EPOCH, Instant.parse("2025-11-29T00:00:00Z"));

    private static final Duration FOREVER = Duration.ofSeconds(Long.MAX_VALUE);

    private final TestHost host = TestHost.withInvoices(5);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.InEveryScope
    void a_retry_after_that_was_a_time_stamp_waits_for_a_person(LockScope scope) {
        retryAfterIsParked(scope, TIME_STAMP);
    }

    @Ways.InEveryScope
    void a_retry_after_without_end_waits_for_a_person(LockScope scope) {
        retryAfterIsParked(scope, FOREVER);
    }

    @Ways.InEveryScope
    void a_retry_after_of_as_many_seconds_as_a_provider_can_write_waits_for_a_person(LockScope scope) {
        retryAfterIsParked(scope, Duration.ofSeconds(99_999_999_999_999L));
    }

    private void retryAfterIsParked(LockScope scope, Duration retryAfter) {
        LockingInvoiceBiller server = the(BillingOutcome.notBilled("429", retryAfter), scope, RetryPolicy.standard());

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        othersAreBilled(run);
        assertThat(host.state(3)).isEqualTo("NOT_BILLED");
        isListed(server);
    }

    @ParameterizedTest
    @ValueSource(longs = {1_764_374_400, 99_999_999_999_999L, Long.MAX_VALUE})
    void accepted_to_be_asked_about_in_an_age_is_never_sent_again_and_never_forgotten(long seconds) {
        for (LockScope scope : LockScope.values()) {
            host.sql("truncate invoice_lock.billing_attempt; update invoices set pending = true");
            LockingInvoiceBiller server =
                    the(BillingOutcome.accepted("dd_3", Duration.ofSeconds(seconds)), scope, RetryPolicy.standard());
            int before = provider.requestsFor(3).size();

            BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();
            server.billPending();

            othersAreBilled(run);
            assertThat(host.state(3)).isEqualTo("ACCEPTED");
            assertThat(server.attempts(3).get(0).reference()).isEqualTo("dd_3");
            assertThat(provider.requestsFor(3)).as("R15").hasSize(before + 1);
            boolean dueWithinAMonth = host.count(
                            "invoice_lock.billing_attempt",
                            "state = 'ACCEPTED' and due_at < now() + interval '32 days'")
                    == 1;
            if (!dueWithinAMonth) {
                isListed(server);
            }
        }
    }

    @Ways.InEveryScope
    void a_policy_that_answers_null_is_told_as_the_policys_fault(LockScope scope) {
        policyIsToBlame(scope, attempt -> nothing());
    }

    @Ways.InEveryScope
    void a_policy_that_throws_is_told_as_the_policys_fault(LockScope scope) {
        policyIsToBlame(scope, attempt -> {
            throw new IllegalStateException("no more ideas");
        });
    }

    @Ways.InEveryScope
    void a_policy_that_throws_an_error_is_told_as_the_policys_fault(LockScope scope) {
        policyIsToBlame(scope, attempt -> {
            throw new NoClassDefFoundError("com/acme/Backoff");
        });
    }

    @Ways.InEveryScope
    void a_policy_that_answers_a_negative_delay_is_told_as_the_policys_fault_or_tries_at_once(LockScope scope) {
        LockingInvoiceBiller server =
                the(BillingOutcome.notBilled("429"), scope, attempt -> Optional.of(Duration.ofSeconds(Long.MIN_VALUE)));

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        othersAreBilled(run);
        assertThat(host.state(3)).isEqualTo("NOT_BILLED");
        boolean due = host.count("invoice_lock.billing_attempt", "state = 'NOT_BILLED' and due_at <= now()") == 1;
        assertThat(due || listed(server).contains("3")).isTrue();
    }

    @Ways.InEveryScope
    void a_policy_that_answers_for_ever_leaves_it_to_a_person(LockScope scope) {
        LockingInvoiceBiller server = the(BillingOutcome.notBilled("429"), scope, attempt -> Optional.of(FOREVER));

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        othersAreBilled(run);
        isListed(server);
    }

    private void policyIsToBlame(LockScope scope, RetryPolicy policy) {
        LockingInvoiceBiller server = the(BillingOutcome.unknown("500"), scope, policy);

        BillingRun run = Bounded.by(LIMIT, "the run", server::billPending).answer();

        othersAreBilled(run);
        assertThat(host.state(3)).isEqualTo("IN_DOUBT");
        assertThat(server.attempts(3).get(0).calls()).as("the call was counted").isEqualTo(1);
        isListed(server);
        assertThat(server.needsAttention().get(0).message()).containsIgnoringCase("policy");
    }

    private LockingInvoiceBiller the(BillingOutcome outcome, LockScope scope, RetryPolicy policy) {
        provider.answering((p, request) -> request.invoiceId().equals("3") ? outcome : p.charge(request));
        return host.running(
                host.server(provider).lockScope(scope).concurrency(2).retryPolicy(policy));
    }

    private void othersAreBilled(BillingRun run) {
        assertThat(run.billed()).isEqualTo(4);
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(run.seen()).isEqualTo(5);
        assertThat(host.count("invoices", "pending")).isEqualTo(1);
    }

    private static void isListed(LockingInvoiceBiller server) {
        assertThat(listed(server)).containsExactly("3");
        assertThat(server.needsAttention().get(0).message()).as("why").isNotBlank();
        assertThat(server.status().parked()).isEqualTo(1);
    }

    private static List<String> listed(LockingInvoiceBiller server) {
        return server.needsAttention().stream().map(BillingAttempt::invoiceId).toList();
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // that is what is tested
    private static <T> T nothing() {
        return null;
    }
}
