package io.github.invoicelock.micrometer;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.AttemptCause;
import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingListener;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.RunKind;
import io.github.invoicelock.StopReason;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Counts and times what this server does: give it to the biller's builder as a listener, and bind it to a registry. Thread-safe; may be
 * bound to several registries, and at any time: each counts from then on.
 *
 * <pre>{@code
 * BillingMetrics metrics = new BillingMetrics("invoices");
 * metrics.bindTo(registry);
 * LockingInvoiceBiller biller = LockingInvoiceBiller.builder(dataSource, gateway).listener(metrics).build();
 * new JournalMetrics(biller).bindTo(registry);
 * }</pre>
 *
 * <p>All carry the tag {@code biller}:
 *
 * <ul>
 *   <li>{@code invoice.lock.outcomes}: outcomes written, by tag {@code outcome} (billed, accepted, declined, not_billed, in_doubt,
 *       withdrawn). An invoice may come to several, in doubt and then billed for example.
 *   <li>{@code invoice.lock.contended}: invoices that another held
 *   <li>{@code invoice.lock.taken.over}: attempts that were taken over
 *   <li>{@code invoice.lock.parked}, by {@code cause}: attempts that were left to a person
 *   <li>{@code invoice.lock.anomalies}: see {@link BillingListener#anomaly}
 *   <li>{@code invoice.lock.claim}: a timer of the transactions that claim fresh invoices, and
 *       {@code invoice.lock.claim.invoices}, how many each claimed
 *   <li>{@code invoice.lock.call}: a timer of the provider, by tag {@code answer} (billed, accepted, declined, not_billed, unknown)
 *   <li>{@code invoice.lock.settle}: a timer of settlements, one for each outcome, and {@code invoice.lock.settle.invoices}, their number:
 *       see {@link BillingListener#settleTook}
 *   <li>{@code invoice.lock.run}: a timer of this server's runs, by the tags {@code run} (bill_pending, recover, bill) and {@code stopped}
 *       (none_left, invoice_limit, time_limit, provider_failing, paused, closed, interrupted, error)
 * </ul>
 */
public final class BillingMetrics implements BillingListener, MeterBinder {
    private static final String PREFIX = "invoice.lock.";
    private static final String NO_CAUSE = "none";

    private final String biller;
    private final List<Meters> bound = new CopyOnWriteArrayList<>();

    /**
     * Metrics of one biller.
     *
     * @param biller its name, the value of the tag {@code biller}
     */
    public BillingMetrics(String biller) {
        this.biller = requireNonNull(biller, "biller");
    }

    /**
     * Whose they are.
     *
     * @return the value of the tag {@code biller}
     */
    public String biller() {
        return biller;
    }

    @Override
    public synchronized void bindTo(MeterRegistry registry) {
        // Bound twice, by the host and by its framework, everything would count double.
        if (bound.stream().noneMatch(meters -> meters.registry == registry)) {
            bound.add(new Meters(registry, Tags.of("biller", biller)));
        }
    }

    @Override
    public void settled(BillingAttempt attempt, BillingOutcome outcome, Duration callTime) {
        for (Meters meters : bound) {
            // A withdrawal is told by itself, too, and not always as an outcome.
            if (attempt.state() != AttemptState.WITHDRAWN) {
                meters.count(attempt.state());
            }
            if (!callTime.isZero()) {
                requireNonNull(meters.calls.get(answer(outcome))).record(callTime);
            }
        }
    }

    @Override
    public void withdrawn(BillingAttempt attempt) {
        bound.forEach(meters -> meters.count(attempt.state()));
    }

    @Override
    public void contended(String invoiceId) {
        bound.forEach(meters -> meters.contended.increment());
    }

    @Override
    public void takenOver(BillingAttempt attempt) {
        bound.forEach(meters -> meters.takenOver.increment());
    }

    @Override
    public void parked(BillingAttempt attempt) {
        bound.forEach(meters ->
                requireNonNull(meters.parked.get(cause(attempt.cause()))).increment());
    }

    @Override
    public void anomaly(String invoiceId, String what) {
        bound.forEach(meters -> meters.anomalies.increment());
    }

    @Override
    public void claimTook(int invoices, Duration time) {
        for (Meters meters : bound) {
            meters.claims.record(time);
            meters.claimed.record(invoices);
        }
    }

    @Override
    public void settleTook(int invoices, Duration time) {
        for (Meters meters : bound) {
            meters.settlements.record(time);
            meters.settled.record(invoices);
        }
    }

    @Override
    public void runEnded(BillingRun run) {
        bound.forEach(meters -> requireNonNull(
                        requireNonNull(meters.runs.get(run.kind())).get(run.stopReason()))
                .record(run.elapsed()));
    }

    /** What is open and never due waits for a person, whoever wrote it: then there is none. */
    private static String cause(@Nullable AttemptCause cause) {
        return cause == null ? NO_CAUSE : cause.name().toLowerCase(Locale.ROOT);
    }

    static String answer(BillingOutcome outcome) {
        if (outcome instanceof BillingOutcome.Billed) {
            return "billed";
        }
        if (outcome instanceof BillingOutcome.Accepted) {
            return "accepted";
        }
        if (outcome instanceof BillingOutcome.Declined) {
            return "declined";
        }
        return outcome instanceof BillingOutcome.NotBilled ? "not_billed" : "unknown";
    }

    /** The meters of one registry. All are there from the start, so that a first refusal shows as a change from zero. */
    private static final class Meters {
        private final MeterRegistry registry;
        private final Map<AttemptState, Counter> outcomes = new EnumMap<>(AttemptState.class);
        private final Map<String, Timer> calls;
        private final Map<RunKind, Map<StopReason, Timer>> runs = new EnumMap<>(RunKind.class);
        private final Counter contended;
        private final Counter takenOver;
        private final Map<String, Counter> parked;
        private final Counter anomalies;
        private final Timer claims;
        private final DistributionSummary claimed;
        private final Timer settlements;
        private final DistributionSummary settled;

        private Meters(MeterRegistry registry, Tags tags) {
            this.registry = registry;
            for (AttemptState state : AttemptState.values()) {
                if (state != AttemptState.STARTED) {
                    outcomes.put(
                            state,
                            Counter.builder(PREFIX + "outcomes")
                                    .description("Outcomes written to the journal")
                                    .tags(tags.and("outcome", state.name().toLowerCase(Locale.ROOT)))
                                    .register(registry));
                }
            }
            calls = Stream.of("billed", "accepted", "declined", "not_billed", "unknown")
                    .collect(Collectors.toMap(
                            answer -> answer,
                            answer -> Timer.builder(PREFIX + "call")
                                    .description("How long the provider took")
                                    .tags(tags.and("answer", answer))
                                    .register(registry)));
            for (RunKind kind : RunKind.values()) {
                runs.put(kind, runs(registry, tags.and("run", kind.name().toLowerCase(Locale.ROOT))));
            }
            contended = counter(registry, tags, "contended", "Invoices that another server, or the host, held");
            takenOver = counter(registry, tags, "taken.over", "Attempts that were taken over");
            parked = Stream.concat(Stream.of(AttemptCause.values()).map(BillingMetrics::cause), Stream.of(NO_CAUSE))
                    .collect(Collectors.toMap(
                            cause -> cause,
                            cause -> counter(
                                    registry,
                                    tags.and("cause", cause),
                                    "parked",
                                    "Attempts that were left to a person")));
            anomalies = counter(registry, tags, "anomalies", "Things that should never be, kept from doing harm");
            claims = timer(registry, tags, "claim", "Transactions that claim fresh invoices");
            claimed = summary(registry, tags, "claim.invoices", "Invoices claimed by one transaction");
            settlements = timer(registry, tags, "settle", "Transactions that settle outcomes");
            settled = summary(registry, tags, "settle.invoices", "Outcomes settled by one transaction");
        }

        private static Map<StopReason, Timer> runs(MeterRegistry registry, Tags tags) {
            Map<StopReason, Timer> runs = new EnumMap<>(StopReason.class);
            for (StopReason reason : StopReason.values()) {
                runs.put(
                        reason,
                        timer(registry, tags.and("stopped", reason.name().toLowerCase(Locale.ROOT)), "run", "Runs"));
            }
            return runs;
        }

        private void count(AttemptState state) {
            requireNonNull(outcomes.get(state), () -> "no outcome: " + state).increment();
        }

        private static Counter counter(MeterRegistry registry, Tags tags, String name, String description) {
            return Counter.builder(PREFIX + name)
                    .description(description)
                    .tags(tags)
                    .register(registry);
        }

        private static Timer timer(MeterRegistry registry, Tags tags, String name, String description) {
            return Timer.builder(PREFIX + name)
                    .description(description)
                    .tags(tags)
                    .register(registry);
        }

        private static DistributionSummary summary(MeterRegistry registry, Tags tags, String name, String description) {
            return DistributionSummary.builder(PREFIX + name)
                    .description(description)
                    .tags(tags)
                    .baseUnit("invoices")
                    .register(registry);
        }
    }
}
