package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.zaxxer.hikari.HikariDataSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import java.util.function.Function;
import javax.sql.DataSource;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

/** R17: a network that swallows packets ends a run, and hangs nothing. The time-outs are those of a driver that was told nothing. */
@Tag(Thorough.TAG)
class SilentNetworkTest {
    private static final int INVOICES = 20;

    @Test
    void r17_a_run_ends_in_bounded_time_and_the_same_process_bills_the_rest_each_once() throws Exception {
        List<InBackground<Void>> cases = new ArrayList<>();
        // Side by side: each of them waits for its bounds.
        for (LockScope scope : LockScope.values()) {
            cases.add(InBackground.of(() -> billsTheRest(scope, SilentNetworkTest::driver, SilentNetwork::swallow)));
            cases.add(InBackground.of(
                    () -> billsTheRest(scope, SilentNetworkTest::driver, SilentNetwork::swallowBehindTheProxy)));
            cases.add(InBackground.of(() -> billsTheRest(scope, SilentNetworkTest::pool, SilentNetwork::swallow)));
        }
        for (InBackground<Void> each : cases) {
            within(Duration.ofMinutes(8), each);
        }
    }

    private static Void billsTheRest(
            LockScope scope, Function<String, DataSource> over, Consumer<SilentNetwork> silence) throws Exception {
        TestProvider provider = TestProvider.thatRemembers();
        try (TestHost host = TestHost.withInvoices(INVOICES);
                SilentNetwork network = SilentNetwork.inFrontOf(host.database().jdbcUrl())) {
            provider.answering((p, request) -> {
                if (request.invoiceId().equals("7")) {
                    silence.accept(network);
                }
                return p.charge(request);
            });
            DataSource source = over.apply(network.jdbcUrl());
            try (LockingInvoiceBiller biller = host.server(source, provider)
                    .lockScope(scope)
                    .concurrency(4)
                    // Ample: a call that is cut off on a busy machine would silence the network later.
                    .callTimeout(Duration.ofSeconds(10))
                    .leaseMargin(Duration.ofSeconds(1))
                    .build()) {
                InBackground<BillingRun> run = InBackground.of(biller::billPending);
                assertThatThrownBy(() -> within(Duration.ofMinutes(4), run))
                        .isInstanceOf(BillingRunException.class)
                        .hasMessageMatching("(?s).*(No answer from the database|The DataSource gave no connection).*");

                provider.answering(TestProvider::charge);
                network.restore();
                await().atMost(Duration.ofMinutes(4)).untilAsserted(() -> {
                    BillingRun rest = restOf(biller);
                    assertThat(host.one(
                                    "select string_agg(a::text, '; ') from invoices left join invoice_lock.billing_attempt a "
                                            + "on a.invoice_id = invoices.id::text where pending"))
                            .as("attempts of what is still pending, after %s", rest)
                            .isNull();
                    assertThat(host.count("invoices", "pending")).isZero();
                });
                assertThat(provider.charges()).isEqualTo(INVOICES);
                assertThat(provider.chargedTwice()).isEmpty();
            } finally {
                if (source instanceof HikariDataSource pool) {
                    pool.close();
                }
            }
        }
        return null;
    }

    /** What a connection of before meets is no failure, but is told if it goes on. */
    private static BillingRun restOf(LockingInvoiceBiller biller) {
        Bounded<BillingRun> run = Bounded.by(Duration.ofMinutes(2), "the run of the rest", biller::billPending);
        if (run.thrown() != null) {
            throw new AssertionError("the run of the rest", run.thrown());
        }
        return run.answer();
    }

    @Test
    void r17_many_answers_that_meet_a_silent_network_wait_for_it_together() throws Exception {
        int calls = 100;
        TestProvider provider = TestProvider.thatRemembers();
        try (TestHost host = TestHost.withInvoices(calls);
                SilentNetwork network = SilentNetwork.inFrontOf(host.database().jdbcUrl());
                HikariDataSource pool = new HikariDataSource()) {
            pool.setJdbcUrl(network.jdbcUrl() + "&loginTimeout=2");
            pool.setConnectionTimeout(2_000);
            CountDownLatch called = new CountDownLatch(calls);
            Moment silent = new Moment();
            provider.answering((p, request) -> {
                called.countDown();
                silent.await();
                return p.charge(request);
            });
            LockingInvoiceBiller biller = host.server(pool, provider)
                    .lockScope(LockScope.CLAIM_ONLY)
                    .lockStrategy(LockStrategy.SKIP_LOCKED)
                    .concurrency(calls)
                    .callTimeout(Duration.ofMinutes(2))
                    .build();
            InBackground<BillingRun> run = InBackground.of(biller::billPending);
            called.await();
            // None is left that would be waited for by itself.
            pool.getHikariPoolMXBean().softEvictConnections();
            network.swallow();
            silent.reach();

            // One after the other they would wait for two hundred seconds.
            assertThatThrownBy(() -> within(Duration.ofSeconds(60), run)).isInstanceOf(BillingRunException.class);

            network.restore();
            for (int id = 1; id <= calls; id++) {
                host.letTimePass(id, Duration.ofMinutes(5));
            }
            await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
                restOf(biller);
                assertThat(host.count("invoices", "pending")).isZero();
            });
            assertThat(provider.charges()).isEqualTo(calls);
            assertThat(provider.chargedTwice()).isEmpty();
            biller.close();
        }
    }

    @Test
    void r17_a_biller_that_is_built_over_a_silent_network_says_so() throws Exception {
        try (TestHost host = TestHost.withInvoices(1);
                SilentNetwork network = SilentNetwork.inFrontOf(host.database().jdbcUrl())) {
            network.swallowBehindTheProxy();
            InBackground<LockingInvoiceBiller> build = InBackground.of(
                    () -> host.server(driver(network.jdbcUrl() + "&sslmode=disable"), TestProvider.thatRemembers())
                            .build());

            assertThatThrownBy(() -> within(Duration.ofMinutes(1), build))
                    .isInstanceOf(SetupException.class)
                    .hasMessageContaining("gave no usable connection");
        }
    }

    private static <T> T within(Duration bound, InBackground<T> work) {
        await().atMost(bound).until(work::isDone);
        return work.result();
    }

    private static DataSource driver(String url) {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(url);
        return dataSource;
    }

    private static DataSource pool(String url) {
        HikariDataSource pool = new HikariDataSource();
        // As docs/operations.md says: without it, one that is being opened blocks all that the pool would open later.
        pool.setJdbcUrl(url + "&loginTimeout=5");
        // The default is thirty seconds, which is but the same three times as long.
        pool.setConnectionTimeout(10_000);
        return pool;
    }
}
