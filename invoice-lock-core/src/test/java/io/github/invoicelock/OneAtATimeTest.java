package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.examples.process.JavaProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** oneAtATimeFor: no two calls for one customer at once, over all servers. */
class OneAtATimeTest {

    private final TestHost host = new TestHost();
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final List<AutoCloseable> open = new ArrayList<>();

    @AfterEach
    void close() throws Exception {
        host.close();
        for (AutoCloseable each : open) {
            each.close();
        }
    }

    @Ways.WithEveryStrategyInEveryScope
    void calls_for_a_customer_never_meet_and_those_for_others_do(LockStrategy strategy, LockScope scope) {
        invoices(120, "g % 6");
        Queue<String> meetings = new ConcurrentLinkedQueue<>();
        AtomicInteger most = new AtomicInteger();
        provider.answering(watched(meetings, most, true));
        List<InBackground<BillingRun>> runs = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            LockingInvoiceBiller server = host.running(
                    server().lockStrategy(strategy).lockScope(scope).concurrency(4));
            runs.add(InBackground.of(server::billPending));
        }

        int billed = runs.stream().mapToInt(run -> run.result().billed()).sum();

        assertThat(meetings).isEmpty();
        assertThat(billed).isEqualTo(120);
        assertThat(most.get()).as("calls at once").isBetween(2, 6);
    }

    @Test
    void one_run_bills_a_customer_s_invoices_one_after_the_other_and_leaves_none() {
        invoices(30, "1");
        Queue<String> meetings = new ConcurrentLinkedQueue<>();
        provider.answering(watched(meetings, new AtomicInteger(), false));

        BillingRun run = host.running(server().concurrency(8)).billPending();

        assertThat(run.billed()).isEqualTo(30);
        assertThat(run.contended()).isZero();
        assertThat(meetings).isEmpty();
    }

    @Test
    void invoices_without_a_customer_are_not_bounded() {
        invoices(20, "null");
        AtomicInteger underWay = new AtomicInteger();
        Moment eight = new Moment();
        provider.answering((p, request) -> {
            if (underWay.incrementAndGet() == 8) {
                eight.reach();
            }
            eight.await();
            return p.charge(request);
        });

        assertThat(host.running(server().concurrency(8)).billPending().billed()).isEqualTo(20);
    }

    @Test
    void what_is_in_doubt_holds_its_customer_s_place_until_no_request_can_be_on_its_way() {
        invoices(3, "1");
        LockingInvoiceBiller server = host.running(server().retryPolicy(RetryPolicy.every(Duration.ofHours(1), 9)));
        provider.answering(BillingOutcome.unknown("500"));
        assertThat(server.bill(1).inDoubt()).isEqualTo(1);
        provider.answering(TestProvider::charge);

        assertThat(server.billPending().billed()).isZero();
        assertThat(server.bill(2).seen()).isZero();
        host.letTimePass(1, Duration.ofMinutes(10));

        assertThat(server.billPending().billed()).isEqualTo(2);
        assertThat(provider.requestsFor(1)).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"char(10)|7", "timestamp|2026-11-30 12:00", "numeric(6,2)|7", "text|a b"})
    void a_run_ends_where_the_customer_s_place_is_taken_whatever_the_type_of_its_column(String type, String customer) {
        host.sql("alter table invoices add column customer_id " + type);
        host.sql("insert into invoices (id, customer_id) select g, cast('" + customer + "' as " + type
                + ") from generate_series(1, 3) g");
        LockingInvoiceBiller server = host.running(server().retryPolicy(RetryPolicy.every(Duration.ofHours(1), 9)));
        provider.answering(BillingOutcome.unknown("500"));
        assertThat(server.bill(1).inDoubt()).isEqualTo(1);
        provider.answering(TestProvider::charge);

        BillingRun run = Bounded.by(Duration.ofSeconds(15), "the run", server::billPending)
                .answer();

        assertThat(run.billed()).isZero();
        assertThat(run.stopReason()).isEqualTo(StopReason.NONE_LEFT);
    }

    @Test
    void a_take_over_waits_for_its_customer_s_turn_and_is_taken_up_then() {
        invoices(2, "1");
        LockingInvoiceBiller server = host.running(server().retryPolicy(RetryPolicy.every(Duration.ZERO, 9)));
        provider.answering(BillingOutcome.notBilled("503"));
        server.bill(1);
        Moment calling = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            calling.reach();
            answer.await();
            return p.charge(request);
        });
        InBackground<BillingRun> other = InBackground.of(() -> server.bill(2));
        calling.await();

        assertThat(host.running(server()).recover().contended()).isEqualTo(1);

        assertThat(provider.requestsFor(1)).hasSize(1);
        answer.reach();
        assertThat(other.result().billed()).isEqualTo(1);
        assertThat(server.recover().billed()).isEqualTo(1);
    }

    @Test
    void the_next_key_of_a_refused_invoice_waits_for_its_customer_s_turn_and_is_not_forgotten() {
        invoices(2, "1");
        LockingInvoiceBiller server =
                host.running(server().retryPolicy(attempt -> java.util.Optional.of(Duration.ZERO)));
        provider.answering(TestProvider::refuse);
        server.bill(1);
        Moment calling = new Moment();
        Moment answer = new Moment();
        provider.answering((p, request) -> {
            calling.reach();
            answer.await();
            return p.charge(request);
        });
        InBackground<BillingRun> other = InBackground.of(() -> server.bill(2));
        calling.await();
        assertThat(host.running(server()).recover().contended()).isEqualTo(1);
        answer.reach();
        other.result();

        assertThat(server.recover().billed()).isEqualTo(1);
        assertThat(server.attempts(1)).hasSize(2);
    }

    @Test
    void a_place_that_a_dead_server_held_is_taken_away_when_its_lease_is_over() {
        invoices(2, "1");
        LockingInvoiceBiller server = host.running(server());
        provider.answering(BillingOutcome.unknown("never written"));
        server.bill(1);
        host.sql("update invoice_lock.billing_attempt set state = 'STARTED', owner = 'dead', due_at = lease_until");
        provider.answering(TestProvider::charge);
        assertThat(server.bill(2).seen()).isZero();

        host.sql("update invoice_lock.billing_attempt set lease_until = now() - interval '1 second'");

        assertThat(server.bill(2).billed()).isEqualTo(1);
    }

    @Test
    void where_it_is_not_used_no_place_is_kept() {
        invoices(5, "1");
        Moment all = new Moment();
        AtomicInteger underWay = new AtomicInteger();
        provider.answering((p, request) -> {
            if (underWay.incrementAndGet() == 5) {
                all.reach();
            }
            all.await();
            return p.charge(request);
        });

        assertThat(host.running(host.server(provider).concurrency(5))
                        .billPending()
                        .billed())
                .isEqualTo(5);

        assertThat(host.count("invoice_lock.billing_attempt", "one_at_a_time is not null"))
                .isZero();
        assertThat(host.one("select pg_relation_size('invoice_lock.billing_attempt_one_at_a_time')"))
                .as("but for its first page, nothing")
                .isEqualTo("8192");
    }

    @Test
    void a_column_that_is_not_there_is_refused() {
        assertThatThrownBy(() -> host.server(provider)
                        .invoices(InvoiceTable.named("invoices").oneAtATimeFor("payer"))
                        .build())
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("oneAtATimeFor(\"payer\")");
    }

    @Tag(Thorough.TAG)
    @ParameterizedTest
    @ValueSource(strings = {"g % 50", "(g - 1) / 40"})
    void eight_servers_bill_as_fast_as_fifty_at_once_allow(String customer) {
        invoices(2_000, customer);
        Duration unbounded = lasted(false);
        host.sql("truncate invoice_lock.billing_attempt");
        host.sql("update invoices set pending = true");

        Duration bounded = lasted(true);

        assertThat(bounded)
                .as("50 at once without a bound: %s", unbounded)
                .isLessThan(unbounded.multipliedBy(11).dividedBy(10));
    }

    /** With 50 calls at once in all. */
    private Duration lasted(boolean oneAtATime) {
        try (FleetProvider slow = new FleetProvider(Duration.ofMillis(300))) {
            BillingGateway gateway = FleetProvider.gateway(slow.address());
            List<LockingInvoiceBiller> fleet = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                fleet.add(host.running(FleetServer.server(
                                pool(),
                                gateway,
                                LockStrategy.NOWAIT,
                                LockScope.THROUGH_CALL,
                                Double.POSITIVE_INFINITY,
                                oneAtATime)
                        .concurrency(oneAtATime || i > 5 ? 7 : 6)));
            }
            int billed = fleet.stream().map(server -> InBackground.of(server::billPending)).toList().stream()
                    .mapToInt(run -> run.result().billed())
                    .sum();
            assertThat(billed).isEqualTo(2_000);
            assertThat(slow.meetings().isEmpty()).isEqualTo(oneAtATime);
            return slow.lasted();
        }
    }

    @Tag(Thorough.TAG)
    @Test
    void eight_server_processes_of_which_two_are_killed_never_call_for_a_customer_twice_at_once() throws Exception {
        try (FleetProvider slow = new FleetProvider(Duration.ofMillis(100))) {
            invoices(2_000, "g % 50");
            List<JavaProcess> fleet = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                fleet.add(process(slow));
            }
            fleet.forEach(server -> server.awaitLine("READY"));
            for (JavaProcess server : fleet) {
                server.tellGo();
            }
            await().atMost(Duration.ofMinutes(1)).until(() -> slow.calls() >= 300);
            fleet.remove(0).kill();
            await().atMost(Duration.ofMinutes(1)).until(() -> slow.calls() >= 800);
            fleet.remove(0).kill();
            fleet.forEach(server -> server.awaitLine("DONE"));

            assertThat(slow.meetings()).isEmpty();
            assertThat(slow.chargedTwice()).isEmpty();
            assertThat(slow.charged()).isEqualTo(2_000);
            assertThat(host.count("invoices", "pending")).isZero();
        }
    }

    private TestProvider.Script watched(Queue<String> meetings, AtomicInteger most, boolean several) {
        Map<String, AtomicInteger> underWay = new ConcurrentHashMap<>();
        AtomicInteger all = new AtomicInteger();
        Moment two = new Moment();
        return (p, request) -> {
            String customer = request.invoice().get("customer_id", String.class);
            AtomicInteger calls = underWay.computeIfAbsent(customer, c -> new AtomicInteger());
            if (most.accumulateAndGet(all.incrementAndGet(), Math::max) > 1) {
                two.reach();
            }
            if (calls.incrementAndGet() > 1) {
                meetings.add(customer);
            }
            try {
                if (several) {
                    two.await();
                }
                return p.charge(request);
            } finally {
                calls.decrementAndGet();
                all.decrementAndGet();
            }
        };
    }

    private LockingInvoiceBiller.Builder server() {
        return host.server(provider)
                .leaseMargin(Duration.ofSeconds(30))
                .invoices(InvoiceTable.named("invoices").oneAtATimeFor("customer_id"));
    }

    private void invoices(int count, String customer) {
        host.sql("alter table invoices add column customer_id bigint");
        host.sql("insert into invoices (id, customer_id) select g, " + customer + " from generate_series(1, " + count
                + ") g");
    }

    private JavaProcess process(FleetProvider slow) throws IOException {
        JavaProcess process = FleetServer.start(host, slow, Double.POSITIVE_INFINITY, true);
        open.add(process::kill);
        return process;
    }

    private HikariDataSource pool() {
        HikariDataSource pool = FleetServer.pool(host.database().jdbcUrl());
        open.add(pool);
        return pool;
    }
}
