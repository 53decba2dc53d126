package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Door.STATEMENT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Kind.OUTCOME;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static io.github.invoicelock.FaultyDataSource.Place.before;
import static io.github.invoicelock.FaultyDataSource.connectionLost;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Only 55P03 is contention: every other error ends the run with an exception that carries the counts so far, and no charge is lost. */
class DatabaseErrorsTest {
    private final TestHost host = TestHost.withInvoices(3);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategy
    void a_table_that_is_gone(LockStrategy strategy) {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(strategy));
        host.sql("alter table invoices rename to old_invoices");

        assertThatThrownBy(server::billPending)
                .isInstanceOfSatisfying(
                        BillingRunException.class,
                        e -> assertThat(e.run().seen()).isZero())
                .hasMessageContaining("does not exist")
                .cause()
                .isInstanceOfSatisfying(
                        DatabaseException.class, e -> assertThat(e.sqlState()).isEqualTo("42P01"));
    }

    @Test
    void a_statement_that_was_cancelled() throws Exception {
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(LockStrategy.WAIT));
        Connection holder = host.holding(2);
        InBackground<BillingRun> run = InBackground.of(server::billPending);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("pg_stat_activity", "wait_event_type = 'Lock' and datname = current_database()")
                        > 0);

        host.one(
                "select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()");

        assertThatThrownBy(run::result).isInstanceOfSatisfying(BillingRunException.class, e -> {
            assertThat(e.run().billed()).isEqualTo(1);
            assertThat(e.run().stopReason()).isEqualTo(StopReason.ERROR);
            assertThat(sqlState(e)).isEqualTo("57014");
        });
        holder.rollback();
        assertThat(server.billPending().billed()).isEqualTo(2);
    }

    @Ways.WithEveryStrategy
    void a_connection_that_was_lost_during_the_call_loses_no_charge(LockStrategy strategy) {
        provider.answering((p, request) -> {
            BillingOutcome outcome = p.charge(request);
            if (request.invoiceId().equals("2")) {
                host.one(
                        "select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction' and datname = current_database()");
            }
            return outcome;
        });
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(strategy));

        assertThatThrownBy(server::billPending)
                .isInstanceOfSatisfying(
                        BillingRunException.class,
                        e -> assertThat(e.run().billed()).isEqualTo(2));

        assertThat(host.state(2)).isEqualTo("BILLED");
        assertThat(host.pending(2)).isFalse();
        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(provider.requests()).hasSize(3);
    }

    @Test
    void a_connection_that_was_lost_before_the_call_leaves_the_invoice_to_the_next_run() {
        WithoutPgBouncer.because("PgBouncer replaces connections that died while nobody used them: nothing fails");
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), provider));
        database.strikeOnce(
                after(COMMIT).of(CLAIM),
                crossing -> host.one(
                        "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()"));

        assertThatThrownBy(server::billPending)
                .isInstanceOfSatisfying(
                        BillingRunException.class,
                        e -> assertThat(e.run().billed()).isZero());
        assertThat(provider.requests()).isEmpty();
        host.sql("update invoice_lock.billing_attempt set due_at = now(), lease_until = now()");
        assertThat(server.billPending().billed()).isEqualTo(3);
    }

    @Test
    void a_connection_that_was_lost_with_its_lock_just_before_the_call_loses_no_charge() {
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server = host.running(host.server(database.proxy(), provider));
        database.strikeOnce(
                after(STATEMENT).such(FaultyDataSource.Crossing::locksForTheCall),
                crossing -> host.one(
                        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where state = 'idle in transaction' and datname = current_database()"));

        assertThatThrownBy(server::billPending)
                .isInstanceOfSatisfying(
                        BillingRunException.class,
                        e -> assertThat(e.run().billed()).isEqualTo(1));
        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(server.billPending().billed()).isEqualTo(2);
        assertThat(provider.requests()).hasSize(3);
    }

    @Test
    void a_deadlock_with_the_host_while_the_invoice_is_marked() throws Exception {
        WithoutPgBouncer.because("Who is the victim of the deadlock is set for a session");
        host.sql("alter database " + host.database().name() + " set deadlock_timeout = '100ms'");
        host.sql("create table accounts (id int primary key)");
        host.sql("insert into accounts values (1)");
        host.sql("create function touch_account() returns trigger language plpgsql as "
                + "$$ begin perform 1 from accounts for update; return new; end $$");
        host.sql("create trigger touch before update on invoices for each row execute function touch_account()");
        Connection other = host.connection();
        TestHost.execute(other, "set deadlock_timeout = '1min'");
        other.setAutoCommit(false);
        TestHost.execute(other, "select 1 from accounts for update");
        Moment waiting = new Moment();
        provider.answering((p, request) -> {
            InBackground<Object> blocked = InBackground.of(() -> {
                TestHost.execute(other, "select 1 from invoices where id = 1 for update");
                other.rollback();
                return "done";
            });
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> blocked.isDone()
                            || host.count(
                                            "pg_stat_activity",
                                            "wait_event_type = 'Lock' and datname = current_database()")
                                    > 0);
            waiting.reach();
            return p.charge(request);
        });
        LockingInvoiceBiller server = host.running(host.server(provider));

        assertThatThrownBy(() -> server.bill(1)).isInstanceOfSatisfying(BillingRunException.class, e -> {
            assertThat(sqlState(e)).isEqualTo("40P01");
            assertThat(e.run().billed()).isEqualTo(1);
        });
        waiting.await();
        assertThat(host.state(1)).isEqualTo("BILLED");
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            server.recover();
            return !host.pending(1);
        });
        assertThat(provider.requests()).hasSize(1);
    }

    @Ways.WithEveryStrategy
    void a_mark_that_the_database_refuses_sets_its_invoice_aside_and_hides_no_charge(LockStrategy strategy) {
        host.sql("alter table invoices add constraint never_two check (id <> 2 or pending)");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockScope(LockScope.CLAIM_ONLY)
                .lockStrategy(strategy)
                .concurrency(3));

        assertThat(server.billPending().billed()).isEqualTo(3);

        assertThat(host.state(2)).isEqualTo("BILLED");
        assertThat(server.needsAttention()).singleElement().satisfies(setAside -> {
            assertThat(setAside.invoiceId()).isEqualTo("2");
            assertThat(setAside.message()).contains("never_two");
        });
        host.sql("alter table invoices drop constraint never_two");
        host.sql("update invoice_lock.billing_attempt set due_at = now() where due_at is not null");
        server.billPending();
        assertThat(host.count("invoices", "pending")).isZero();
        assertThat(provider.requests()).hasSize(3);
    }

    @Test
    void a_connection_that_is_lost_while_a_charge_is_settled_delays_its_mark_by_a_moment_only() {
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server =
                host.running(host.server(database.proxy(), provider).lockScope(LockScope.CLAIM_ONLY));
        database.strikeOnce(before(COMMIT).of(OUTCOME), connectionLost());

        assertThatThrownBy(() -> server.bill(1)).isInstanceOf(BillingRunException.class);

        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(host.count("invoice_lock.billing_attempt", "due_at < clock_timestamp() + interval '30 s'"))
                .isEqualTo(1);
    }

    @Test
    void a_journal_that_is_locked_is_an_error_of_the_librarys_own_for_every_call() throws Exception {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.bill(1);
        String key = server.attempts(1).get(0).idempotencyKey();
        Connection altering = host.connection();
        altering.setAutoCommit(false);
        TestHost.execute(altering, "lock table invoice_lock.billing_attempt in access exclusive mode");
        Connection hosts = host.connection();
        hosts.setAutoCommit(false);
        TestHost.execute(hosts, "set lock_timeout = '1s'");

        List<InBackground<Object>> calls = Stream.<Callable<Object>>of(
                        server::billPending,
                        server::recover,
                        () -> server.bill(2),
                        () -> server.attempts(1),
                        server::needsAttention,
                        () -> server.withdraw(hosts, 2),
                        done(() -> server.resolve(1, BillingOutcome.declined("no", "no"), "dashboard")),
                        done(() -> server.retry(1)),
                        done(() -> server.report(key, BillingOutcome.billed("ch_1"))))
                .map(InBackground::of)
                .toList();

        assertThat(calls)
                .allSatisfy(call -> assertThatThrownBy(call::result)
                        .isInstanceOf(InvoiceLockException.class)
                        .hasMessageContaining("another session holds"));
    }

    @Test
    @Tag(Thorough.TAG)
    void an_attempt_that_another_session_holds_is_not_decided_upon_and_the_text_says_who_that_may_be()
            throws Exception {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.bill(1);
        String key = server.attempts(1).get(0).idempotencyKey();
        Connection holder = host.connection();
        holder.setAutoCommit(false);
        TestHost.execute(holder, "select 1 from invoice_lock.billing_attempt for update");

        List<InBackground<Object>> calls = Stream.<Callable<Object>>of(
                        done(() -> server.resolve(1, BillingOutcome.declined("no", "no"), "dashboard")),
                        done(() -> server.resolve(1, BillingOutcome.billed("ch_1"), "dashboard")),
                        done(() -> server.retry(1)),
                        done(() -> server.report(key, BillingOutcome.declined("no", "no"))),
                        done(() -> server.report(key, BillingOutcome.billed("ch_1"))))
                .map(InBackground::of)
                .toList();

        assertThat(calls)
                .allSatisfy(call -> assertThatThrownBy(call::result)
                        .isInstanceOf(InvoiceLockException.class)
                        .hasMessageStartingWith("Invoice 1 cannot be re")
                        .hasMessageContaining("BilledHook")
                        .hasMessageEndingWith("Nothing was written. Try again."));
        assertThat(host.state(1)).isEqualTo("IN_DOUBT");
        holder.rollback();
        server.resolve(1, BillingOutcome.billed("ch_1"), "dashboard");
        assertThat(host.pending(1)).isFalse();
    }

    private static Callable<Object> done(Runnable call) {
        return Executors.callable(call);
    }

    private static String sqlState(BillingRunException e) {
        return e.getCause() instanceof DatabaseException cause ? String.valueOf(cause.sqlState()) : "none";
    }
}
