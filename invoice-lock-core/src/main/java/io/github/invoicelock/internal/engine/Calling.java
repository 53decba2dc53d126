package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.settlement.Written;

/** What holds an invoice while the provider is called: chosen once, by the scope. */
interface Calling {
    /** Why a claim was not called. */
    String GIVEN_BACK = "Claimed, and given back uncalled when the run stopped.";

    /** Calls and settles; what came of it is handed on, once, by whichever thread had it. */
    void call(Claim claim, RunInProgress run, Concluding then);

    /** Where an invoice goes when it was called, or was not to be. */
    interface Concluding {
        /**
         * It was called.
         *
         * @param claim as it was called
         * @param settledAt since when the settlement took its time, by {@link System#nanoTime()}
         */
        void called(Claim claim, Answer answer, Written written, long settledAt);

        /** It was not. */
        void uncalled(Written written);

        /** An error: what became of it is not known here, the journal has it. */
        void lost(Throwable e);
    }
}
