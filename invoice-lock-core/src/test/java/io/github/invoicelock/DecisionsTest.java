package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.AttemptEvent.What;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a person decides: what is refused, what is kept, what they can ask, and what many come to. */
class DecisionsTest {
    private final TestHost host = TestHost.withInvoices(5);
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final List<String> parked = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        host.close();
    }

    // ---- notBilled

    @Test
    void not_billed_is_refused_while_a_request_may_be_on_its_way_and_says_until_when() {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = server();
        server.bill(1);
        BillingAttempt seen = server.attempts(1).get(0);

        assertThatThrownBy(() -> server.resolve(seen, BillingOutcome.notBilled("not in the ledger"), "sure", "Ann"))
                .isInstanceOfSatisfying(
                        WordRefusedException.class,
                        refused -> assertThat(refused.refusal()).isEqualTo(Refusal.MAY_BE_ON_ITS_WAY))
                .hasMessageContaining("until 20");
        assertThat(server.advice(seen).choices())
                .filteredOn(choice -> choice.decision() == Decision.RESOLVE_NOT_BILLED)
                .extracting(Advice.Choice::notBefore)
                .doesNotContainNull();

        host.letTimePass(1, Duration.ofMinutes(1));
        BillingAttempt now = server.attempts(1).get(0);
        assertThat(server.advice(now).choices())
                .filteredOn(choice -> choice.decision() == Decision.RESOLVE_NOT_BILLED)
                .extracting(Advice.Choice::notBefore)
                .containsOnlyNulls();
        server.resolve(now, BillingOutcome.notBilled("not in the ledger"), "sure", "Ann");
        assertThat(host.state(1)).isEqualTo("NOT_BILLED");
    }

    // ---- what was seen

    @Test
    void an_acknowledgement_of_one_second_charge_does_not_cover_another_that_came_since() {
        LockingInvoiceBiller server = server();
        server.bill(1);
        BillingAttempt billed = server.attempts(1).get(0);
        server.report(billed.idempotencyKey(), BillingOutcome.billed("ch_second"));
        BillingAttempt seen = server.needsAttention().get(0);
        server.report(billed.idempotencyKey(), BillingOutcome.billed("ch_third"));

        assertThatThrownBy(() -> server.resolve(
                        seen, BillingOutcome.billed(String.valueOf(seen.reference())), "refunded ch_second", "Ann"))
                .isInstanceOf(WordRefusedException.class)
                .hasMessageContaining("REPORTED");
        BillingAttempt now = server.needsAttention().get(0);
        server.resolve(now, BillingOutcome.billed(String.valueOf(now.reference())), "refunded both", "Ann");
        assertThat(server.needsAttention()).isEmpty();
    }

    @Test
    void an_attempt_of_another_biller_is_refused() {
        LockingInvoiceBiller server = server();
        server.bill(1);
        BillingAttempt a = server.attempts(1).get(0);
        BillingAttempt others = new BillingAttempt(
                a.id(),
                "others",
                "1",
                1,
                "k",
                a.state(),
                null,
                "s",
                1,
                1,
                a.startedAt(),
                null,
                null,
                null,
                null,
                null,
                null,
                null);

        assertThatThrownBy(() -> server.retry(others, "x", "Ann"))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("\"others\"");
    }

    // ---- marks

    @Test
    void where_a_hook_fails_the_person_is_told_that_the_journal_knows() {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(
                host.server(provider).retryPolicy(attempt -> Optional.empty()).onBilled((tx, attempt, reference) -> {
                    throw new IllegalStateException("no ledger today");
                }));
        server.bill(1);

        assertThatThrownBy(() -> server.resolve(1, BillingOutcome.billed("ch_1"), "dashboard", "Ann"))
                .isInstanceOf(InvoiceNotMarkedException.class)
                .hasMessageContaining("BILLED as ch_1")
                .hasMessageContaining("no ledger today");
        assertThat(host.state(1)).isEqualTo("BILLED");
    }

    @Test
    void a_refusal_whose_mark_was_set_aside_is_marked_when_it_is_released_and_no_new_key_is_made() {
        host.sql("alter table invoices add constraint never check (state <> 'refused') not valid");
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = host.running(
                host.server(provider).invoices(InvoiceTable.named("invoices").onDeclinedSet("state", "refused")));
        server.bill(1);
        BillingAttempt seen = server.needsAttention().get(0);
        assertThat(seen.cause()).isEqualTo(AttemptCause.OWN_DATA_FAILS);
        assertThat(server.advice(seen).effectOf(Decision.RETRY)).contains(Advice.Effect.MARKS);
        host.sql("alter table invoices drop constraint never");

        server.retry(server.attempts(1).get(0), "the constraint is mended", "Ann");
        server.recover();

        assertThat(host.one("select state from invoices where id = 1")).isEqualTo("refused");
        assertThat(server.attempts(1)).hasSize(1);
        assertThat(provider.requests()).hasSize(1);
        assertThat(server.needsAttention()).isEmpty();
    }

    // ---- a new key beside a request that is still on its way (R7)

    @Test
    void what_was_closed_in_doubt_gets_a_new_key_only_when_no_request_can_be_on_its_way_any_more() {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = server();
        server.bill(1);
        server.resolve(1, BillingOutcome.declined("closed", "not in the ledger"), "dashboard", "Ann");

        assertThat(server.advice(server.attempts(1).get(0)).choices())
                .filteredOn(choice -> choice.decision() == Decision.RETRY)
                .allMatch(choice -> choice.notBefore() != null);
        assertThat(server.dryRun().retryAll(AttemptFilter.all(), "again", "Ben").sent())
                .isZero();
        assertThatThrownBy(() -> server.retry(1, "again", "Ben"))
                .isInstanceOfSatisfying(
                        WordRefusedException.class, e -> assertThat(e.refusal()).isEqualTo(Refusal.MAY_BE_ON_ITS_WAY))
                .hasMessageContaining("may be on its way to the provider until");
        server.bill(1);
        assertThat(provider.requests()).hasSize(1);

        host.letTimePass(1, Duration.ofMinutes(1));
        provider.answering(TestProvider::charge);
        server.retry(1, "again", "Ben");
        server.bill(1);
        assertThat(server.attempts(1)).hasSize(2);
        assertThat(provider.charges()).isEqualTo(1);
    }

    @Test
    void what_the_provider_itself_refused_gets_a_new_key_at_once_also_where_a_person_has_closed_it() {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = server();
        server.bill(1);
        server.resolve(1, BillingOutcome.declined("closed", "paid by transfer"), "told by phone", "Ann");

        provider.answering(TestProvider::charge);
        server.retry(1, "a new card", "Ben");
        server.bill(1);

        assertThat(provider.charges()).isEqualTo(1);
    }

    // ---- ask

    @Test
    void ask_sends_nothing_changes_nothing_and_is_kept() {
        provider.answering((p, request) -> {
            p.charge(request);
            return BillingOutcome.unknown("the answer is lost");
        });
        LockingInvoiceBiller server = server();
        server.bill(1);
        BillingAttempt before = server.attempts(1).get(0);

        BillingOutcome answer = server.ask(1, "Ann");

        assertThat(answer).isInstanceOf(BillingOutcome.Billed.class);
        assertThat(provider.requests()).hasSize(1);
        assertThat(server.attempts(1)).containsExactly(before);
        AttemptEvent asked = server.history(1).get(1);
        assertThat(asked.what()).isEqualTo(What.ASKED);
        assertThat(asked.who()).isEqualTo("Ann");
        assertThat(asked.message()).contains("charged as ch_");
    }

    @Test
    void never_seen_says_that_a_request_may_still_be_on_its_way() {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = server();
        server.bill(1);

        assertThat(server.ask(1).toString()).contains("may be on its way until");
        host.letTimePass(1, Duration.ofMinutes(1));
        assertThat(server.ask(1).toString()).doesNotContain("on its way");
    }

    @Test
    void ask_is_bounded_by_the_calls_time_out_and_goes_over_the_hosts_executor() {
        Moment never = new Moment();
        provider.answering(BillingOutcome.unknown("500"));
        ExecutorService hosts = Executors.newSingleThreadExecutor(task -> new Thread(task, "the-hosts"));
        try {
            LockingInvoiceBiller server = host.running(
                    host.server(provider).callTimeout(Duration.ofMillis(500)).executor(hosts));
            server.bill(1);
            provider.finding(request ->
                    BillingOutcome.unknown("on " + Thread.currentThread().getName()));
            assertThat(server.ask(1)).isEqualTo(BillingOutcome.unknown("on the-hosts"));

            provider.finding(request -> {
                never.await();
                return BillingOutcome.billed("too late");
            });
            assertThat(server.ask(1).toString()).contains("did not return within PT0.5S");
            assertThat(host.state(1)).isEqualTo("IN_DOUBT");
        } finally {
            never.reach();
            hosts.shutdownNow();
        }
    }

    @Test
    void ask_is_refused_where_the_gateway_cannot_be_asked() {
        TestProvider mute = TestProvider.thatRemembers();
        LockingInvoiceBiller server = host.running(host.server(mute.answering(BillingOutcome.unknown("500"))));
        server.bill(1);

        assertThatThrownBy(() -> server.ask(1))
                .isInstanceOfSatisfying(
                        WordRefusedException.class,
                        refused -> assertThat(refused.refusal()).isEqualTo(Refusal.CANNOT_BE_ASKED));
    }

    // ---- many

    @Test
    void many_are_released_by_one_word_after_a_dry_run_that_says_the_same() {
        LockingInvoiceBiller server = serverWithParked();
        AttemptFilter all = AttemptFilter.all();

        BulkResult tried = server.dryRun().retryAll(all, "incident 7", "Ann");

        assertThat(host.count("invoice_lock.attempt_event", "what = 'RETRIED'")).isZero();
        assertThat(tried.dryRun()).isTrue();
        assertThat(tried.sent()).as("1 anew, 2 again").isEqualTo(2);
        assertThat(tried.asked()).as("3").isEqualTo(1);
        assertThat(tried.refusals()).as("4").isEqualTo(Map.of(Refusal.NOT_PENDING, 1L));
        BulkResult done = server.retryAll(all, "incident 7", "Ann");
        assertThat(done.effects()).isEqualTo(tried.effects());
        assertThat(done.refusals()).isEqualTo(tried.refusals());
        assertThat(host.count("invoice_lock.attempt_event", "what = 'RETRIED' and who = 'Ann' and note = 'incident 7'"))
                .isEqualTo(3);

        provider.answering(TestProvider::charge);
        assertThat(server.recover().billed()).isEqualTo(3);
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @Test
    void many_are_resolved_by_a_filter_and_the_others_left_alone() {
        LockingInvoiceBiller server = serverWithParked();
        AttemptFilter refused = AttemptFilter.all().cause(AttemptCause.REFUSED);
        BillingOutcome transfer = BillingOutcome.declined("transfer", "paid by transfer");

        assertThat(server.dryRun()
                        .resolveAll(refused, transfer, "list of Monday", "Ann")
                        .effects())
                .isEqualTo(Map.of(Advice.Effect.CLOSES, 1L));
        assertThat(server.resolveAll(refused, transfer, "list of Monday", "Ann").decided())
                .isEqualTo(1);

        assertThat(server.needsAttention())
                .extracting(BillingAttempt::invoiceId)
                .containsExactlyInAnyOrder("2", "3", "4");
        assertThat(server.resolveAll(
                                AttemptFilter.all().invoice(3),
                                BillingOutcome.notBilled("not in the ledger"),
                                "looked",
                                "Ann")
                        .refusals())
                .isEqualTo(Map.of(Refusal.MAY_BE_ON_ITS_WAY, 1L));
    }

    @Test
    void more_than_a_page_is_decided_each_once() {
        host.sql("insert into invoices (id) select generate_series(6, 230)");
        provider.answering(BillingOutcome.notBilled("401"));
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockScope(LockScope.CLAIM_ONLY)
                .lockStrategy(LockStrategy.SKIP_LOCKED)
                .concurrency(50)
                .stopAfterFailures(1_000)
                .retryPolicy(attempt -> Optional.empty()));
        server.billPending();

        BulkResult result =
                server.retryAll(AttemptFilter.all().cause(AttemptCause.TRIES_USED_UP), "the key was wrong", "Ann");

        assertThat(result.sent()).isEqualTo(230);
        assertThat(result.refused()).isZero();
        assertThat(host.count("invoice_lock.attempt_event", "what = 'RETRIED'")).isEqualTo(230);
    }

    // ---- causes

    @Test
    void pending_though_charged_is_a_cause_that_is_shown_everywhere_until_it_is_mended() {
        LockingInvoiceBiller server = server();
        server.bill(1);
        host.sql("delete from invoices where id > 1");
        host.sql("update invoices set pending = true where id = 1");

        server.billPending();
        server.billPending();

        assertThat(host.one("select cause from invoice_lock.needs_attention")).isEqualTo("PENDING_THOUGH_BILLED");
        assertThat(server.needsAttention())
                .extracting(BillingAttempt::cause)
                .containsExactly(AttemptCause.PENDING_THOUGH_BILLED);
        assertThat(server.status().parked()).isEqualTo(1);
        assertThat(parked).as("told once").containsExactly("PENDING_THOUGH_BILLED");
        assertThat(server.history(1)).extracting(AttemptEvent::what).containsExactly(What.ANOMALY);

        host.sql("update invoices set pending = false where id = 1");
        assertThat(server.needsAttention()).as("at once").isEmpty();
        server.billPending();
        assertThat(host.count("invoice_lock.needs_attention", "true")).isZero();
        assertThat(server.history(1)).extracting(AttemptEvent::what).containsExactly(What.ANOMALY, What.MENDED);
        assertThat(provider.charges()).isEqualTo(1);
    }

    @Test
    void taken_back_by_the_newest_attempt_and_charged_by_an_older_one_is_pending_though_charged() {
        provider.answering(TestProvider::refuse);
        LockingInvoiceBiller server = server();
        server.bill(1);
        server.retry(1);
        provider.answering(BillingOutcome.notBilled("429"));
        server.bill(1);
        server.report(server.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_late"));
        server.resolve(1, BillingOutcome.billed("ch_late"), "that closes the second attempt", "Ann");
        assertThat(server.attempts(1))
                .extracting(BillingAttempt::state)
                .containsExactly(AttemptState.BILLED, AttemptState.WITHDRAWN);
        host.sql("update invoices set pending = true where id = 1");

        assertThat(server.needsAttention())
                .extracting(BillingAttempt::number, BillingAttempt::cause)
                .containsExactly(org.assertj.core.groups.Tuple.tuple(1, AttemptCause.PENDING_THOUGH_BILLED));
    }

    // ---- the scene

    private LockingInvoiceBiller server() {
        return host.running(host.server(provider)
                .retryPolicy(attempt -> Optional.empty())
                .listener(new BillingListener() {
                    @Override
                    public void parked(BillingAttempt attempt) {
                        parked.add(String.valueOf(attempt.cause()));
                    }
                }));
    }

    /** 1 refused, 2 not billed, 3 in doubt, 4 not billed and no longer pending, 5 charged. */
    private LockingInvoiceBiller serverWithParked() {
        LockingInvoiceBiller server = server();
        provider.answering((p, request) -> switch (request.invoiceId()) {
            case "1" -> p.refuse(request);
            case "2", "4" -> BillingOutcome.notBilled("401");
            case "3" -> BillingOutcome.unknown("500");
            default -> p.charge(request);
        });
        server.billPending();
        host.sql("update invoices set pending = false where id = 4");
        return server;
    }
}
