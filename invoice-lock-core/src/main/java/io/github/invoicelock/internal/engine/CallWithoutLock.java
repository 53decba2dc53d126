package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.errors.SqlStates;
import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.run.RunInProgress;
import io.github.invoicelock.internal.settlement.Settlements;
import io.github.invoicelock.internal.settlement.Written;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * CLAIM_ONLY: no transaction is open and no connection is used while the provider is called. Outcomes that have come meanwhile are settled
 * together.
 */
final class CallWithoutLock implements Calling {
    private final Settlements settlements;
    private final LastLook lastLook;
    private final Calls calls;
    private final SettlementQueue<Heard> queue;

    private record Heard(Claim claim, RunInProgress run, Answer answer, Concluding then) {}

    /**
     * Calls without a lock.
     *
     * @param settlers how many settle at a time
     * @param together how many are settled by one transaction at most
     */
    CallWithoutLock(
            Settlements settlements, LastLook lastLook, Calls calls, int settlers, int together, Executor threads) {
        this.settlements = settlements;
        this.lastLook = lastLook;
        this.calls = calls;
        this.queue = new SettlementQueue<>(settlers, together, threads, this::settle);
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // what goes wrong after the answer is handed on
    public void call(Claim claim, RunInProgress run, Concluding then) {
        Optional<Written> uncalled = lastLook.at(claim, run);
        if (uncalled.isPresent()) {
            then.uncalled(claim, run, uncalled.get());
            return;
        }
        calls.start(claim, run.carried()).thenAccept(answer -> {
            run.answered(answer);
            queue.offer(new Heard(claim, run, answer, then));
        });
    }

    private void settle(List<Heard> batch) {
        long since = System.nanoTime();
        List<Written> together = batch.size() > 1 ? settleTogether(batch) : List.of();
        if (together.isEmpty()) {
            settleEach(batch);
            return;
        }
        List<Called> settled = new ArrayList<>(batch.size());
        for (int i = 0; i < batch.size(); i++) {
            Heard heard = batch.get(i);
            settled.add(new Called(heard.claim(), heard.run(), heard.answer(), together.get(i)));
        }
        batch.get(0).then().called(settled, since);
    }

    /** R17: where the database is out of reach, each would wait for it anew; the first one's wait is all of theirs. */
    private void settleEach(List<Heard> batch) {
        Throwable unreachable = null;
        for (Heard heard : batch) {
            if (unreachable == null) {
                unreachable = settleAlone(heard).filter(SqlStates::unreachable).orElse(null);
            } else {
                heard.then().lost(heard.run(), unreachable);
            }
        }
    }

    /** Why it was lost; empty if it is settled. */
    private Optional<Throwable> settleAlone(Heard heard) {
        long since = System.nanoTime();
        Written written;
        try {
            written = settlements.write(heard.claim(), heard.answer());
        } catch (Throwable e) {
            heard.then().lost(heard.run(), e);
            return Optional.of(e);
        }
        heard.then().called(List.of(new Called(heard.claim(), heard.run(), heard.answer(), written)), since);
        return Optional.empty();
    }

    /** Empty if one of them cannot be settled; which one shows when each is settled alone, and only that one's error counts. */
    private List<Written> settleTogether(List<Heard> batch) {
        try {
            return settlements.writeAll(
                    batch.stream().map(Heard::claim).toList(),
                    batch.stream().map(Heard::answer).toList());
        } catch (Throwable e) {
            return List.of();
        }
    }
}
