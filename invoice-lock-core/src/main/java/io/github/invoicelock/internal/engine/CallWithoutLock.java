package io.github.invoicelock.internal.engine;

import java.util.List;
import java.util.concurrent.ExecutorService;

/**
 * CLAIM_ONLY: no transaction is open and no connection is used while the provider is called. Outcomes that have come meanwhile are settled
 * together.
 */
final class CallWithoutLock {
    private final Settlements settlements;
    private final Calls calls;
    private final Conclusions conclusions;
    private final Settler<Heard> settler;

    private record Heard(Claim claim, Answer answer, RunInProgress run) {}

    CallWithoutLock(
            Settlements settlements,
            Calls calls,
            Conclusions conclusions,
            int settlers,
            int together,
            ExecutorService threads) {
        this.settlements = settlements;
        this.calls = calls;
        this.conclusions = conclusions;
        this.settler = new Settler<>(settlers, together, threads, this::settle);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // what goes wrong after the answer ends the run
    void call(Claim claim, RunInProgress run) {
        if (run.givesBack()) {
            conclusions.giveBack(claim, run);
            return;
        }
        calls.start(claim)
                .thenAccept(answer -> conclusions.guarded(run, () -> {
                    run.answered(answer.failed());
                    settler.offer(new Heard(claim, answer, run));
                }));
    }

    private void settle(List<Heard> batch) {
        List<Settled> together = batch.size() > 1 ? settleTogether(batch) : List.of();
        for (int i = 0; i < batch.size(); i++) {
            Heard heard = batch.get(i);
            Settled settled = together.isEmpty() ? null : together.get(i);
            conclusions.guarded(heard.run(), () -> {
                if (settled == null) {
                    conclusions.settleAlone(heard.claim(), heard.answer(), heard.run());
                } else {
                    conclusions.conclude(heard.claim(), heard.answer(), settled, heard.run());
                }
            });
        }
    }

    /** Empty if one of them cannot be settled; which one shows when each is settled alone, and only that one's error counts. */
    private List<Settled> settleTogether(List<Heard> batch) {
        try {
            return settlements.writeAll(
                    batch.stream().map(Heard::claim).toList(),
                    batch.stream().map(Heard::answer).toList());
        } catch (RuntimeException e) {
            return List.of();
        }
    }
}
