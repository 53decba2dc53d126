package io.github.invoicelock.testkit;

import static java.util.Objects.requireNonNull;

import io.github.invoicelock.BillingOutcome;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One call of the gateway, on a thread of its own as in the library, and what it sends meanwhile. */
final class Conversation {
    private final Wire wire;
    private final int sentBefore;
    private final CompletableFuture<Told> answer = new CompletableFuture<>();
    private final Thread thread;
    private @Nullable Told verdict;
    private List<SentRequest> sent = List.of();

    private Conversation(Wire wire, Callable<BillingOutcome> question) {
        this.wire = wire;
        this.sentBefore = wire.sent().size();
        this.thread = new Thread(
                () -> {
                    try {
                        answer.complete(Told.answer(question.call()));
                    } catch (Throwable e) {
                        answer.complete(Told.exception(e));
                    }
                },
                "invoice-lock-gateway-under-test");
        thread.setDaemon(true);
    }

    static Conversation start(Wire wire, Callable<BillingOutcome> question) {
        Conversation conversation = new Conversation(wire, question);
        conversation.thread.start();
        return conversation;
    }

    void interrupt() {
        thread.interrupt();
    }

    /** Waits for its end as long as patience lasts. What was told and sent by then is what counts. */
    Told end(Duration patience) {
        try {
            verdict = answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            verdict = Told.nothingWithin(patience);
            thread.interrupt();
        } catch (InterruptedException e) {
            throw Wire.interrupted(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("It is completed in one place, and not so", e);
        }
        List<SentRequest> all = wire.sent();
        sent = all.subList(sentBefore, all.size());
        return verdict;
    }

    /** What the gateway told, or that it was still at it. */
    Told told() {
        return requireNonNull(verdict, "It has not been waited for");
    }

    /** What was sent meanwhile. */
    List<SentRequest> sent() {
        return sent;
    }
}
