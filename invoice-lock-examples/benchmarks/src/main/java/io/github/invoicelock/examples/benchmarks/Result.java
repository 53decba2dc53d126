package io.github.invoicelock.examples.benchmarks;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was measured of a cell, as it stands in results.json.
 *
 * @param section of the cell
 * @param contender its name
 * @param title for people
 * @param servers how many JVMs
 * @param waits for the provider and the database
 * @param pending how many were pending
 * @param paid how many more were paid
 * @param mix what the pending ones were like
 * @param perSecond the median of the repetitions
 * @param toUpperBound the median of the ratios to the upper bound, repetition by repetition; null if that was not measured beside it
 * @param toRowLock the same to the better of the plain row locks
 * @param toOneServer the same to one server of this contender; null for one
 * @param walBytesPerInvoice the median
 * @param processor what an invoice costs
 * @param repetitions each of them
 */
record Result(
        String section,
        String contender,
        String title,
        int servers,
        Waits waits,
        int pending,
        int paid,
        String mix,
        double perSecond,
        @Nullable Double toUpperBound,
        @Nullable Double toRowLock,
        @Nullable Double toOneServer,
        double walBytesPerInvoice,
        Processor processor,
        List<Repetition> repetitions) {
    /**
     * The processor's time for each invoice, in microseconds: the figure that a bill shows. Medians of the repetitions.
     *
     * @param jvmMicros of the servers
     * @param postgresMicros of the database; null where it is not of this machine
     * @param toUpperBound both together, to those of the upper bound
     * @param toRowLock both together, to those of the cheaper of the plain row locks
     */
    record Processor(
            double jvmMicros,
            @Nullable Double postgresMicros,
            @Nullable Double toUpperBound,
            @Nullable Double toRowLock) {
        /** The JVM's and the database's; null where that is not known. */
        @Nullable
        Double bothMicros() {
            return postgresMicros == null ? null : jvmMicros + postgresMicros;
        }
    }

    /**
     * One repetition.
     *
     * @param seconds from the word go until the last server was done
     * @param billed how many invoices are not pending any more
     * @param perSecond billed in a second
     * @param calls of the provider
     * @param chargedTwice calls that charged an invoice again
     * @param markedLater how many are charged and journaled, and marked by the next run
     * @param cutOff whether the time was over before all was billed
     * @param walBytesPerInvoice written by the database for each
     * @param hotInvoiceUpdates share of the invoices' updates that touched no index, 0 to 1
     * @param hotJournalUpdates the same of the attempts
     * @param jvmMicros of the processor, for each invoice
     * @param postgresMicros the same of the database's; null where it is not of this machine
     */
    record Repetition(
            double seconds,
            int billed,
            double perSecond,
            int calls,
            int chargedTwice,
            int markedLater,
            boolean cutOff,
            double walBytesPerInvoice,
            double hotInvoiceUpdates,
            double hotJournalUpdates,
            double jvmMicros,
            @Nullable Double postgresMicros) {
        /** Both together; not a number where the database's is not known. */
        double processorMicros() {
            return postgresMicros == null ? Double.NaN : jvmMicros + postgresMicros;
        }
    }

    /** Whether each invoice was charged once. */
    boolean chargedOnce() {
        return repetitions.stream()
                .allMatch(repetition -> repetition.chargedTwice() == 0
                        && (repetition.cutOff()
                                || mix.equals(Mix.HALF_DECLINED.name())
                                || repetition.calls() == repetition.billed() + repetition.markedLater()));
    }

    /** The middle one; of an even number the lower of both. */
    static double median(List<Double> numbers) {
        return numbers.isEmpty()
                ? Double.NaN
                : numbers.stream().sorted().toList().get((numbers.size() - 1) / 2);
    }
}
