package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.BillingRunException;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.SetupException;
import io.github.invoicelock.internal.engine.Calling.Called;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The way of an invoice, top to bottom: due attempts first, then fresh ones; claim, call, settle. All decisions where to go next are
 * here; the steps are its collaborators. Thread-safe; runs may overlap and share the slots.
 */
public final class BillingEngine {
    /** Ids only; an answer to "how many rows in one read" that costs little memory and few round trips. */
    private static final int PAGE = 400;

    /** How often a run looks for what has become due meanwhile: what a dead server left behind is not to wait for the run's end. */
    private static final Duration LOOK_FOR_DUE = Duration.ofSeconds(3);

    private final BillerSettings settings;
    private final Steps steps;
    private final Searches searches;
    private final Slots slots;
    private final Conclusions conclusions;
    private final Notices notices;
    private final Concluding concluding = new Concluding();
    /** Bills fresh invoices from a position on: chosen once, by the strategy. */
    private final Fresh fresh;

    private volatile boolean closed;
    private int activeRuns;

    /** Bills a page of fresh invoices; the position of the next, or null. */
    private interface Fresh {
        @Nullable
        Position bill(Position from, RunInProgress run);
    }

    public BillingEngine(BillerSettings settings, Tables tables, HostCode hostCode, Notices notices) {
        this.settings = settings;
        this.notices = notices;
        this.steps = new Steps(settings, tables, hostCode, notices);
        this.searches = steps.searches();
        this.slots = steps.slots();
        this.conclusions = steps.conclusions();
        this.fresh = steps.claimsPages() ? this::billPage : this::billEach;
    }

    /** Due attempts first, then fresh invoices, until none is left. */
    public BillingRun billPending(RunLimits limits) {
        return run(limits, run -> {
            continueDue(run);
            billFresh(run);
        });
    }

    /** Only what is due. */
    public BillingRun recover() {
        return run(RunLimits.none(), this::continueDue);
    }

    /** One invoice now. */
    public BillingRun bill(String invoiceId) {
        return run(RunLimits.none(), run -> billOrContinue(searches.printed(invoiceId), run));
    }

    // ---- fresh invoices

    private void billFresh(RunInProgress run) {
        Position from = Position.START;
        while (from != null && !run.stopped()) {
            from = fresh.bill(from, run);
            continueDueMeanwhile(run);
        }
        if (steps.claimsPages() && !run.stopped()) {
            // Pages of ids are looked at one by one as they are read; here none was.
            run.awaitInFlight();
            searches.pendingAgain().tell();
        }
    }

    /** SKIP_LOCKED: as many as there are free slots by one statement. */
    private @Nullable Position billPage(Position from, RunInProgress run) {
        int room = slots.takeMany(run);
        if (room == 0) {
            return null;
        }
        Claims.Page page;
        try {
            page = steps.claims().claimPage(from, room);
        } catch (Throwable e) {
            slots.giveBackUnused(room, run);
            if (SqlStates.ofOneInvoice(e)) {
                // One of them cannot be claimed; which one shows when each is claimed by itself.
                return billEach(from, run);
            }
            throw e;
        }
        slots.giveBackUnused(room - page.claims().size(), run);
        run.contended(page.locked() - page.claims().size());
        page.claims().forEach(claim -> steps.start(run, () -> call(claim, run)));
        return page.next();
    }

    /** NOWAIT, WAIT: a page of ids that is read without locks; then each by itself. */
    private @Nullable Position billEach(Position from, RunInProgress run) {
        FreshIds page = searches.freshIds(from, PAGE);
        for (String invoiceId : page.invoiceIds()) {
            if (!step(run, 1, () -> billOne(invoiceId, run))) {
                return null;
            }
            continueDueMeanwhile(run);
        }
        return page.next();
    }

    private void billOne(String invoiceId, RunInProgress run) {
        Claims.Result result = steps.claims().claim(invoiceId);
        if (result instanceof Claims.Result.Mine mine) {
            call(mine.claim(), run);
        } else if (result instanceof Claims.Result.Not not) {
            conclusions.uncalled(invoiceId, not.written(), false, run);
        }
    }

    private void call(Claim claim, RunInProgress run) {
        steps.calling().call(claim, run, concluding);
    }

    /** Where claims go when they were called, or were not to be. */
    private final class Concluding implements Calling.Concluding {
        @Override
        public void called(List<Called> settled, long since) {
            conclusions.tell(settled, since);
            for (Called called : settled) {
                BillingAttempt attempt = called.written().attempt();
                if (attempt != null && toBeSentNow(called)) {
                    steps.pace().owe();
                    DueAttempt due = new AttemptRow(attempt, null, false).due();
                    // With the slot that the invoice has.
                    steps.onThread(called.run(), () -> continueAttempt(due, called.run()));
                } else {
                    conclusions.leave(called);
                }
            }
        }

        /** The provider surely never saw the key. */
        private boolean toBeSentNow(Called called) {
            return called.written().neverSeen()
                    && called.answer().thrown() == null
                    && !called.run().stopped();
        }

        @Override
        public void uncalled(Claim claim, RunInProgress run, Written written) {
            conclusions.uncalled(claim.invoiceId(), written, claim.takenOver(), run);
        }

