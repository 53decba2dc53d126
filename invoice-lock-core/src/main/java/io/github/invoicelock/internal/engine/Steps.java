package io.github.invoicelock.internal.engine;

import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.host.Threads;
import io.github.invoicelock.internal.journal.DueAttempts;
import io.github.invoicelock.internal.judgement.Approach;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Judgement;
import io.github.invoicelock.internal.limits.FleetPace;
import io.github.invoicelock.internal.limits.Pace;
import io.github.invoicelock.internal.run.Brake;
import io.github.invoicelock.internal.run.RunInProgress;
import io.github.invoicelock.internal.run.Slots;
import io.github.invoicelock.internal.settlement.Marking;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Tables;
import java.time.Duration;
import java.util.concurrent.Executor;
import org.jooq.Condition;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/** The steps of one biller's engine, chosen once by scope, strategy and database, and the threads that they go on. */
final class Steps {
    /** How long a claim without a sign of life is left alone: the moment between claim and call takes milliseconds. */
    private static final Duration GRACE = Duration.ofSeconds(3);
    /** Where calls are short, a claim of many waits so long for more slots to become free: little beside a call over a network. */
    private static final Duration A_MOMENT = Duration.ofMillis(2);

    private static final int SETTLED_TOGETHER = 500;
    /** So many threads that do not come back are enough to know that the gateway hangs. */
    private static final int MOST_ABANDONED = 1_000;
    /** In CLAIM_ONLY scope two connections claim and two settle, so that slow claims do not delay what was charged. */
    private static final int CONNECTIONS_FOR_CLAIMS = 2;

    private static final int CONNECTIONS_FOR_SETTLEMENTS = 2;

    private final Searches searches;
    private final boolean claimsPages;
    private final boolean takesTurns;
    private final Pace pace;
    private final Slots slots;
    private final Brake brake;
    private final Conclusions conclusions;
    private final Claims claims;
    private final TakeOvers takeOvers;
    private final Marking marking;
    private final Calls calls;
    private final Calling calling;
    private final Executor threads;
    /** The same, or none of its own where a call is not waited for. */
    private final Executor starting;

    Steps(BillerSettings settings, Tables tables, HostCode hostCode, Notices notices) {
        boolean throughCall = settings.scope() == LockScope.THROUGH_CALL;
        String name = "invoice-lock-" + settings.name();
        Judgement judgement = new Judgement(settings, hostCode);
        Tables claiming = throughCall ? tables : tables.atMost(CONNECTIONS_FOR_CLAIMS);
        this.takesTurns = tables.journal().places().kept();
        this.claimsPages = settings.strategy() == LockStrategy.SKIP_LOCKED && !takesTurns;
        this.searches = new Searches(
                claiming,
                new PendingAgain(claiming, notices),
                throughCall && settings.providerRemembers()
                        ? new DueAttempts.Grace(GRACE, settings.leases().of(Approach.BILL))
                        : null);
        this.pace = new Pace(settings.maxCallsPerSecond(), fleetPace(settings, claiming, notices), settings.time());
        this.slots = new Slots(settings.concurrency(), pace, throughCall ? Duration.ZERO : A_MOMENT);
        this.brake = new Brake(settings, claiming, notices);
        this.conclusions = new Conclusions(notices, pace, slots);
        this.claims = new Claims(settings, claiming, notices);
        this.takeOvers = new TakeOvers(settings, claiming, judgement);
        Tables settling = throughCall ? tables : tables.atMost(CONNECTIONS_FOR_SETTLEMENTS);
        this.marking = new Marking(settings, settling, hostCode);
        Settlements settlements = new Settlements(settings, settling, judgement, marking);
        Executor hosts = settings.executor();
        int most = Math.max(settings.concurrency(), Math.min(settings.stopAfterFailures(), MOST_ABANDONED));
        this.calls = new Calls(
                settings,
                hosts != null ? hosts : Threads.forCalls(name + "-call"),
                hosts != null ? Threads.forHostCode(name + "-executor") : Runnable::run,
                pace,
                new LateAnswers(settlements, notices),
                notices::notCutOff,
                most);
        this.threads = Threads.forSteps(
                name + "-step",
                throughCall ? settings.concurrency() : Math.min(settings.concurrency(), CONNECTIONS_FOR_CLAIMS));
        LastLook lastLook = new LastLook(settlements, pace);
        this.calling = throughCall
                ? new CallUnderLock(settings, tables, settlements, lastLook, calls)
                : new CallWithoutLock(
                        settlements,
                        lastLook,
                        calls,
                        CONNECTIONS_FOR_SETTLEMENTS,
                        tables.database().distributed() ? 1 : SETTLED_TOGETHER,
                        Threads.forSteps(name + "-settler", CONNECTIONS_FOR_SETTLEMENTS));
        this.starting = throughCall ? threads : Runnable::run;
    }

    private static @Nullable FleetPace fleetPace(BillerSettings settings, Tables tables, Notices notices) {
        double rate = settings.fleetCallsPerSecond();
        return Double.isInfinite(rate)
                ? null
                : new FleetPace(rate, settings.time(), new SharedMoments(rate, tables, notices));
    }

    Searches searches() {
        return searches;
    }

    Pace pace() {
        return pace;
    }

    Slots slots() {
        return slots;
    }

    Brake brake() {
        return brake;
    }

    Conclusions conclusions() {
        return conclusions;
    }

    Claims claims() {
        return claims;
    }

    TakeOvers takeOvers() {
        return takeOvers;
    }

    Marking marking() {
        return marking;
    }

    Calls calls() {
        return calls;
    }

    Calling calling() {
        return calling;
    }

    /** What a search for fresh invoices asks for besides: a claim of many leaves out what has an attempt, others look at the ids they read. */
    Condition sought(Tables tables) {
        return claimsPages
                ? tables.journal().firsts().withoutAttempt(tables.invoices().idText())
                : DSL.noCondition();
    }

    /** Whether many are claimed by one statement. */
    boolean claimsPages() {
        return claimsPages;
    }

    /** Whether it is one at a time for each customer. */
    boolean takesTurns() {
        return takesTurns;
    }

    // ---- threads

    /** A step on a thread of its own; what it throws ends the run, not the thread. */
    void onThread(RunInProgress run, Runnable way) {
        on(threads, run, way);
    }

    /** A call of a claim: on a thread of its own if it is waited for. */
    void start(RunInProgress run, Runnable way) {
        on(starting, run, way);
    }

    private void on(Executor executor, RunInProgress run, Runnable way) {
        try {
            executor.execute(() -> guarded(run, way));
        } catch (Throwable e) {
            conclusions.lost(e, run);
        }
    }

    private void guarded(RunInProgress run, Runnable way) {
        try {
            way.run();
        } catch (Throwable e) {
            conclusions.lost(e, run);
        }
    }
}
