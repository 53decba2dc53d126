package io.github.invoicelock;

import java.time.Duration;

/**
 * What one run did. Each time that the run took an invoice up it is counted, by how it stood afterwards, in one of {@code billed},
 * {@code accepted}, {@code declined}, {@code notBilled}, {@code inDoubt}, {@code withdrawn}, or {@code contended}; {@link #seen()} is
 * their sum. One that fell due again while the run lasted is counted again. {@code recovered} and {@code parked} say how many <em>of
 * these</em> were taken over, or were left to a person.
 *
 * @param billed charged and journaled; also what was only marked in this run
 * @param accepted the provider will tell later
 * @param declined finally refused
 * @param notBilled surely not charged, to be tried again; also what was given back uncalled, or set aside
 * @param inDoubt outcome unknown
 * @param contended another server (or the host) held the invoice; under {@link LockStrategy#SKIP_LOCKED} such rows are mostly not
 *     even seen
 * @param recovered of all these, attempts that an earlier run or another server had left behind
 * @param withdrawn taken back by the host before anything was charged
 * @param parked of all these, attempts that now wait for a person
 * @param elapsed how long the run took
 * @param stopReason why it ended
 * @param kind what it was asked for
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