        @Override
        public void lost(RunInProgress run, Throwable e) {
            conclusions.lost(e, run);
        }
    }

    // ---- due attempts: take over, call or ask, settle

    private void continueDueMeanwhile(RunInProgress run) {
        if (run.timeToLook(LOOK_FOR_DUE)) {
            continueDue(run);
            run.looked();
        }
    }

    private void continueDue(RunInProgress run) {
        OffsetDateTime cutOff = searches.clock();
        DueAttempt last = null;
        while (!run.stopped()) {
            List<DueAttempt> page = searches.duePage(cutOff, last, PAGE);
            for (DueAttempt due : page) {
                if (run.takesUp(due) && !step(run, due.onlyToBeMarked() ? 0 : 1, () -> continueAttempt(due, run))) {
                    return;
                }
            }
            if (page.size() < PAGE) {
                return;
            }
            last = page.get(page.size() - 1);
        }
    }

    private void continueAttempt(DueAttempt due, RunInProgress run) {
        if (due.onlyToBeMarked()) {
            conclusions.without(due.invoiceId(), steps.marking().markLater(due), true, run);
            return;
        }
        TakeOvers.Result result = steps.takeOvers().take(due);
        if (result instanceof TakeOvers.Result.Taken taken) {
            notices.batch().takenOver(taken.claim().attempt()).tell();
            call(taken.claim(), run);
        } else if (result instanceof TakeOvers.Result.Done done) {
            conclusions.uncalled(due.invoiceId(), done.written(), true, run);
        }
    }

    // ---- one invoice

    private void billOrContinue(String invoiceId, RunInProgress run) {
        List<AttemptRow> attempts = searches.attemptsOf(invoiceId);
        if (attempts.isEmpty()) {
            if (searches.mayBeFresh(invoiceId)) {
                step(run, 1, () -> billOne(invoiceId, run));
            }
            return;
        }
        AttemptRow newest = attempts.get(attempts.size() - 1);
        AttemptRow next = attempts.stream()
                .filter(row -> row.is(AttemptState.BILLED) && row.attempt().dueAt() != null)
                .findFirst()
                .orElse(newest);
        Instant dueAt = next.attempt().dueAt();
        if (dueAt == null) {
            searches.pendingAgain().tell(Map.of(invoiceId, attempts));
        } else if (next.is(AttemptState.STARTED) && searches.clock().toInstant().isBefore(dueAt)) {
            // It is being called right now.
            step(run, 0, () -> conclusions.without(invoiceId, Written.CONTENDED, false, run));
        } else {
            DueAttempt due = next.due();
            step(run, due.onlyToBeMarked() ? 0 : 1, () -> continueAttempt(due, run));
        }
    }

    // ---- a run

    /** Admits one invoice, waits for a slot and for its call's moment, and starts its first step. */
    private boolean step(RunInProgress run, int calls, Runnable way) {
        boolean taken = slots.take(run, calls);
        if (taken) {
            steps.onThread(run, way);
        }
        return taken;
    }

    private BillingRun run(RunLimits limits, Consumer<RunInProgress> way) {
        begin();
        RunInProgress run =
                new RunInProgress(limits, settings.stopAfterFailures(), () -> closed, steps.calls()::usedUp);
        boolean watched = false;
        try {
            steps.calls().watch();
            watched = true;
            way.accept(run);
        } catch (Throwable e) {
            run.fail(e);
        } finally {
            run.awaitInFlight();
            if (watched) {
                steps.calls().unwatch();
            }
            end();
            if (run.wasInterrupted()) {
                Thread.currentThread().interrupt();
            }
        }
        BillingRun result = run.result();
        notices.batch().ended(result).tell();
        return resultOrFailure(result, run.failure());
    }

    private static BillingRun resultOrFailure(BillingRun result, @Nullable Throwable failure) {
        if (failure == null) {
            return result;
        }
        if (failure instanceof Error error) {
            throw error;
        }
        if (failure instanceof SetupException setup) {
            throw setup;
        }
        // What PostgreSQL or the host's code says has no full stop, or may say nothing at all.
        String text = failure instanceof InvoiceLockException && failure.getMessage() != null
                ? failure.getMessage()
                : HostCode.described(failure);
        String sentence = text.endsWith(".") ? text : text + ".";
        throw new BillingRunException(sentence + " The run ended with: " + result, result, failure);
    }

    private synchronized void begin() {
        if (closed) {
            throw new IllegalStateException("The biller \"" + settings.name()
                    + "\" is closed. Build a new one, or stop the scheduler before closing it.");
        }
        activeRuns++;
    }

    private synchronized void end() {
        activeRuns--;
        notifyAll();
    }

    /** Stops claiming, waits for calls in flight, gives back what is not called. Idempotent. */
    public void close() {
        closed = true;
        try {
            awaitRuns(settings.leases().longest().multipliedBy(2));
            steps.calls().awaitAbandoned(settings.leaseMargin());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized void awaitRuns(Duration atMost) throws InterruptedException {
        long end = System.nanoTime() + atMost.toNanos();
        for (long left = atMost.toMillis(); left > 0 && activeRuns > 0; left = (end - System.nanoTime()) / 1_000_000) {
            wait(left);
        }
    }
}
