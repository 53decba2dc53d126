package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whatever servers do when, and whatever the provider answers: no invoice is charged twice, none is lost, and all counts add up.
 *
 * <p>Each schedule comes from its seed alone. The name of a case says its seed, and so does a failure: {@code -Dinvoicelock.schedule.seed=7
 * -Dinvoicelock.schedules=1} plays that one again.
 */
class SchedulePropertiesTest {

    private static final int SCHEDULES = Integer.getInteger("invoicelock.schedules", 25);
    private static final long FIRST_SEED =
            Long.getLong("invoicelock.schedule.seed", new Random().nextInt(Integer.MAX_VALUE));

    enum Act {
        ONE_RUNS,
        TWO_RUN_AT_ONCE,
        ONE_RECOVERS,
        ONE_RUNS_A_FEW,
        HOST_TAKES_ONE_BACK,
        HOST_SETS_ALL_TO_PENDING,
        HOURS_PASS
    }

    /** What one seed says. */
    record Schedule(
            long seed,
            List<Act> acts,
            LockStrategy strategy,
            LockScope scope,
            int concurrency,
            boolean retriesRefusals,
            long providersSeed) {

        static Schedule of(long seed) {
            Random random = new Random(seed);
            Act[] acts = Act.values();
            return new Schedule(
                    seed,
                    random.ints(3 + random.nextInt(8), 0, acts.length)
                            .mapToObj(i -> acts[i])
                            .toList(),
                    oneOf(LockStrategy.values(), random),
                    oneOf(LockScope.values(), random),
                    1 + random.nextInt(4),
                    random.nextBoolean(),
                    random.nextLong());
        }

        private static <T> T oneOf(T[] values, Random random) {
            return values[random.nextInt(values.length)];
        }
    }

    static Stream<Schedule> schedules() {
        System.out.println("SchedulePropertiesTest: " + SCHEDULES + " schedules from seed " + FIRST_SEED);
        return LongStream.range(FIRST_SEED, FIRST_SEED + SCHEDULES).mapToObj(Schedule::of);
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void random_schedules_never_charge_twice_and_lose_nothing(Schedule schedule) {
        try (TestHost host = TestHost.withInvoices(12)) {
            TestProvider provider = unreliable(schedule.providersSeed());
            LockingInvoiceBiller.Builder settings = host.server(provider)
                    .lockStrategy(schedule.strategy())
                    .lockScope(schedule.scope())
                    .concurrency(schedule.concurrency())
                    .retryPolicy(attempt -> attempt.state() == AttemptState.DECLINED && !schedule.retriesRefusals()
                            ? Optional.empty()
                            : Optional.of(Duration.ofMinutes(10)));
            LockingInvoiceBiller one = host.running(settings);
            LockingInvoiceBiller two = host.running(settings);

            for (Act act : schedule.acts()) {
                List<BillingRun> runs = play(act, host, one, two);
                runs.forEach(run -> assertThat(run.seen())
                        .as("counts add up: %s; %s", run, schedule)
                        .isEqualTo(run.billed()
                                + run.accepted()
                                + run.declined()
                                + run.notBilled()
                                + run.inDoubt()
                                + run.withdrawn()
                                + run.contended()));
            }

            assertThat(provider.chargedTwice()).as("%s", schedule).isEmpty();
            assertThat(provider.overlaps()).as("%s", schedule).isEmpty();
            assertThat(host.count("invoice_lock.billing_attempt", "state = 'STARTED'"))
                    .as("%s", schedule)
                    .isZero();
            assertThat(
                            host.count(
                                    "invoices i",
                                    "pending and not exists (select from invoice_lock.billing_attempt a where a.invoice_id = i.id::text "
                                            + "and (a.due_at is not null or a.state in ('BILLED', 'DECLINED', 'IN_DOUBT', 'NOT_BILLED', 'WITHDRAWN')))"
                                            + " and exists (select from invoice_lock.billing_attempt a where a.invoice_id = i.id::text)"))
                    .as("neither free, due, parked nor settled; %s", schedule)
                    .isZero();
            for (int id = 1; id <= 12; id++) {
                boolean recorded =
                        host.count("invoice_lock.billing_attempt", "state = 'BILLED' and invoice_id = '" + id + "'")
                                > 0;
                if (recorded) {
                    assertThat(provider.chargesOf(id))
                            .as("recorded and not charged: %s; %s", id, schedule)
                            .isEqualTo(1);
                }
            }
        }
    }

    private static List<BillingRun> play(Act act, TestHost host, LockingInvoiceBiller one, LockingInvoiceBiller two) {
        List<BillingRun> runs = new ArrayList<>();
        switch (act) {
            case ONE_RUNS -> runs.add(one.billPending());
            case TWO_RUN_AT_ONCE -> {
                InBackground<BillingRun> first = InBackground.of(one::billPending);
                runs.add(two.billPending());
                runs.add(first.result());
            }
            case ONE_RECOVERS -> runs.add(two.recover());
            case ONE_RUNS_A_FEW -> {
                BillingRun run = one.billPending(RunLimits.none().invoices(3));
                assertThat(run.seen() - run.contended()).isLessThanOrEqualTo(3);
                runs.add(run);
            }
            case HOST_TAKES_ONE_BACK ->
                host.sql("update invoices set pending = false where id = (select min(id) from invoices where pending)");
            case HOST_SETS_ALL_TO_PENDING -> host.sql("update invoices set pending = true");
            case HOURS_PASS -> {
                for (int id = 1; id <= 12; id++) {
                    host.letTimePass(id, Duration.ofHours(2));
                }
            }
        }
        return runs;
    }

    /** Charges, loses answers, refuses, rate limits; remembers its keys for a day. */
    private static TestProvider unreliable(long seed) {
        Random random = new Random(seed);
        TestProvider provider = TestProvider.thatRemembers();
        return provider.answering((p, request) -> {
            int die;
            synchronized (random) {
                die = random.nextInt(6);
            }
            return switch (die) {
                case 0 -> {
                    p.charge(request);
                    yield BillingOutcome.unknown("the answer was lost");
                }
                case 1 -> BillingOutcome.unknown("500");
                case 2 -> BillingOutcome.notBilled("429");
                case 3 -> p.referenceOf(request.idempotencyKey()) != null ? p.charge(request) : p.refuse(request);
                default -> p.refused(request) ? BillingOutcome.declined("card_declined", "saved") : p.charge(request);
            };
        });
    }
}
