package io.github.invoicelock.internal.engine;

import io.github.invoicelock.AttemptState;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingPreview;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.RunKind;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.internal.engine.Calling.Called;
import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.host.HostCode;
import io.github.invoicelock.internal.host.Notices;
import io.github.invoicelock.internal.invoices.Position;
import io.github.invoicelock.internal.journal.AttemptRow;
import io.github.invoicelock.internal.journal.Billers;
import io.github.invoicelock.internal.journal.DueAttempt;
import io.github.invoicelock.internal.journal.Hold;
import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.BillerSettings;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.limits.Turns;
import io.github.invoicelock.internal.run.RunInProgress;
import io.github.invoicelock.internal.run.Slots;
import io.github.invoicelock.internal.settlement.Tables;
import io.github.invoicelock.internal.settlement.Written;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
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

    /** Where all that waits is behind others' calls, it is looked so often who is being called. */
    private static final Duration A_MOMENT = Duration.ofMillis(100);

    private final Steps steps;
    private final Searches searches;
    private final Slots slots;
    private final Conclusions conclusions;
    private final Notices notices;
    private final Tables tables;
    private final Runs runs;
    private final Concluding concluding = new Concluding();
    /** Bills fresh invoices from a position on: chosen once, by the strategy. */
    private final Fresh fresh;

    /** Bills a page of fresh invoices; the position of the next, or null. */
    private interface Fresh {
        @Nullable
        Position bill(Position from, RunInProgress run);
    }

    public BillingEngine(BillerSettings settings, Tables tables, HostCode hostCode, Notices notices) {
        this.notices = notices;
        this.tables = tables;
        this.steps = new Steps(settings, tables, hostCode, notices);
        this.searches = steps.searches();
        this.slots = steps.slots();
        this.conclusions = steps.conclusions();
        this.runs = new Runs(settings, steps.calls(), notices);
        this.fresh = steps.takesTurns() ? this::billInTurns : steps.claimsPages() ? this::billPage : this::billEach;
    }

    /** Due attempts first, then fresh invoices, until none is left. */
    public BillingRun billPending(RunLimits limits) {
        return run(RunKind.BILL_PENDING, limits, run -> {
            continueDue(run);
            billFresh(run);
        });
    }

    /** Only what is due. */
    public BillingRun recover() {
        return run(RunKind.RECOVER, RunLimits.none(), run -> {
            continueDue(run);
            searches.pendingAgain().forgetMended();
        });
    }

    /** One invoice now. */
    public BillingRun bill(String invoiceId) {
        return run(RunKind.BILL, RunLimits.none(), run -> billOrContinue(searches.printed(invoiceId), run));
    }

    /** What {@link #billPending} would take up; nothing is done. */
    public BillingPreview preview(RunLimits limits, List<String> sumsOf) {
        return new Preview(tables, searches, limits, sumsOf).look(steps.sought(tables), PAGE);
    }

    // ---- fresh invoices

    private void billFresh(RunInProgress run) {
        Position from = Position.START;
        while (from != null && run.takesFresh()) {
            from = fresh.bill(from, run);
            continueDueMeanwhile(run);
        }
        if (steps.claimsPages() && run.takesFresh()) {
            // Pages of ids are looked at one by one as they are read; here none was.
            run.awaitInFlight();
            searches.pendingAgain().tell();
        }
        if (!run.stopped()) {
            searches.pendingAgain().forgetMended();
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
            page = steps.brake()
                    .past(
                            run,
                            trial -> steps.claims().claimPage(from, trial ? 1 : room, trial),
                            braked -> braked.held() == Hold.BRAKE,
                            mine -> !mine.claims().isEmpty());
        } catch (Throwable e) {
            slots.giveBackUnused(room, run);
            if (SqlStates.ofOneInvoice(e)) {
                // One of them cannot be claimed; which one shows when each is claimed by itself.
                return billEach(from, run);
            }
            throw e;
        }
        slots.giveBackUnused(room - page.claims().size(), run);
        if (page.held() == Hold.PAUSE) {
            meetPause(run);
        }
        run.contended(page.locked() - page.claims().size());
        page.claims().forEach(claim -> steps.start(run, () -> call(claim, run)));
        return page.next();
    }

    /** NOWAIT, WAIT: a page of ids that is read without locks; then each by itself. */
    private @Nullable Position billEach(Position from, RunInProgress run) {
        FreshIds page = searches.freshIds(from, PAGE);
        for (String invoiceId : page.invoiceIds()) {
            if (!run.takesFresh() || !step(run, 1, () -> billOne(invoiceId, run))) {
                return null;
            }
            continueDueMeanwhile(run);
        }
        return page.next();
    }

    /** One at a time for each customer: whoever waits for its turn is taken up when it has come; to the end, with what was read so far. */
    private @Nullable Position billInTurns(Position from, RunInProgress run) {
        FreshIds page = searches.freshIds(from, PAGE);
        Turns turns = run.turns();
        page.candidates().forEach(each -> turns.add(each.invoiceId(), each.customer()));
        try {
            do {
                String invoiceId = turns.next();
                if (invoiceId == null) {
                    turns.taken(searches.customersCalled());
                } else if (!run.takesFresh() || !step(run, 1, () -> billOne(invoiceId, run))) {
                    return null;
                } else {
                    continueDueMeanwhile(run);
                }
            } while (turns.some()
                    || ((page.next() == null || turns.full()) && run.takesFresh() && turns.await(A_MOMENT.toMillis())));
        } catch (InterruptedException e) {
            run.interrupted();
            return null;
        }
        if (page.next() != null) {
            return page.next();
        }
        // Ends, for a pass in which nothing was called is the last one.
        return turns.passAgain() ? Position.START : null;
    }

    private void billOne(String invoiceId, RunInProgress run) {
        Claims.Result result = steps.brake()
                .past(
                        run,
                        trial -> steps.claims().claim(invoiceId, trial),
                        Claims.Result.Held.BY_THE_BRAKE::equals,
                        Claims.Result.Mine.class::isInstance);
        if (result instanceof Claims.Result.Mine mine) {
            call(mine.claim(), run);
        } else if (result instanceof Claims.Result.Not not) {
            conclusions.uncalled(invoiceId, not.written(), false, run);
            run.turns().passOver(invoiceId);
        } else if (result instanceof Claims.Result.Busy) {
            conclusions.held(run);
            run.turns().wait(invoiceId);
        } else {
            meetHold(((Claims.Result.Held) result).by(), run);
        }
    }

    private void call(Claim claim, RunInProgress run) {
        steps.calling().call(claim, run, concluding);
    }

    /** Where claims go when they were called, or were not to be. */
    private final class Concluding implements Calling.Concluding {
        @Override
        public void called(List<Called> settled, long since) {
            settled.forEach(called -> tellAll(called.claim(), called.answer(), called.run()));
            conclusions.tell(settled, since);
            for (Called called : settled) {
                BillingAttempt attempt = called.written().attempt();
                if (attempt != null && toBeSentNow(called)) {
                    steps.pace().oweClaimed();
                    DueAttempt due = new AttemptRow(attempt, null, false).due();
                    // With the slot that the invoice has.
                    steps.onThread(called.run(), () -> continueAttempt(due, called.run()));
                } else {
                    conclusions.leave(called);
                    called.run().turns().called(called.claim().invoiceId());
                }
            }
        }

        /** What the provider's answer means for all servers; that it cannot be told ends the run, and loses nothing that was heard. */
        private void tellAll(Claim claim, Answer answer, RunInProgress run) {
            try {
                steps.brake().heard(answer, claim.trial(), run);
            } catch (Throwable e) {
                run.fail(e);
            }
        }

        /** The provider surely never saw the key. */
        private boolean toBeSentNow(Called called) {
            return called.written().neverSeen()
                    && called.answer().thrown() == null
                    && called.run().takesFresh();
        }

        @Override
        public void uncalled(Claim claim, RunInProgress run, Written written) {
            tellAll(claim, Answer.notCalled(""), run);
            conclusions.uncalled(claim.invoiceId(), written, claim.takenOver(), run);
            run.turns().leave(claim.invoiceId());
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
        OffsetDateTime cutOff = look(searches.lookAndTrace(), run).atOffset(ZoneOffset.UTC);
        DueAttempt last = null;
        while (!run.stopped()) {
            List<DueAttempt> page = searches.duePage(cutOff, last, PAGE);
            for (DueAttempt due : page) {
                if (passedOver(due, run)) {
                    continue;
                }
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

    /** What would be sent is left as it is while the biller is paused. */
    private boolean passedOver(DueAttempt due, RunInProgress run) {
        return run.paused() && !steps.takeOvers().goesOnInAPause(due);
    }

    private void continueAttempt(DueAttempt due, RunInProgress run) {
        if (due.onlyToBeMarked()) {
            conclusions.without(due.invoiceId(), steps.marking().markLater(due), true, run);
            return;
        }
        TakeOvers.Result result = steps.brake()
                .past(
                        run,
                        trial -> steps.takeOvers().take(due, trial),
                        TakeOvers.Result.Held.BY_THE_BRAKE::equals,
                        TakeOvers.Result.Taken.class::isInstance);
        if (result instanceof TakeOvers.Result.Taken taken) {
            notices.batch().takenOver(taken.claim().attempt()).tell();
            call(taken.claim(), run);
        } else if (result instanceof TakeOvers.Result.Done done) {
            conclusions.uncalled(due.invoiceId(), done.written(), true, run);
        } else if (result instanceof TakeOvers.Result.Busy) {
            run.takesUpLater(due);
            conclusions.uncalled(due.invoiceId(), Written.CONTENDED, true, run);
        } else {
            meetHold(((TakeOvers.Result.Held) result).by(), run);
        }
    }

    // ---- a pause

    /** Nothing was written: the run has met a pause, or has ended at the brake. */
    private void meetHold(Hold by, RunInProgress run) {
        if (by == Hold.PAUSE) {
            meetPause(run);
        }
        conclusions.held(run);
    }

    /** A claim met a pause: the run sends nothing more, and tells who wants it so. */
    private void meetPause(RunInProgress run) {
        run.pause();
        if (run.tellsPause()) {
            look(searches.look(), run);
        }
    }

    private Instant look(Billers.Standing standing, RunInProgress run) {
        notices.standing(standing.pause(), standing.resumedBy());
        if (standing.pause() != null) {
            run.pause();
            run.tellsPause();
        }
        return standing.clock();
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
        } else if (next.is(AttemptState.STARTED) && searches.look().clock().isBefore(dueAt)) {
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

    private BillingRun run(RunKind kind, RunLimits limits, Consumer<RunInProgress> way) {
        return runs.run(kind, limits, run -> {
            way.accept(run);
            run.awaitInFlight();
            if (run.tellsPause()) {
                look(searches.look(), run);
            }
        });
    }

    /** Stops claiming, waits for calls in flight, gives back what is not called. Idempotent. */
    public void close() {
        runs.close();
    }
}
