package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static io.github.invoicelock.FaultyDataSource.standStill;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.support.TransactionTemplate;

/** The rules of docs/design.md, each with a test that falls when the rule is removed from the code. */
class RulesTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategy
    void r1_the_attempt_is_committed_before_the_provider_is_called(LockStrategy strategy) {
        AtomicReference<String> state = new AtomicReference<>();
        provider.answering((p, request) -> {
            state.set(host.state(1));
            return p.charge(request);
        });
        for (LockScope scope : LockScope.values()) {
            host.sql("truncate invoice_lock.billing_attempt");
            host.sql("update invoices set pending = true");
            host.running(host.server(provider).lockStrategy(strategy).lockScope(scope))
                    .billPending();
            assertThat(state.getAndSet(null)).as("%s", scope).isEqualTo("STARTED");
        }
    }

    @Test
    void r1_a_claim_is_committed_synchronously_where_the_database_would_not() {
        host.sql("alter database " + host.database().name() + " set synchronous_commit = off");
        AtomicReference<String> setting = new AtomicReference<>();
        host.running(host.server(provider)
                        .onBilled((tx, attempt, reference) -> setting.set(
                                tx.fetchSingle("show synchronous_commit").get(0, String.class))))
                .billPending();

        assertThat(setting.get()).isEqualTo("on");
    }

    @Test
    void r2_not_billed_and_unknown_are_retried_under_the_same_key() {
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(RetryPolicy.every(Duration.ZERO, 9)));
        provider.answering(BillingOutcome.notBilled("429"));
        server.billPending();
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending();
        provider.answering(TestProvider::charge);
        server.billPending();

        assertThat(provider.requests()).hasSize(3);
        assertThat(provider.requests())
                .extracting(BillingRequest::idempotencyKey)
                .containsOnly(server.attempts(1).get(0).idempotencyKey());
        assertThat(server.attempts(1)).hasSize(1);
        assertThat(host.pending(1)).isFalse();
    }

    @Test
    void r2_a_new_key_is_minted_only_after_the_last_one_was_declined() {
        LockingInvoiceBiller server = host.running(host.server(provider)
                .retryPolicy(attempt ->
                        "card_declined".equals(attempt.code()) ? Optional.of(Duration.ZERO) : Optional.empty()));
        provider.answering(BillingOutcome.declined("card_declined", "no money"));
        server.billPending();
        provider.answering(TestProvider::charge);
        server.billPending();

        List<BillingAttempt> attempts = server.attempts(1);
        assertThat(attempts)
                .extracting(BillingAttempt::state)
                .containsExactly(AttemptState.DECLINED, AttemptState.BILLED);
        assertThat(attempts).extracting(BillingAttempt::number).containsExactly(1, 2);
        assertThat(attempts.get(0).idempotencyKey())
                .isNotEqualTo(attempts.get(1).idempotencyKey());
        assertThat(provider.requests()).extracting(BillingRequest::attempt).containsExactly(1, 2);
    }

    @Test
    void r3_the_key_is_derived_from_the_installation_the_biller_the_invoice_and_the_number() throws Exception {
        host.running(host.server(provider).name("subscriptions")).billPending();

        String text = host.one("select id from invoice_lock.installation") + "\nsubscriptions\n1\n1";
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        hash[6] = (byte) ((hash[6] & 15) | 128);
        hash[8] = (byte) ((hash[8] & 63) | 128);
        java.nio.ByteBuffer bytes = java.nio.ByteBuffer.wrap(hash);
        UUID expected = new UUID(bytes.getLong(), bytes.getLong());
        assertThat(provider.requests().get(0).idempotencyKey()).isEqualTo(expected.toString());
        assertThat(expected.version()).isEqualTo(8);
        assertThat(expected.variant()).isEqualTo(2);
    }

    @Ways.WithEveryStrategy
    void r3_a_database_that_was_put_back_sends_the_same_keys(LockStrategy strategy) {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(strategy));
        server.billPending();
        host.sql("truncate invoice_lock.billing_attempt");
        host.sql("update invoices set pending = true");

        server.billPending();

        assertThat(provider.requests()).hasSize(2);
        assertThat(provider.chargesOf(1)).isEqualTo(1);
    }

    @Test
    void r4_every_call_under_a_key_is_made_from_the_snapshot() {
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(RetryPolicy.every(Duration.ZERO, 9)));
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending();
        host.sql("update invoices set amount = 99");
        provider.answering(TestProvider::charge);
        server.billPending();

        assertThat(provider.requests())
                .extracting(request -> request.invoice().get("amount"))
                .containsExactly(new java.math.BigDecimal("1.10"), new java.math.BigDecimal("1.10"));
        assertThat(provider.requests().get(1).invoice())
                .isEqualTo(provider.requests().get(0).invoice());
    }

    @Test
    void r4_the_snapshot_is_dropped_once_billed_unless_it_is_to_be_kept() {
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();
        assertThat(server.attempts(1).get(0).invoice()).isNull();

        host.sql("insert into invoices (id) values (2)");
        LockingInvoiceBiller keeping = host.running(host.server(provider).keepSnapshots());
        keeping.billPending();
        assertThat(keeping.attempts(2).get(0).invoice()).contains("\"amount\": 10.50");
    }

    @Test
    void r4_the_snapshot_of_a_refusal_is_dropped_and_the_next_key_takes_its_own() {
        LockingInvoiceBiller server = host.running(host.server(provider.answering(TestProvider::refuse)));
        server.billPending();
        assertThat(server.attempts(1).get(0).invoice()).as("parked").isNull();
        host.sql("update invoices set amount = 99");

        server.retry(1);
        server.recover();

        assertThat(server.attempts(1))
                .extracting(BillingAttempt::invoice)
                .containsOnlyNulls()
                .hasSize(2);
        assertThat(provider.requests())
                .extracting(request -> request.invoice().get("amount"))
                .containsExactly(new java.math.BigDecimal("1.10"), new java.math.BigDecimal("99.00"));
        LockingInvoiceBiller keeping = host.running(host.server(provider).keepSnapshots());
        keeping.retry(1);
        keeping.recover();
        assertThat(keeping.attempts(1).get(2).invoice()).contains("\"amount\": 99.00");
    }

    @Test
    void r4_a_refused_key_is_not_sent_again_even_if_a_person_asks_for_it() {
        LockingInvoiceBiller server = host.running(host.server(provider.answering(TestProvider::refuse)));
        server.billPending();

        assertThatThrownBy(() -> server.resolve(1, BillingOutcome.notBilled("not in the ledger"), "dashboard"))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("Call retry, which sends a new key.");

        assertThat(server.billPending().seen()).isZero();
        assertThat(provider.requests()).hasSize(1);
    }

    @Test
    void r5_a_late_answer_that_it_was_charged_is_written_whoever_owns_the_attempt() {
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            BillingOutcome outcome = p.charge(request);
            awaitUninterruptibly(answer);
            return outcome;
        });
        LockingInvoiceBiller server = host.running(host.server(provider).callTimeout(Duration.ofMillis(100)));
        BillingRun run = server.billPending();
        assertThat(run.inDoubt()).isEqualTo(1);
        host.sql("update invoice_lock.billing_attempt set fence = fence + 1, owner = 'another'");

        answer.reach();

        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(() -> assertThat(host.state(1)).isEqualTo("BILLED"));
        await().atMost(Duration.ofSeconds(30)).until(() -> !host.pending(1));
    }

    @Ways.InEveryScope
    void r5_what_is_not_final_is_written_only_by_the_present_owner_and_never_over_billed(LockScope scope) {
        provider.answering((p, request) -> {
            host.sql("update invoice_lock.billing_attempt set fence = fence + 1, owner = 'another'");
            return BillingOutcome.declined("card_declined", "no");
        });
        LockingInvoiceBiller server = host.running(host.server(provider).lockScope(scope));

        BillingRun run = server.billPending();

        assertThat(run.contended()).isEqualTo(1);
        assertThat(run.declined()).isZero();
        assertThat(host.state(1)).isEqualTo("STARTED");
    }

    @Ways.InEveryScope
    void r5_an_unknown_outcome_does_not_hide_a_charge_that_the_webhook_reported(LockScope scope) {
        LockingInvoiceBiller[] server = new LockingInvoiceBiller[1];
        provider.answering((p, request) -> {
            server[0].report(request.idempotencyKey(), BillingOutcome.billed("ch_webhook"));
            return BillingOutcome.unknown("500");
        });
        server[0] = host.running(host.server(provider).lockScope(scope));

        BillingRun run = server[0].billPending();

        assertThat(run.billed()).isEqualTo(1);
        assertThat(server[0].attempts(1).get(0).reference()).isEqualTo("ch_webhook");
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            server[0].recover();
            return !host.pending(1);
        });
    }

    @Test
    void r6_a_key_is_not_sent_again_when_the_provider_may_have_forgotten_it() {
        TestProvider forgetful = TestProvider.thatRemembersFor(Duration.ofHours(1));
        LockingInvoiceBiller server =
                host.running(host.server(forgetful).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        forgetful.answering((p, request) -> {
            p.charge(request);
            return BillingOutcome.unknown("the answer was lost");
        });
        server.billPending();
        host.letTimePass(1, Duration.ofHours(1));
        forgetful.forgetKeys();

        BillingRun run = server.billPending();

        assertThat(run.parked()).isEqualTo(1);
        assertThat(forgetful.chargesOf(1)).isEqualTo(1);
        assertThat(server.needsAttention())
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("1");
    }

    @Test
    void r6_a_key_in_doubt_is_not_sent_again_when_the_invoice_is_no_longer_pending() {
        LockingInvoiceBiller server =
                host.running(host.server(provider).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending();
        host.sql("update invoices set pending = false");

        server.billPending();

        assertThat(provider.requests()).hasSize(1);
        assertThat(server.needsAttention()).hasSize(1);
    }

    @Test
    void r7_never_seen_is_believed_only_when_no_request_can_be_on_its_way_any_more() {
        TestProvider.Askable askable = TestProvider.thatCanBeAsked();
        askable.answering(BillingOutcome.unknown("no answer; the request is on its way"));
        LockingInvoiceBiller server =
                host.running(host.server(askable).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        server.billPending();

        BillingRun tooEarly = server.recover();
        assertThat(tooEarly.inDoubt()).isEqualTo(1);
        assertThat(askable.requests()).as("not sent again").hasSize(1);

        host.letTimePass(1, Duration.ofSeconds(13));
        askable.answering(TestProvider::charge);
        BillingRun afterTheLease = server.recover();
        assertThat(afterTheLease.billed()).isEqualTo(1);
        assertThat(askable.chargesOf(1)).isEqualTo(1);
    }

    @Test
    void r7_a_look_up_that_lags_is_believed_only_after_the_lag() {
        TestProvider.Askable lagging = TestProvider.thatCanBeAskedWithLag(Duration.ofMinutes(10));
        lagging.answering((p, request) -> {
            p.charge(request);
            return BillingOutcome.unknown("the answer was lost");
        });
        LockingInvoiceBiller server =
                host.running(host.server(lagging).retryPolicy(RetryPolicy.every(Duration.ZERO, 99)));
        server.billPending();
        lagging.finding(request -> BillingOutcome.notBilled("not in the index yet"));
        host.letTimePass(1, Duration.ofMinutes(5));
        assertThat(server.recover().inDoubt()).isEqualTo(1);

        lagging.finding(null);
        host.letTimePass(1, Duration.ofMinutes(6));
        assertThat(server.recover().billed()).isEqualTo(1);
        assertThat(lagging.chargesOf(1)).isEqualTo(1);
        assertThat(lagging.requests()).hasSize(1);
    }

    @Test
    void r8_leases_are_by_the_database_clock() {
        Moment called = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            called.reach();
            answer.await();
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider));
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        called.await();

        String lease = host.one(
                "select due_at - started_at between interval '11.9 seconds' and interval '12.1 seconds' and started_at <= clock_timestamp() "
                        + "from invoice_lock.billing_attempt");

        answer.reach();
        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(lease)
                .as("call time-out and margin, from the database's now")
                .isEqualTo("t");
    }

    @Test
    void r9_every_transaction_bounds_its_locks_and_through_a_call_the_time_it_may_be_idle() {
        host.sql("alter database " + host.database().name() + " set default_transaction_isolation = 'serializable'");
        host.sql("alter database " + host.database().name() + " set idle_in_transaction_session_timeout = '50ms'");
        AtomicReference<String> settings = new AtomicReference<>();
        Moment late = new Moment();
        provider.answering((p, request) -> {
            await().pollDelay(Duration.ofMillis(200)).until(() -> true);
            late.reach();
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider)
                .onBilled((tx, attempt, reference) -> settings.set(tx.fetchSingle(
                                "select current_setting('lock_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout') "
                                        + "|| ' ' || current_setting('transaction_isolation')")
                        .get(0, String.class))));

        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(settings.get()).isEqualTo("1s 22s read committed");
        late.await();
    }

    @Ways.InEveryScope
    void r10_a_row_that_another_server_claimed_since_the_statement_began_is_stopped_by_the_constraint(LockScope scope)
            throws Exception {
        // The first server's claim of many begins its statement and is made to wait between its snapshot and its lock,
        // by a function in
        // the host's condition; meanwhile the second server claims the invoice and commits.
        host.sql(
                "create function slowly() returns boolean language plpgsql volatile as "
                        + "$$ begin if current_setting('application_name') = 'slow' then perform pg_advisory_xact_lock(4711); end if; return true; end $$");
        Connection gate = host.connection();
        gate.setAutoCommit(false);
        TestHost.execute(gate, "select pg_advisory_xact_lock(4711)");
        com.zaxxer.hikari.HikariConfig slowConfig = new com.zaxxer.hikari.HikariConfig();
        slowConfig.setJdbcUrl(host.database().jdbcUrl() + "&ApplicationName=slow");
        slowConfig.setMaximumPoolSize(4);
        // Both servers call without the invoice's lock, or the row itself would stop the first.
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            answer.await();
            return p.charge(request);
        });
        InvoiceTable table = InvoiceTable.named("invoices").billableWhen(org.jooq.impl.DSL.condition("slowly()"));
        try (HikariDataSource slowPool = new HikariDataSource(slowConfig);
                LockingInvoiceBiller slow = LockingInvoiceBiller.builder(slowPool, provider)
                        .invoices(table)
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .lockScope(scope)
                        .build();
                LockingInvoiceBiller fast = host.server(provider)
                        .invoices(table)
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .lockScope(LockScope.CLAIM_ONLY)
                        .build()) {
            InBackground<BillingRun> slowRun = InBackground.of(slow::billPending);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> host.count("pg_locks", "locktype = 'advisory' and not granted") > 0);
            InBackground<BillingRun> fastRun = InBackground.of(fast::billPending);
            await().atMost(Duration.ofSeconds(30)).until(() -> "STARTED".equals(host.state(1)));
            gate.rollback();

            BillingRun stopped = slowRun.result();
            answer.reach();

            assertThat(stopped.contended()).as("the stale snapshot was met").isEqualTo(1);
            assertThat(stopped.billed()).isZero();
            assertThat(fastRun.result().billed()).isEqualTo(1);
            assertThat(provider.requests()).hasSize(1);
        }
    }

    @Test
    void r11_a_run_stops_after_so_many_failures_in_a_row() {
        host.sql("insert into invoices (id) select g from generate_series(2, 200) g");
        provider.answering((p, request) -> {
            throw new java.net.SocketTimeoutException("down");
        });
        LockingInvoiceBiller server =
                host.running(host.server(provider).stopAfterFailures(5).concurrency(4));

        BillingRun run = server.billPending();

        assertThat(run.stopReason()).isEqualTo(StopReason.PROVIDER_FAILING);
        assertThat(run.inDoubt()).isBetween(5, 9);
        assertThat(host.count("invoice_lock.billing_attempt", "state = 'IN_DOUBT'"))
                .isEqualTo(run.inDoubt());
    }

    @Test
    void r12_a_row_that_the_host_keeps_locked_delays_the_mark_but_not_the_journal() throws Exception {
        Moment called = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            called.reach();
            answer.await();
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider).lockScope(LockScope.CLAIM_ONLY));
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        called.await();
        Connection holder = host.holding(1);
        answer.reach();

        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.pending(1)).isTrue();
        assertThat(server.recover().billed()).as("still held").isZero();

        holder.rollback();
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            server.recover();
            return !host.pending(1);
        });
        assertThat(provider.requests()).hasSize(1);
    }

    @Test
    void r13_a_connection_in_an_open_transaction_is_refused() throws Exception {
        Connection connection = host.dataSource().getConnection();
        connection.setAutoCommit(false);
        TestHost.execute(connection, "select 1");
        DataSource bound = new org.springframework.jdbc.datasource.SingleConnectionDataSource(connection, true);
        LockingInvoiceBiller outside = host.running(host.server(provider));

        assertThatThrownBy(() -> LockingInvoiceBiller.builder(bound, provider).build())
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("open transaction");

        connection.rollback();
        connection.close();
        assertThat(outside.billPending().billed()).isEqualTo(1);
    }

    @ParameterizedTest
    @EnumSource(TransactionBegun.class)
    void r13_a_call_under_a_spring_transaction_is_refused(TransactionBegun begun) {
        DataSource aware = new TransactionAwareDataSourceProxy(host.dataSource());
        TransactionTemplate transaction = new TransactionTemplate(new DataSourceTransactionManager(host.dataSource()));
        try (LockingInvoiceBiller server =
                LockingInvoiceBiller.builder(aware, provider).build()) {
            assertThatThrownBy(() -> transaction.executeWithoutResult(status -> {
                        if (begun == TransactionBegun.BY_A_STATEMENT) {
                            new org.springframework.jdbc.core.JdbcTemplate(aware).execute("select 1");
                        }
                        server.billPending();
                    }))
                    .isInstanceOf(InvoiceLockException.class)
                    .hasMessageContaining("@Transactional");
            assertThat(provider.requests()).isEmpty();
            assertThat(server.billPending().billed())
                    .as("outside of the transaction")
                    .isEqualTo(1);
        }
    }

    enum TransactionBegun {
        BY_A_STATEMENT,
        BY_NOTHING_YET
    }

    @Test
    void r13_a_pool_with_autocommit_off_is_fine() {
        try (TestHost off = new TestHost(4, false)) {
            off.invoices(3);
            try (LockingInvoiceBiller server = off.server(provider).build()) {
                assertThat(server.billPending().billed()).isEqualTo(3);
            }
            assertThat(off.count("invoices", "pending")).isZero();
        }
    }

    @Ways.WithEveryStrategy
    void r14_a_charged_invoice_that_the_host_sets_back_to_pending_is_reported_and_not_charged_again(
            LockStrategy strategy) {
        List<String> anomalies = new java.util.concurrent.CopyOnWriteArrayList<>();
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockStrategy(strategy).listener(new BillingListener() {
                    @Override
                    public void anomaly(String invoiceId, String what) {
                        anomalies.add(invoiceId);
                    }
                }));
        server.billPending();
        host.sql("update invoices set pending = true");

        BillingRun run = server.billPending();

        assertThat(run.billed()).isZero();
        assertThat(provider.requests()).hasSize(1);
        assertThat(anomalies).containsExactly("1");
    }

    @Test
    void r15_accepted_is_never_sent_again_and_asked_for_when_its_time_has_come() {
        TestProvider.Askable bank = TestProvider.thatRemembersAndCanBeAsked();
        bank.answering(BillingOutcome.accepted("dd_1", Duration.ofDays(2)));
        LockingInvoiceBiller server = host.running(host.server(bank));
        assertThat(server.billPending().accepted()).isEqualTo(1);
        assertThat(server.billPending().seen()).as("not before its time").isZero();

        host.letTimePass(1, Duration.ofDays(2));
        bank.finding(request -> BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        assertThat(server.recover().accepted()).isEqualTo(1);
        host.letTimePass(1, Duration.ofDays(1));
        bank.finding(request -> BillingOutcome.billed("dd_1"));
        assertThat(server.recover().billed()).isEqualTo(1);

        assertThat(bank.requests()).hasSize(1);
        assertThat(host.pending(1)).isFalse();
    }

    @Ways.WithEveryStrategy
    void r16_a_withdrawn_invoice_is_not_charged(LockStrategy strategy) throws Exception {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(strategy));
        Connection connection = host.connection();
        connection.setAutoCommit(false);

        Withdrawal withdrawal = server.withdraw(connection, 1);
        server.billPending();
        connection.commit();
        server.billPending();

        assertThat(withdrawal).isEqualTo(Withdrawal.WITHDRAWN);
        assertThat(provider.requests()).isEmpty();
        assertThat(server.attempts(1)).extracting(BillingAttempt::state).containsExactly(AttemptState.WITHDRAWN);
    }

    @Test
    void r16_a_withdrawal_between_the_claim_and_the_call_is_told_that_it_comes_too_late() throws Exception {
        Moment claimed = new Moment();
        Moment goOn = new Moment();
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), provider));
        database.strikeOnce(after(COMMIT).of(CLAIM), standStill(claimed, goOn));
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        claimed.await();
        Connection connection = host.connection();
        connection.setAutoCommit(false);

        Withdrawal withdrawal = server.withdraw(connection, 1);
        connection.commit();
        goOn.reach();

        assertThat(withdrawal).isEqualTo(Withdrawal.IN_FLIGHT);
        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(server.withdraw(connection, 1)).isEqualTo(Withdrawal.BILLED);
        connection.rollback();
    }

    private static void awaitUninterruptibly(Moment moment) {
        boolean interrupted = false;
        while (true) {
            try {
                moment.await();
                break;
            } catch (AssertionError e) {
                if (!(e.getCause() instanceof InterruptedException)) {
                    throw e;
                }
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
