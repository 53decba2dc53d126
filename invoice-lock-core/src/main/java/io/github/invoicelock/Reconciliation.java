package io.github.invoicelock;

import static java.util.Objects.requireNonNull;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The provider's charges compared with the journal, as they were at that time. The result is in the journal's schema, not in memory, until it is
 * closed: close it when you are done. One that was never closed is deleted by a later one, after a week. A crash or a failover of PostgreSQL
 * loses it, too. Thread-safe.
 */
public final class Reconciliation implements AutoCloseable {
    private final Map<Kind, Long> counts;
    private final Function<Kind, Stream<Finding>> findings;
    private final Function<String, WrittenBack> writing;
    private final Runnable forgetting;

    Reconciliation(
            Map<Kind, Long> counts,
            Function<Kind, Stream<Finding>> findings,
            Function<String, WrittenBack> writing,
            Runnable forgetting) {
        this.counts = Map.copyOf(counts);
        this.findings = findings;
        this.writing = writing;
        this.forgetting = forgetting;
    }

    /** What is found of a charge. Each is of one kind. */
    public enum Kind {
        /** Recorded with this reference, and with this amount where both are known. */
        MATCHED,
        /**
         * Charged, and not recorded: no attempt of its invoice is BILLED. {@link Reconciliation#writeBack} records it. If it is not recorded, the
         * invoice may be charged again.
         */
        NOT_RECORDED,
        /**
         * Recorded, and not among the provider's charges. Only attempts that began and settled within the period are looked at, because their
         * charge must be among them. It was perhaps refunded, or recorded by mistake: look it up at the provider.
         */
        NOT_CHARGED,
        /** One charge too many: the invoice is recorded with another one, or an earlier one will be recorded. Refund this reference. */
        CHARGED_TWICE,
        /** Recorded with this reference, and charged with another amount. */
        OTHER_AMOUNT,
        /**
         * The invoice is recorded with another reference, which is not among the provider's charges. Do not refund it before a person has looked:
         * it may be the same charge under two names.
         */
        OTHER_REFERENCE,
        /**
         * Charged under a key that this journal never made, or for an invoice that does not exist. It may be of another system of the same
         * account, made by hand, or of an invoice that a restore has lost. Never written back. If it is of an invoice that is there, hand it in
         * again with the invoice's id and without a key.
         */
        UNKNOWN_KEY,
        /** Of another biller of this journal: compare it there. */
        OF_ANOTHER_BILLER
    }

    /**
     * A charge, and what is found of it.
     *
     * @param kind what is found
     * @param invoiceId whose charge it is; null if that is not known
     * @param key its idempotency key; null if neither side knows it
     * @param reference the provider's id of the charge
     * @param amount what the provider charged; null if it is not known
     * @param time when it was charged; of NOT_CHARGED when it was recorded
     * @param recorded the reference in the journal; null if there is none
     * @param recordedAmount the amount in the journal; null if there is none
     */
    public record Finding(
            Kind kind,
            @Nullable String invoiceId,
            @Nullable String key,
            String reference,
            @Nullable BigDecimal amount,
            Instant time,
            @Nullable String recorded,
            @Nullable BigDecimal recordedAmount) {}

    /**
     * What was written back.
     *
     * @param charges how many charges were recorded
     * @param unmarked how many of their invoices could not be marked; they are set aside, and tried again by themselves
     * @param held how many charges were not recorded, because another session holds the row of their attempt; write them back again
     * @param failures why, at most 1,000
     */
    public record WrittenBack(long charges, long unmarked, long held, List<String> failures) {
        /**
         * Copied.
         *
         * @param charges as above
         * @param unmarked as above
         * @param held as above
         * @param failures as above
         */
        public WrittenBack {
            failures = List.copyOf(failures);
        }
    }

    /**
     * How many there are of a kind.
     *
     * @param kind the kind
     * @return zero if there is none
     */
    public long count(Kind kind) {
        return counts.getOrDefault(requireNonNull(kind, "kind"), 0L);
    }

    /**
     * All of a kind, read 1,000 at a time while the stream is consumed; the stream needs no closing.
     *
     * @param kind the kind
     * @return oldest first
     * @throws InvoiceLockException also from the stream's methods, if the list is gone: closed, deleted after a week, or lost because PostgreSQL
     *     has crashed or failed over. Reconcile again
     * @throws DatabaseException also from the stream's methods, if the database cannot be asked
     */
    public Stream<Finding> findings(Kind kind) {
        return findings.apply(requireNonNull(kind, "kind"));
    }

    /**
     * Tells the journal every charge that is NOT_RECORDED, as a webhook would: the attempt is BILLED, the invoice marked, the
     * {@link BilledHook} called. An attempt that the journal has lost is written again. Each charge is checked once more against the journal. You
     * may call this again, for example after an error: charges that are recorded are left as they are.
     *
     * @param who does it; kept with each attempt
     * @return what was written
     * @throws InvoiceLockException if the list is gone, as for {@link #findings}. Reconcile again
     * @throws DatabaseException if the database cannot be asked; says what was written before
     */
    public WrittenBack writeBack(String who) {
        return writing.apply(requireNonNull(who, "who"));
    }

    /** Forgets what was compared. The counts stay. Idempotent. */
    @Override
    public void close() {
        forgetting.run();
    }

    @Override
    public String toString() {
        return "Reconciliation" + new java.util.TreeMap<>(counts);
    }
}
