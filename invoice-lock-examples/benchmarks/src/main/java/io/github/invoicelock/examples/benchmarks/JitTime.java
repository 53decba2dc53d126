package io.github.invoicelock.examples.benchmarks;

import java.util.Locale;

/**
 * What a claim of 500 costs on a server that compiles statements, beside the same on one that is told not to. Medians of all rounds, for each
 * invoice.
 *
 * @param pending how many invoices were pending
 * @param settled how many more were paid and had a settled attempt
 * @param byDefault the server's default
 * @param claimMicros the transaction that claims, with the server's default
 * @param offClaimMicros the same with {@code jit = off} on the server
 * @param claimToOff the ratio of both
 * @param runToOff the same of the whole run
 */
record JitTime(
        int pending,
        int settled,
        String byDefault,
        double claimMicros,
        double offClaimMicros,
        double claimToOff,
        double runToOff) {
    /** What the library promises for a claim, as a multiple of one without. */
    static final double PROMISED = 1.1;

    static JitTime of(int size, String byDefault, Claims claims, Claims off) {
        double claimMicros = Result.median(claims.claimMicros());
        double offClaimMicros = Result.median(off.claimMicros());
        return new JitTime(
                size,
                size,
                byDefault,
                claimMicros,
                offClaimMicros,
                claimMicros / offClaimMicros,
                Result.median(claims.runMicros()) / Result.median(off.runMicros()));
    }

    boolean asPromised() {
        return claimToOff <= PROMISED;
    }

    String text() {
        return String.format(
                Locale.ROOT,
                "%,d pending, %,d settled: claim with jit=%s %.1f µs, with jit=off %.1f µs, ratio %.2f%s; run, ratio %.2f",
                pending,
                settled,
                byDefault,
                claimMicros,
                offClaimMicros,
                claimToOff,
                asPromised() ? "" : " (MORE THAN PROMISED)",
                runToOff);
    }
}
