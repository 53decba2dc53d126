package io.github.invoicelock.internal.engine;

import io.github.invoicelock.internal.judgement.Answer;
import io.github.invoicelock.internal.judgement.Claim;
import io.github.invoicelock.internal.run.RunInProgress;
import io.github.invoicelock.internal.settlement.Written;
import java.util.List;

/** What holds an invoice while the provider is called: chosen once, by the scope. */
interface Calling {
    /** Why a claim was not called. */
    String GIVEN_BACK = "Claimed, and given back uncalled when the run stopped.";

    /** Calls and settles; what came of it is handed on, once, by whichever thread had it. */
    void call(Claim claim, RunInProgress run, Concluding then);

    /**
     * An invoice that was called and settled.
     *
     * @param claim as it was called
     */
    record Called(Claim claim, RunInProgress run, Answer answer, Written written) {}

    /** Where invoices go when they were called, or were not to be. */
    interface Concluding {
        /**
         * They were called, and settled together.
         *
         * @param since when their settlement began, by {@link System#nanoTime()}
         */
        void called(List<Called> settled, long since);

        /** It was not called. */
        void uncalled(Claim claim, RunInProgress run, Written written);

        /** An error: what became of it is not known here, the journal has it. */
        void lost(RunInProgress run, Throwable e);
    }
}
