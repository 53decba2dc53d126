package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of an invoice by the provider's answer. */
class OutcomesTest {
    private final TestHost host = TestHost.withInvoices(5);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.InEveryScope
    void all_five_are_journaled_and_counted(LockScope scope) {
        provider.answering((p, request) -> switch (request.invoiceId()) {
            case "1" -> p.charge(request);
            case "2" -> BillingOutcome.accepted("dd_2", Duration.ofDays(2));
            case "3" -> BillingOutcome.declined("card_declined", "no money");
            case "4" -> BillingOutcome.notBilled("429");
            default -> BillingOutcome.unknown("500");
        });
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockScope(scope).concurrency(3).lockStrategy(LockStrategy.SKIP_LOCKED));

        BillingRun run = server.billPending();

        assertThat(run.billed()).isEqualTo(1);
        assertThat(run.accepted()).isEqualTo(1);
        assertThat(run.declined()).isEqualTo(1);
        assertThat(run.notBilled()).isEqualTo(1);
        assertThat(run.inDoubt()).isEqualTo(1);
        assertThat(run.parked()).as("the refusal waits for a person").isEqualTo(1);
        assertThat(run.seen()).isEqualTo(5);
        assertThat(run.toString())
                .contains("billed=1 accepted=1 declined=1 notBilled=1 inDoubt=1")
                .contains("stopped=NONE_LEFT");
        assertThat(List.of(1, 2, 3, 4, 5))
                .extracting(host::state)
                .containsExactly("BILLED", "ACCEPTED", "DECLINED", "NOT_BILLED", "IN_DOUBT");
        assertThat(host.count("invoices", "pending")).isEqualTo(4);
        BillingAttempt declined = server.attempts(3).get(0);
        assertThat(declined.code()).isEqualTo("card_declined");
        assertThat(declined.message()).isEqualTo("no money");
        assertThat(server.attempts(2).get(0).reference()).isEqualTo("dd_2");
        assertThat(server.needsAttention())
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("3");
    }

    @Test
    void an_exception_and_a_null_are_unknown() {
        provider.answering((p, request) -> {
            if (request.invoiceId().equals("1")) {
                throw new SQLException("anything");
            }
            return nothing();
        });
        LockingInvoiceBiller server = host.running(host.server(provider));

        assertThat(server.billPending(RunLimits.none().invoices(2)).inDoubt()).isEqualTo(2);
        assertThat(server.attempts(1).get(0).message()).isEqualTo("java.sql.SQLException: anything");
        assertThat(server.attempts(2).get(0).message()).contains("answered null");
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"}) // that is what is tested
    private static BillingOutcome nothing() {
        return null;
    }

    @Ways.InEveryScope
    void an_error_is_unknown_and_thrown_on_after_it_is_journaled(LockScope scope) {
        provider.answering((p, request) -> {
            throw new NoClassDefFoundError("com/stripe/Stripe");
        });
        LockingInvoiceBiller server = host.running(host.server(provider).lockScope(scope));

        assertThatThrownBy(server::billPending).isInstanceOf(NoClassDefFoundError.class);

        int calls = provider.requests().size();
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'IN_DOUBT'"))
                .isEqualTo(calls);
        if (scope == LockScope.THROUGH_CALL) {
            assertThat(calls)
                    .as("claim-only the next may leave before it is written")
                    .isEqualTo(1);
        }
    }

    @Test
    void with_a_provider_that_offers_nothing_an_unknown_outcome_is_parked_and_never_repeated() {
        TestProvider nothing = TestProvider.thatOffersNothing();
        nothing.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server =
                host.running(host.server(nothing).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));

        BillingRun run = server.billPending();
        server.billPending();
        server.recover();

        assertThat(run.inDoubt()).isEqualTo(5);
        assertThat(run.parked()).isEqualTo(5);
        assertThat(nothing.requests()).hasSize(5);
        assertThat(server.needsAttention()).hasSize(5);
        server.retry(1);
        server.recover();
        assertThat(nothing.requests())
                .as("not even when a person asks for it: resolve() first")
                .hasSize(5);
    }

    @Test
    void a_repeated_request_that_surely_did_nothing_leaves_an_attempt_in_doubt_in_doubt() {
        TestProvider forgetful = TestProvider.thatRemembersFor(Duration.ofHours(1));
        LockingInvoiceBiller server =
                host.running(host.server(forgetful).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        forgetful.answering((p, request) -> {
            p.charge(request);
            return BillingOutcome.unknown("the answer was lost");
        });
        server.billPending(RunLimits.none().invoices(1));
        forgetful.answering(BillingOutcome.notBilled("429"));
        server.recover();
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");

        host.letTimePass(1, Duration.ofHours(1));
        forgetful.forgetKeys();
        forgetful.answering(TestProvider::charge);
        server.recover();

        assertThat(forgetful.chargesOf(1)).isEqualTo(1);
    }

    @Test
    void a_provider_that_says_when_to_come_back_is_left_alone_until_then() {
        provider.answering((p, request) -> BillingOutcome.notBilled("429", Duration.ofHours(3)));
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(RetryPolicy.every(Duration.ofSeconds(1), 5)));
        server.billPending(RunLimits.none().invoices(1));

        host.letTimePass(1, Duration.ofMinutes(179));
        assertThat(server.recover().seen()).isZero();
        host.letTimePass(1, Duration.ofMinutes(1));
        assertThat(server.recover().notBilled()).isEqualTo(1);
    }

    @Test
    void a_policy_that_gives_up_parks() {
        provider.answering(BillingOutcome.notBilled("429"));
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(RetryPolicy.every(Duration.ZERO, 2)));

        assertThat(server.billPending(RunLimits.none().invoices(1)).parked()).isZero();
        assertThat(server.recover().parked()).isEqualTo(1);
        assertThat(server.recover().seen()).isZero();
        provider.answering(TestProvider::charge);
        server.retry(1);
        assertThat(server.recover().billed()).isEqualTo(1);
    }

    @Test
    void the_standard_policy_doubles_with_jitter_ends_within_a_day_and_leaves_refusals_to_people() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending(RunLimits.none().invoices(1));
        BillingAttempt attempt = server.attempts(1).get(0);
        RetryPolicy policy = RetryPolicy.standard();

        Duration all = Duration.ZERO;
        int tries = 0;
        for (int calls = 1; ; calls++) {
            Optional<Duration> delay = policy.nextTry(withCalls(attempt, calls, AttemptState.IN_DOUBT));
            if (delay.isEmpty()) {
                break;
            }
            long longest = Math.min(3_600_000, 10_000L << Math.min(calls - 1, 20));
            assertThat(delay.get().toMillis()).isBetween(longest / 2, longest);
            all = all.plus(delay.get());
            tries++;
        }

        assertThat(tries).isEqualTo(19);
        assertThat(all).isLessThan(Duration.ofHours(24));
        assertThat(policy.nextTry(withCalls(attempt, 1, AttemptState.DECLINED))).isEmpty();
        assertThat(RetryPolicy.every(Duration.ofSeconds(1), 9).nextTry(withCalls(attempt, 1, AttemptState.DECLINED)))
                .isEmpty();
    }

    @Test
    void a_policy_must_not_go_back_in_time() {
        assertThatThrownBy(() -> RetryPolicy.every(Duration.ofSeconds(-1), 3)).hasMessageContaining("delay is PT-1S");
        assertThatThrownBy(() -> RetryPolicy.every(Duration.ZERO, 0)).hasMessageContaining("tries is 0");
    }

    @Test
    void an_outcome_says_what_it_cannot_be() {
        assertThatThrownBy(() -> BillingOutcome.accepted("dd_1", Duration.ZERO))
                .hasMessageContaining("askAgainAfter is PT0S");
        assertThatThrownBy(() -> BillingOutcome.notBilled("429", Duration.ofSeconds(-1)))
                .hasMessageContaining("retryAfter is PT-1S");
    }

    @Ways.InEveryScope
    void a_refusal_that_is_not_retried_sets_what_the_host_wants(LockScope scope) {
        provider.answering(BillingOutcome.declined("card_declined", "no"));
        host.running(host.server(provider)
                        .lockScope(scope)
                        .invoices(InvoiceTable.named("invoices").onDeclinedSet("state", "declined")))
                .billPending();

        assertThat(host.count("invoices", "state = 'declined' and pending")).isEqualTo(5);
    }

    @Ways.InEveryScope
    void a_charge_sets_what_the_host_wants_and_its_hook_writes_in_the_same_transaction(LockScope scope) {
        host.sql("create table ledger (invoice_id text, reference text)");
        for (LockStrategy strategy : List.of(LockStrategy.NOWAIT, LockStrategy.SKIP_LOCKED)) {
            host.sql("truncate invoice_lock.billing_attempt, ledger");
            host.sql("update invoices set pending = true, state = 'open'");
            host.running(host.server(provider)
                            .lockScope(scope)
                            .lockStrategy(strategy)
                            .concurrency(5)
                            .invoices(InvoiceTable.named("invoices")
                                    .onBilledSet("state", "paid")
                                    .storeReferenceIn("reference")
                                    .storeBilledAtIn("billed_at"))
                            .onBilled((tx, attempt, reference) ->
                                    tx.execute("insert into ledger values (?, ?)", attempt.invoiceId(), reference)))
                    .billPending();

            assertThat(host.count(
                            "invoices i join ledger l on l.invoice_id = i.id::text and l.reference = i.reference",
                            "not pending and state = 'paid' and billed_at > now() - interval '1 minute'"))
                    .as("%s", strategy)
                    .isEqualTo(5);
        }
    }

    @Ways.InEveryScope
    void a_hook_that_throws_sets_its_invoices_aside_hides_no_charge_and_is_tried_again(LockScope scope) {
        List<String> hooked = new CopyOnWriteArrayList<>();
        boolean[] broken = {true};
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).onBilled((tx, attempt, reference) -> {
                    if (broken[0]) {
                        throw new IllegalStateException("the ledger is full");
                    }
                    hooked.add(attempt.invoiceId());
                }));

        BillingRun broke = server.billPending();

        assertThat(broke.billed()).isEqualTo(5);
        assertThat(broke.parked()).isEqualTo(5);
        assertThat(broke.stopReason()).isEqualTo(StopReason.NONE_LEFT);
        assertThat(server.needsAttention()).hasSize(5).allSatisfy(setAside -> {
            assertThat(setAside.cause()).isEqualTo(AttemptCause.OWN_DATA_FAILS);
            assertThat(setAside.message()).contains("the ledger is full");
        });
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isEqualTo(5);
        assertThat(host.count("invoices", "pending")).isEqualTo(5);

        broken[0] = false;
        host.sql("update invoice_lock.billing_attempt set due_at = now() where due_at is not null");
        BillingRun run = server.billPending();

        assertThat(run.billed()).isEqualTo(5);
        assertThat(hooked).hasSize(5).doesNotHaveDuplicates();
        assertThat(provider.requests()).hasSize(5);
        assertThat(host.count("invoices", "pending")).isZero();
        assertThat(server.needsAttention()).isEmpty();
    }

    @Test
    void a_hook_that_fails_for_every_invoice_ends_the_run_since_it_is_not_one_invoices_fault() {
        LockingInvoiceBiller server =
                host.running(host.server(provider).stopAfterFailures(3).onBilled((tx, attempt, reference) -> {
                    throw new NoClassDefFoundError("io/example/Ledger");
                }));

        assertThatThrownBy(server::billPending)
                .isInstanceOfSatisfying(
                        BillingRunException.class,
                        e -> assertThat(e.run().billed()).isEqualTo(3))
                .hasMessageContaining("io/example/Ledger");
        assertThat(provider.charges()).isEqualTo(3);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'BILLED'"))
                .isEqualTo(3);
    }

    @Test
    void a_charged_invoice_that_the_marks_leave_pending_is_an_anomaly() {
        List<String> anomalies = new CopyOnWriteArrayList<>();
        LockingInvoiceBiller server = host.running(host.server(provider)
                .invoices(InvoiceTable.named("invoices")
                        .pendingWhen(org.jooq
                                .impl
                                .DSL
                                .field(org.jooq.impl.DSL.name("state"))
                                .eq("open"))
                        .storeReferenceIn("reference"))
                .listener(anomaliesTo(anomalies)));

        assertThat(server.billPending(RunLimits.none().invoices(1)).billed()).isEqualTo(1);
        assertThat(anomalies).containsExactly("1");
    }

    @Test
    void a_charged_invoice_that_was_deleted_meanwhile_is_an_anomaly() {
        List<String> anomalies = new CopyOnWriteArrayList<>();
        provider.answering((p, request) -> {
            host.sql("delete from invoices where id = " + request.invoiceId());
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(
                host.server(provider).lockScope(LockScope.CLAIM_ONLY).listener(anomaliesTo(anomalies)));

        assertThat(server.billPending(RunLimits.none().invoices(1)).billed()).isEqualTo(1);
        assertThat(anomalies).containsExactly("1");
        assertThat(host.state(1)).isEqualTo("BILLED");
    }

    @Test
    void a_listener_hears_of_everything_and_may_throw() {
        List<String> heard = new CopyOnWriteArrayList<>();
        provider.answering((p, request) -> switch (request.invoiceId()) {
            case "1" -> p.charge(request);
            case "2" -> BillingOutcome.declined("x", "y");
            default -> BillingOutcome.notBilled("429");
        });
        host.holding(4);
        LockingInvoiceBiller server = host.running(host.server(provider)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 1))
                .listener(new BillingListener() {
                    @Override
                    public void claimed(BillingAttempt attempt) {
                        heard.add("claimed " + attempt.invoiceId());
                        throw new IllegalStateException("the listener is broken");
                    }

                    @Override
                    public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
                        heard.add(attempt.state() + " " + attempt.invoiceId());
                        assertThat(callTime).isPositive();
                    }

                    @Override
                    public void contended(String invoiceId) {
                        heard.add("contended " + invoiceId);
                    }

                    @Override
                    public void takenOver(BillingAttempt attempt) {
                        heard.add("taken over " + attempt.invoiceId());
                    }

                    @Override
                    public void parked(BillingAttempt attempt) {
                        heard.add("parked " + attempt.invoiceId());
                    }
                }));
        server.billPending();
        server.retry(3);
        server.recover();

        assertThat(heard)
                .contains(
                        "claimed 1",
                        "BILLED 1",
                        "DECLINED 2",
                        "parked 2",
                        "NOT_BILLED 3",
                        "contended 4",
                        "parked 3",
                        "taken over 3");
    }

    private static BillingListener anomaliesTo(List<String> anomalies) {
        return new BillingListener() {
            @Override
            public void anomaly(String invoiceId, String what) {
                anomalies.add(invoiceId);
            }
        };
    }

    private static BillingAttempt withCalls(BillingAttempt a, int calls, AttemptState state) {
        return new BillingAttempt(
                a.id(),
                a.biller(),
                a.invoiceId(),
                a.number(),
                a.idempotencyKey(),
                state,
                a.dueAt(),
                a.owner(),
                a.fence(),
                calls,
                a.startedAt(),
                a.settledAt(),
                a.invoice(),
                a.reference(),
                a.code(),
                a.message(),
                a.resolvedBy(),
                a.note());
    }
}
