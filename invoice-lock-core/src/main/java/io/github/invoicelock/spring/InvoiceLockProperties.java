package io.github.invoicelock.spring;

import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RowLock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.convert.DurationUnit;

/**
 * The properties {@code invoice-lock.*}. What is null is left as {@link LockingInvoiceBiller.Builder} has it.
 *
 * @param migrate whether the journal is created or upgraded before the biller is built; needs Flyway on the class path
 * @param name see {@link LockingInvoiceBiller.Builder#name}
 * @param journalSchema see {@link LockingInvoiceBiller.Builder#journalSchema}
 * @param lockStrategy see {@link LockingInvoiceBiller.Builder#lockStrategy}
 * @param lockScope see {@link LockingInvoiceBiller.Builder#lockScope}
 * @param rowLock see {@link LockingInvoiceBiller.Builder#rowLock}
 * @param concurrency see {@link LockingInvoiceBiller.Builder#concurrency}
 * @param maxCallsPerSecond see {@link LockingInvoiceBiller.Builder#maxCallsPerSecond}
 * @param fleetCallsPerSecond see {@link LockingInvoiceBiller.Builder#fleetCallsPerSecond}
 * @param callTimeout see {@link LockingInvoiceBiller.Builder#callTimeout}; a number alone is seconds
 * @param leaseMargin see {@link LockingInvoiceBiller.Builder#leaseMargin}; a number alone is seconds
 * @param waitTimeout see {@link LockingInvoiceBiller.Builder#waitTimeout}; a number alone is seconds
 * @param stopAfterFailures see {@link LockingInvoiceBiller.Builder#stopAfterFailures}
 * @param keepSnapshots see {@link LockingInvoiceBiller.Builder#keepSnapshots}
 * @param environment see {@link LockingInvoiceBiller.Builder#environment}
 * @param recoverEvery how often {@link LockingInvoiceBiller#recover()} is called, on a thread of its own; null: it is the host's to call. A
 *     number alone is seconds.
 */
@ConfigurationProperties("invoice-lock")
public record InvoiceLockProperties(
        @DefaultValue("true") boolean migrate,
        @DefaultValue("invoices") String name,
        @DefaultValue(InvoiceLockSchema.DEFAULT_SCHEMA) String journalSchema,
        @Nullable LockStrategy lockStrategy,
        @Nullable LockScope lockScope,
        @Nullable RowLock rowLock,
        @Nullable Integer concurrency,
        @Nullable Double maxCallsPerSecond,
        @Nullable Double fleetCallsPerSecond,
        @DurationUnit(ChronoUnit.SECONDS) @Nullable Duration callTimeout,
        @DurationUnit(ChronoUnit.SECONDS) @Nullable Duration leaseMargin,
        @DurationUnit(ChronoUnit.SECONDS) @Nullable Duration waitTimeout,
        @Nullable Integer stopAfterFailures,
        @DefaultValue("false") boolean keepSnapshots,
        @Nullable String environment,
        @DurationUnit(ChronoUnit.SECONDS) @Nullable Duration recoverEvery) {

    void applyTo(LockingInvoiceBiller.Builder builder) {
        builder.name(name).journalSchema(journalSchema);
        given(lockStrategy, builder::lockStrategy);
        given(lockScope, builder::lockScope);
        given(rowLock, builder::rowLock);
        given(concurrency, builder::concurrency);
        given(maxCallsPerSecond, builder::maxCallsPerSecond);
        given(fleetCallsPerSecond, builder::fleetCallsPerSecond);
        given(callTimeout, builder::callTimeout);
        given(leaseMargin, builder::leaseMargin);
        given(waitTimeout, builder::waitTimeout);
        given(stopAfterFailures, builder::stopAfterFailures);
        given(environment, builder::environment);
        if (keepSnapshots) {
            builder.keepSnapshots();
        }
    }

    private static <T> void given(@Nullable T value, Consumer<T> setting) {
        if (value != null) {
            setting.accept(value);
        }
    }
}
