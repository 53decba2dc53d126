package io.github.invoicelock.testkit;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What happens to a request on the wire. */
@FunctionalInterface
interface Fault {

    /** Nothing: it reaches the provider, and the answer comes back. */
    Fault NONE = passage -> passage.answer(passage.forward());

    /** The provider does its work; the connection breaks before the answer. */
    Fault ANSWER_LOST = passage -> {
        passage.forward();
        passage.breakOff();
    };

    /** The provider does its work; the connection breaks in the middle of the answer. */
    Fault ANSWER_CUT = passage -> passage.answerHalf(passage.forward());

    /** The provider does its work, and nothing comes back until the check is over. */
    Fault SILENCE = passage -> {
        passage.forward();
        passage.hang();
    };

    void befall(Passage passage) throws IOException, InterruptedException;

    /** The provider is not even asked. */
    static Fault insteadOfTheProvider(Reply reply) {
        return passage -> passage.answer(reply);
    }

    /** The provider does its work; what comes back says otherwise. */
    static Fault afterTheProvider(Reply reply) {
        return passage -> {
            passage.forward();
            passage.answer(reply);
        };
    }

    /** Requests wait for one another, as long as patience lasts, so that they are under way at the same time. */
    static Fault together(int requests, Duration patience) {
        CyclicBarrier barrier = new CyclicBarrier(requests);
        return passage -> {
            try {
                barrier.await(patience.toMillis(), TimeUnit.MILLISECONDS);
            } catch (BrokenBarrierException | TimeoutException e) {
                // A client with fewer connections than that is none the worse for it.
            }
            NONE.befall(passage);
        };
    }

    /** One request and its answer. */
    interface Passage {
        /** Lets the provider have it. */
        Reply forward() throws InterruptedException;

        void answer(Reply reply) throws IOException;

        /** Announces the whole answer, sends half of it and closes the connection. */
        void answerHalf(Reply reply) throws IOException;

        void breakOff();

        void hang() throws InterruptedException;
    }
}
