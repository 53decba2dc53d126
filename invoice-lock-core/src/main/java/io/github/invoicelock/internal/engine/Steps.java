package io.github.invoicelock.internal.engine;

import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.DatabaseException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.internal.database.SqlStates;
import io.github.invoicelock.internal.invoices.Candidate;
import io.github.invoicelock.internal.invoices.Candidates;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.DueAttempts;
import io.github.invoicelock.internal.journal.Inquiries;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
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

    private final Tables tables;
    private final boolean claimsPages;
    private final DueAttempts.@Nullable Grace grace;
    private final Notices notices;
    private final Pace pace;
    private final Slots slots;
    private final Conclusions conclusions;
    private final Claims claims;
    private final TakeOvers takeOvers;
    private final Settlements settlements;
    private final Marking marking;
    private final Calls calls;
    private final Calling calling;
    private final Resolutions resolutions;
    private final Reports reports;
    private final Executor threads;
    /** The same, or none of its own where a call is not waited for. */
    private final Executor starting;

    static Steps of(EngineSettings settings, Tables tables) {
        return new Steps(settings, tables);
    }

    private Steps(EngineSettings settings, Tables tables) {
        boolean throughCall = settings.scope() == LockScope.THROUGH_CALL;
        String name = "invoice-lock-" + settings.name();
        HostCode hostCode = new HostCode(Threads.forHostCode(name + "-host"), settings.hostCodeBound());
        Judgement judgement = new Judgement(settings, hostCode);
        this.tables = throughCall ? tables : tables.atMost(CONNECTIONS_FOR_CLAIMS);
        this.claimsPages = settings.strategy() == LockStrategy.SKIP_LOCKED;
        this.grace = throughCall && settings.providerRemembers()
                ? new DueAttempts.Grace(GRACE, settings.leases().of(Approach.BILL))
                : null;
        this.notices = new Notices(settings.name(), settings.listeners(), hostCode);
        this.pace = new Pace(settings.maxCallsPerSecond(), settings.time());
        this.slots = new Slots(settings.concurrency(), pace, throughCall ? Duration.ZERO : A_MOMENT);
        this.conclusions = new Conclusions(notices, pace, slots);
        this.claims = new Claims(settings, this.tables, notices);
        this.takeOvers = new TakeOvers(settings, this.tables, judgement);
        Tables settling = throughCall ? tables : tables.atMost(CONNECTIONS_FOR_SETTLEMENTS);
        this.marking = new Marking(settings, settling, hostCode);
        this.settlements = new Settlements(settings, settling, judgement, marking);
        Executor hosts = settings.executor();
        int most = Math.max(settings.concurrency(), Math.min(settings.stopAfterFailures(), MOST_ABANDONED));
        this.calls = new Calls(
                settings,
                // With room for calls that were cut off and do not return.
                hosts != null ? hosts : Threads.forCalls(name + "-call", settings.concurrency() + most),
                hosts != null ? Threads.forHostCode(name + "-executor") : Runnable::run,
                pace,
                this::writeLate,
                notices::notCutOff,
                most);
        this.threads = Threads.forSteps(
                name + "-step",
                throughCall ? settings.concurrency() : Math.min(settings.concurrency(), CONNECTIONS_FOR_CLAIMS));
        this.calling = throughCall
                ? new CallUnderLock(settings, tables, settlements, calls)
                : new CallWithoutLock(
                        settlements,
                        calls,
                        CONNECTIONS_FOR_SETTLEMENTS,
                        tables.database().distributed() ? 1 : SETTLED_TOGETHER,
                        Threads.forSteps(name + "-settler", CONNECTIONS_FOR_SETTLEMENTS));
        OutsideWriting writing = new OutsideWriting(tables, notices);
        Settlements outside = new Settlements(settings, tables, judgement, new Marking(settings, tables, hostCode));
        this.resolutions = new Resolutions(tables, outside, writing);
        this.reports = new Reports(settings.name(), tables, outside, judgement, writing);
        this.starting = throughCall ? threads : Runnable::run;
    }

    Resolutions resolutions() {
        return resolutions;
    }

    Reports reports() {
        return reports;
    }

    Notices notices() {
        return notices;
    }

    Pace pace() {
        return pace;
    }

    Slots slots() {
        return slots;
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

    /** Whether many are claimed by one statement. */
    boolean claimsPages() {
        return claimsPages;
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

    private void writeLate(Claim claim, BillingOutcome outcome) {
        try {
            settlements.writeLate(claim, outcome).ifPresent(written -> {
                Notices.Batch told = notices.batch();
                if (written.attempt() != null) {
                    told.settled(written.attempt(), outcome, Duration.ZERO).leftOrGivenUp(written.attempt());
                }
                written.anomalies().forEach(what -> told.anomaly(claim.invoiceId(), what));
                told.tell();
            });
        } catch (Throwable e) {
            notices.lateAnswerLost(claim.invoiceId(), e);
        }
    }

    // ---- what is asked of the tables

    OffsetDateTime clock() {
        return tables.database().inTransaction(tables.journal().inquiries()::clock);
    }

    List<DueAttempt> duePage(OffsetDateTime cutOff, @Nullable DueAttempt after, int limit) {
        return tables.database().inTransaction(tx -> tables.journal().dues().page(tx, cutOff, after, grace, limit));
    }

    List<AttemptRow> attemptsOf(String invoiceId) {
        Inquiries inquiries = tables.journal().inquiries();
        return tables.database()
                .atOnce(inquiries.ofInvoices(List.of(invoiceId)))
                .getOrDefault(invoiceId, List.of());
    }

    /** An invoice's id as its row prints it; one that is not there is an error. */
    String printed(String given) {
        return tables.database()
                .inTransaction(tx -> tables.invoices().ids().printed(tx, given))
                .orElseThrow(() -> new InvoiceLockException("There is no invoice " + given + " in "
                        + tables.invoices().qualifiedName() + ". Check the id."));
    }

    FreshIds freshIds(Position from, int limit, PendingAgain pendingAgain) {
        try {
            return freshIds(tables.database().atOnce(candidates().page(from, limit)), from, limit, pendingAgain);
        } catch (DatabaseException e) {
            if (!SqlStates.ofOneInvoice(e)) {
                throw e;
            }
            // One of them cannot be asked whether it is billable; which one shows when each is asked by itself.
            FreshIds pending = freshIds(
                    tables.database().atOnce(candidates().pendingPage(from, limit)), from, limit, pendingAgain);
            return new FreshIds(
                    pending.invoiceIds().stream().filter(this::mayBeFresh).toList(), pending.next());
        }
    }

    private Candidates candidates() {
        return tables.invoices().candidates();
    }

    /** Whether an invoice is pending and billable; true also of one that cannot be asked: its claim says why, and sets it aside. */
    boolean mayBeFresh(String invoiceId) {
        try {
            return tables.database().inTransaction(tx -> candidates().isFresh(tx, invoiceId));
        } catch (DatabaseException e) {
            if (SqlStates.ofOneInvoice(e)) {
                return true;
            }
            throw e;
        }
    }

    private FreshIds freshIds(List<Candidate> page, Position from, int limit, PendingAgain pendingAgain) {
        List<String> invoiceIds = page.stream().map(Candidate::invoiceId).toList();
        Map<String, List<AttemptRow>> attempts = page.isEmpty()
                ? Map.of()
                : tables.database().atOnce(tables.journal().inquiries().ofInvoices(invoiceIds));
        pendingAgain.tell(attempts);
        return new FreshIds(
                invoiceIds.stream()
                        .filter(invoiceId -> !attempts.containsKey(invoiceId))
                        .toList(),
                page.size() < limit
                        ? candidates().nextPhase(from)
                        : page.get(page.size() - 1).position());
    }
}
