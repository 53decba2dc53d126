package io.github.invoicelock;

import java.time.Duration;

/**
 * What one run did. An invoice is counted each time that the run takes it up, by its state afterwards: in {@code billed}, {@code accepted},
 * {@code declined}, {@code notBilled}, {@code inDoubt}, {@code withdrawn} or {@code contended}. {@link #seen()} is their sum. An invoice that
 * becomes due again during the run is counted again.
 *
 * <p>{@code recovered} and {@code parked} say how many <em>of these</em> were taken over, or were left to a person.
 *
 * @param billed charged and journaled; also invoices that were only marked in this run
 * @param accepted the provider will tell the result later
 * @param declined refused for good
 * @param notBilled surely not charged, to be tried again; also invoices that were given back without a call, or set aside
 * @param inDoubt outcome unknown
 * @param contended another server, or the host, held the invoice; with {@link LockStrategy#SKIP_LOCKED} such rows are mostly not seen
 * @param recovered of all these, attempts that an earlier run or another server had left behind
 * @param withdrawn taken back by the host before anything was charged
 * @param parked of all these, attempts that now wait for a person
 * @param elapsed how long the run took
 * @param stopReason why it ended
 * @param kind which call began it
 */
public record BillingRun(
        int billed,
        int accepted,
        int declined,
        int notBilled,
        int inDoubt,
        int contended,
        int recovered,
        int withdrawn,
        int parked,
        Duration elapsed,
        StopReason stopReason,
        RunKind kind) {

    /**
     * How often the run took an invoice up.
     *
     * @return the sum of all outcomes and of the contended ones
     */
    public int seen() {
        return billed + accepted + declined + notBilled + inDoubt + withdrawn + contended;
    }

    /** A log line that a person can read and a machine can split. */
    @Override
    public String toString() {
        return "billed=%d accepted=%d declined=%d notBilled=%d inDoubt=%d contended=%d recovered=%d withdrawn=%d parked=%d elapsed=%s stopped=%s run=%s"
                .formatted(
                        billed,
                        accepted,
                        declined,
                        notBilled,
                        inDoubt,
                        contended,
                        recovered,
                        withdrawn,
                        parked,
                        elapsed,
                        stopReason,
                        kind);
    }
}
