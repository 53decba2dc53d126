package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Kind.OUTCOME;
import static io.github.invoicelock.FaultyDataSource.Kind.TAKE_OVER;
import static io.github.invoicelock.FaultyDataSource.Place.before;
import static io.github.invoicelock.FaultyDataSource.standStill;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.github.invoicelock.AttemptEvent.What;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two people and a run are after one parked invoice, in every order: who looked before another decided is refused and told, the provider charges
 * once at most, and the history tells what happened in its order.
 */
class RacingWordsTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
    private final FaultyDataSource database = new FaultyDataSource(host.dataSource());
    private final LockingInvoiceBiller server = host.running(builder());
    /** The same, whose statements the test can stop. */
    private final LockingInvoiceBiller other =
            host.running(host.server(database.proxy(), provider).retryPolicy(RacingWordsTest::giveUp));

    @AfterEach
    void close() {
        host.close();
    }

    private LockingInvoiceBiller.Builder builder() {
        return host.server(provider).retryPolicy(RacingWordsTest::giveUp);
    }

    private static Optional<Duration> giveUp(BillingAttempt attempt) {
        return Optional.empty();
    }

    /** Who acts; all have looked before any of them does. */
    enum Actor {
        ANN {
            @Override
            void act(LockingInvoiceBiller server, BillingAttempt seen) {
                server.retry(seen, "the provider is back", "Ann");
            }
        },
        BEN {
            @Override
            void act(LockingInvoiceBiller server, BillingAttempt seen) {
                server.resolve(seen, BillingOutcome.notBilled("not in the ledger"), "dashboard", "Ben");
            }
        },
        A_RUN {
            @Override
            void act(LockingInvoiceBiller server, BillingAttempt seen) {
                server.recover();
            }
        };

        abstract void act(LockingInvoiceBiller server, BillingAttempt seen);

        boolean isAPerson() {
            return this != A_RUN;
        }

        What word() {
            return this == ANN ? What.RETRIED : What.RESOLVED;
        }

        String called() {
            return this == ANN ? "Ann" : "Ben";
        }
    }

    static Stream<List<Actor>> everyOrder() {
        List<List<Actor>> orders = new ArrayList<>();
        for (Actor first : Actor.values()) {
            for (Actor second : Actor.values()) {
                for (Actor third : Actor.values()) {
                    if (first != second && second != third && first != third) {
                        orders.add(List.of(first, second, third));
                    }
                }
            }
        }
        return orders.stream();
    }

    @ParameterizedTest
    @MethodSource("everyOrder")
    void one_after_the_other(List<Actor> order) {
        BillingAttempt seen = parked();
        List<Actor> people = order.stream().filter(Actor::isAPerson).toList();

        for (Actor actor : order) {
            if (actor == people.get(1)) {
                assertThatThrownBy(() -> actor.act(server, seen))
                        .isInstanceOfSatisfying(
                                WordRefusedException.class,
                                refused -> assertThat(refused.refusal()).isEqualTo(Refusal.CHANGED_SINCE))
                        .hasMessageContaining(people.get(0).called());
            } else {
                actor.act(server, seen);
            }
        }

        server.recover();
        assertThat(provider.charges()).isEqualTo(1);
        assertThat(host.pending(1)).isFalse();
        assertThat(server.history(1))
                .extracting(AttemptEvent::what)
                .startsWith(What.SETTLED, people.get(0).word(), What.TAKEN_OVER)
                .doesNotContain(people.get(1).word());
        assertInOrder();
    }

    static Stream<List<Actor>> everyPairOfPeople() {
        return Stream.of(List.of(Actor.ANN, Actor.BEN), List.of(Actor.BEN, Actor.ANN));
    }

    @ParameterizedTest
    @MethodSource("everyPairOfPeople")
    void a_word_that_waits_for_another_s_to_be_committed_is_older_and_refused(List<Actor> people) {
        BillingAttempt seen = parked();
        Moment written = new Moment();
        Moment goOn = new Moment();
        database.strikeOnce(before(COMMIT).of(OUTCOME), standStill(written, goOn));

        InBackground<Boolean> first = acting(people.get(0), other, seen);
        written.await();
        InBackground<Boolean> second = acting(people.get(1), server, seen);
        awaitItsLock();
        // A run waits for nobody, and takes nothing that is being decided.
        assertThat(server.recover().seen()).isZero();
        goOn.reach();

        assertThat(first.result()).as("taken").isTrue();
        assertThat(second.result()).as("taken").isFalse();
        server.recover();
        assertThat(provider.charges()).isEqualTo(1);
        assertInOrder();
    }

    @ParameterizedTest
    @MethodSource("everyPairOfPeople")
    void a_word_that_meets_the_take_over_of_a_run_is_older_and_refused(List<Actor> people) {
        BillingAttempt seen = parked();
        people.get(0).act(server, seen);
        Moment taken = new Moment();
        Moment goOn = new Moment();
        database.strikeOnce(before(COMMIT).of(TAKE_OVER), standStill(taken, goOn));

        InBackground<BillingRun> run = InBackground.of(other::recover);
        taken.await();
        InBackground<Boolean> second = acting(people.get(1), server, seen);
        awaitItsLock();
        goOn.reach();

        assertThat(second.result()).as("taken").isFalse();
        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(provider.charges()).isEqualTo(1);
        assertInOrder();
    }

    @ParameterizedTest
    @MethodSource("everyPairOfPeople")
    void a_word_that_meets_the_call_of_a_run_is_older_and_refused(List<Actor> people) {
        BillingAttempt seen = parked();
        people.get(0).act(server, seen);
        Moment called = new Moment();
        Moment goOn = new Moment();
        provider.answering((p, request) -> {
            called.reach();
            goOn.await();
            return p.charge(request);
        });

        InBackground<BillingRun> run = InBackground.of(other::recover);
        called.await();

        assertThat(acting(people.get(1), server, seen).result()).as("taken").isFalse();
        BillingAttempt now = server.attempts(1).get(0);
        assertThatThrownBy(() -> server.retry(now, "again", "Cas"))
                .isInstanceOfSatisfying(
                        WordRefusedException.class,
                        refused -> assertThat(refused.refusal()).isEqualTo(Refusal.BEING_CALLED));
        goOn.reach();
        assertThat(run.result().billed()).isEqualTo(1);
        assertThat(provider.charges()).isEqualTo(1);
        assertInOrder();
    }

    @Test
    void the_history_tells_the_story_in_order() {
        BillingAttempt seen = parked();
        provider.finding(request -> BillingOutcome.notBilled("never seen"));
        server.ask(1, "Ann");
        server.retry(seen, "asked the provider", "Ann");
        server.recover();

        List<AttemptEvent> history = server.history(1);

        assertThat(history)
                .extracting(AttemptEvent::what)
                .containsExactly(What.SETTLED, What.ASKED, What.RETRIED, What.TAKEN_OVER, What.SETTLED);
        assertThat(history)
                .extracting(event -> event.from() + " -> " + event.to())
                .containsExactly(
                        "STARTED -> IN_DOUBT",
                        "IN_DOUBT -> IN_DOUBT",
                        "IN_DOUBT -> IN_DOUBT",
                        "IN_DOUBT -> STARTED",
                        "STARTED -> BILLED");
        assertThat(history.get(0).message()).isEqualTo("500");
        assertThat(history.get(0).cause()).isEqualTo(AttemptCause.TRIES_USED_UP);
        assertThat(history.get(1).message()).contains("never seen");
        assertThat(history.get(2).who()).isEqualTo("Ann");
        assertThat(history.get(2).note()).isEqualTo("asked the provider");
        assertThat(history.get(4).reference())
                .isEqualTo(server.attempts(1).get(0).reference());
    }

    /** In doubt, nothing charged, left to a person, and no request on its way any more. */
    private BillingAttempt parked() {
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending();
        provider.answering(TestProvider::charge);
        host.letTimePass(1, Duration.ofMinutes(1));
        return server.needsAttention().get(0);
    }

    /** Whether the word was taken. */
    private static InBackground<Boolean> acting(Actor actor, LockingInvoiceBiller biller, BillingAttempt seen) {
        return InBackground.of(() -> {
            try {
                actor.act(biller, seen);
                return true;
            } catch (WordRefusedException e) {
                assertThat(e.refusal()).isEqualTo(Refusal.CHANGED_SINCE);
                return false;
            }
        });
    }

    private void awaitItsLock() {
        await().atMost(Duration.ofSeconds(30))
                .pollInterval(Duration.ofMillis(20))
                .until(() -> host.count("pg_stat_activity", "wait_event_type = 'Lock' and datname = current_database()")
                        > 0);
    }

    /** Each event begins where the one before has ended. */
    private void assertInOrder() {
        AttemptState state = AttemptState.STARTED;
        for (AttemptEvent event : server.history(1)) {
            assertThat(event.from()).as("%s", event).isEqualTo(state);
            state = event.to();
        }
        assertThat(state).isEqualTo(AttemptState.BILLED);
    }
}
