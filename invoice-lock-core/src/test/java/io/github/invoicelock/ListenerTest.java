package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Door.STATEMENT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Kind.OUTCOME;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static io.github.invoicelock.FaultyDataSource.Place.before;
import static io.github.invoicelock.FaultyDataSource.standStill;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a listener is told besides outcomes. */
class ListenerTest {
    private final TestHost host = TestHost.withInvoices(4);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final Listening listening = new Listening();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void each_of_several_is_told_whatever_another_throws() {
        Listening second = new Listening();
        host.running(host.server(provider)
                        .listener(listening)
                        .listener(new BillingListener() {
                            @Override
                            public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
                                throw new IllegalStateException("the listener is broken");
                            }
                        })
                        .listener(second))
                .billPending();

        assertThat(listening.settled).containsExactly("1", "2", "3", "4");
        assertThat(second.settled).containsExactly("1", "2", "3", "4");
    }

    @Ways.InEveryScope
    void every_claim_and_every_settlement_is_told_with_its_time(LockScope scope) {
        host.holding(2);

        host.running(host.server(provider).lockScope(scope).listener(listening)).billPending();

        assertThat(listening.claims).containsExactly(1, 0, 1, 1);
        assertThat(listening.settlements).containsExactly(1, 1, 1);
        assertThat(listening.times).hasSize(7).allMatch(time -> time.compareTo(Duration.ZERO) > 0);
    }

    @Ways.WithEveryStrategy
    void one_that_hears_of_a_claim_may_work_on_the_invoice(LockStrategy strategy) {
        host.running(host.server(provider).lockStrategy(strategy).listener(new BillingListener() {
                    @Override
                    public void claimed(BillingAttempt attempt) {
                        host.sql("set lock_timeout = '2s'; update invoices set state = 'being billed' where id = "
                                + attempt.invoiceId());
                    }
                }))
                .billPending();

        assertThat(host.one("select count(*) from invoices where state = 'being billed' and not pending"))
                .hasToString("4");
    }

    @Test
    void what_it_throws_is_one_short_line_of_the_log() {
        LockingInvoiceBiller server =
                host.running(host.server(TestProvider.thatRemembers()).listener(new BillingListener() {
                    @Override
                    public void claimed(BillingAttempt attempt) {
                        throw new IllegalStateException("first\nWARN a line of its own " + "x".repeat(100_000));
                    }
                }));

        String log = Log.of(server::billPending);

        assertThat(log.lines().filter(line -> line.contains("the BillingListener threw")))
                .isNotEmpty()
                .allMatch(line -> line.length() < 1_200 && line.contains("first WARN a line of its own"));
        assertThat(log.lines()).noneMatch(line -> line.startsWith("WARN a line"));
    }

    @Test
    void a_settlement_while_the_host_holds_the_row_is_told_too() {
        provider.answering((p, request) -> {
            host.holding(1);
            return p.charge(request);
        });

        host.running(host.server(provider).lockScope(LockScope.CLAIM_ONLY).listener(listening))
                .bill(1);

        assertThat(listening.settlements).containsExactly(1);
    }

    @Test
    void a_claim_and_a_settlement_of_many_say_how_many() {
        // Both settlers stand still with an outcome each, until the other two outcomes wait for them; then one of them
        // goes on.
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        Moment firstSettles = new Moment();
        Moment secondSettles = new Moment();
        Moment goOn = new Moment();
        Moment twoWereSettled = new Moment();
        database.strikeAt(1, before(STATEMENT).of(OUTCOME), standStill(firstSettles, goOn));
        database.strikeAt(2, before(STATEMENT).of(OUTCOME), standStill(secondSettles, twoWereSettled));
        provider.answering((p, request) -> {
            switch (request.invoiceId()) {
                case "1" -> {}
                case "2" -> firstSettles.await();
                default -> secondSettles.await();
            }
            return p.charge(request);
        });
        AtomicInteger ended = new AtomicInteger();

        host.running(host.server(database.proxy(), provider)
                        .lockStrategy(LockStrategy.SKIP_LOCKED)
                        .lockScope(LockScope.CLAIM_ONLY)
                        .concurrency(8)
                        .executor(call -> new Thread(() -> {
                                    call.run();
                                    if (ended.incrementAndGet() == 4) {
                                        goOn.reach();
                                    }
                                })
                                .start())
                        .listener(listening)
                        .listener(new BillingListener() {
                            @Override
                            public void settleTook(int invoices, Duration time) {
                                if (invoices == 2) {
                                    twoWereSettled.reach();
                                }
                            }
                        }))
                .billPending();

        assertThat(listening.claims).containsExactly(4, 0);
        assertThat(listening.settlements).containsExactlyInAnyOrder(1, 1, 2);
    }

    @Test
    void an_invoice_that_the_host_took_back_between_claim_and_call_is_told_as_withdrawn() {
        FaultyDataSource database = new FaultyDataSource(host.dataSource());
        LockingInvoiceBiller server =
                host.running(host.server(database.proxy(), provider).listener(listening));
        database.strikeOnce(
                after(COMMIT).of(CLAIM), crossing -> host.sql("update invoices set pending = false where id = 1"));

        server.bill(1);

        assertThat(listening.withdrawn).containsExactly("1");
        assertThat(listening.settled).as("nothing was called").isEmpty();
    }

    @Test
    void an_invoice_that_was_not_billed_and_taken_back_is_told_as_withdrawn() {
        LockingInvoiceBiller server = host.running(host.server(provider.answering(BillingOutcome.notBilled("429")))
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 5))
                .listener(listening));
        server.bill(1);
        host.sql("update invoices set pending = false where id = 1");

        server.recover();

        assertThat(listening.withdrawn).containsExactly("1");
    }

    @Test
    void an_invoice_that_the_provider_never_saw_and_that_was_taken_back_is_told_once_as_withdrawn() {
        TestProvider askable = TestProvider.thatCanBeAsked().answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(askable)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 5))
                .listener(listening));
        server.bill(1);
        host.sql("update invoices set pending = false where id = 1");
        host.letTimePass(1, Duration.ofHours(1));

        server.recover();

        assertThat(host.state(1)).isEqualTo("WITHDRAWN");
        assertThat(listening.withdrawn).containsExactly("1");
    }

    /** Writes down what it hears. */
    private static final class Listening implements BillingListener {
        private final List<String> settled = new CopyOnWriteArrayList<>();
        private final List<String> withdrawn = new CopyOnWriteArrayList<>();
        private final List<Integer> claims = new CopyOnWriteArrayList<>();
        private final List<Integer> settlements = new CopyOnWriteArrayList<>();
        private final List<Duration> times = new CopyOnWriteArrayList<>();

        @Override
        public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
            settled.add(attempt.invoiceId());
        }

        @Override
        public void withdrawn(BillingAttempt attempt) {
            withdrawn.add(attempt.invoiceId());
        }

        @Override
        public void claimTook(int invoices, Duration time) {
            claims.add(invoices);
            times.add(time);
        }

        @Override
        public void settleTook(int invoices, Duration time) {
            settlements.add(invoices);
            times.add(time);
        }
    }
}
