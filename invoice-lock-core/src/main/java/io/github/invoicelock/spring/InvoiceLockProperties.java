package io.github.invoicelock.spring;

import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RowLock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.boot.convert.DurationUnit;

/**
 * The properties {@code invoice-lock.*}: of the only biller, or, where there are {@code invoice-lock.billers.*}, what holds for each of them
 * that does not say otherwise.
 *
 * @param enabled Whether billers are configured.
 * @param migrate Whether the journal is created or upgraded at start. Needs flyway-core and flyway-database-postgresql.
 * @param name The biller's name: part of every idempotency key, the same on every server, one for each table. Changing it makes every invoice
 *     look as if it had never been claimed.
 * @param journalSchema The journal's schema.
 * @param lockStrategy What happens where another server holds an invoice's row.
 * @param lockScope Whether the invoice's row is locked while the provider is called. Stop all servers before changing it.
 * @param rowLock Which row lock is taken.
 * @param concurrency How many calls this server makes at once. With lock-scope=through-call each takes a connection: the pool should have one
 *     more.
 * @param maxCallsPerSecond How often this server calls the provider at most. No bound by default.
 * @param fleetCallsPerSecond How often all servers together call the provider at most; the same on every server. No bound by default.
 * @param callTimeout Bounds one call of the gateway. A number alone is seconds.
 * @param leaseMargin How much longer than its calls a claim is believed: half for a call that leaves late, half for a request that arrives
 *     late. A number alone is seconds.
 * @param waitTimeout How long lock-strategy=wait waits for one row. A number alone is seconds.
 * @param stopAfterFailures How many failed calls one after the other, or invoices in a row that are set aside, end a run.
 * @param keepSnapshots Whether the journal keeps the rows of settled invoices: personal data, perhaps.
 * @param environment Which environment this is, kept with the journal by the first server that says it. A server that says another one, or
 *     none, does not start: a copy of production's database cannot bill by accident.
 * @param recoverEvery How often recover() is called, one minute for example. Not called by itself by default. The schedule of billPending() is
 *     always yours. A number alone is seconds.
 * @param dataSource The name of the DataSource bean that has the invoices. Needed where there are several.
 * @param gateway The name of the BillingGateway bean. Needed where there are several.
 * @param invoices The name of the InvoiceTable bean. Needed where there are several, and for each of several billers.
 * @param retryPolicy The name of the RetryPolicy bean. Needed where there are several.
 * @param onBilled The name of the BilledHook bean. Needed where there are several.
 * @param callContext The name of the CallContext bean. Needed where there are several.
 * @param billers Several billers, each under a name of its own: invoice-lock.billers.cards.gateway=cardGateway for example. The bean is
 *     cardsBiller then.
 */
@ConfigurationProperties("invoice-lock")
public record InvoiceLockProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("true") boolean migrate,
        @DefaultValue("invoices") String name,
        @DefaultValue(InvoiceLockSchema.DEFAULT_SCHEMA) String journalSchema,
        @DefaultValue("nowait") LockStrategy lockStrategy,
        @DefaultValue("through-call") LockScope lockScope,
        @DefaultValue("for-update") RowLock rowLock,
        @DefaultValue("1") int concurrency,
        @Nullable Double maxCallsPerSecond,
        @Nullable Double fleetCallsPerSecond,

        @DefaultValue("30s") @DurationUnit(ChronoUnit.SECONDS)
        Duration callTimeout,

        @DefaultValue("10s") @DurationUnit(ChronoUnit.SECONDS)
        Duration leaseMargin,

        @DefaultValue("5s") @DurationUnit(ChronoUnit.SECONDS)
        Duration waitTimeout,

        @DefaultValue("20") int stopAfterFailures,
        @DefaultValue("false") boolean keepSnapshots,
        @Nullable String environment,
        @DurationUnit(ChronoUnit.SECONDS) @Nullable Duration recoverEvery,
        @Nullable String dataSource,
        @Nullable String gateway,
        @Nullable String invoices,
        @Nullable String retryPolicy,
        @Nullable String onBilled,
        @Nullable String callContext,
        @DefaultValue Map<String, Biller> billers) {

    /**
     * One of several billers. What it does not say it has from {@code invoice-lock.*}, but for its name.
     *
     * @param migrate As invoice-lock.migrate.
     * @param name The biller's name in the journal, in keys, metrics and the log. By default as its properties have it.
     * @param journalSchema As invoice-lock.journal-schema.
     * @param lockStrategy As invoice-lock.lock-strategy.
     * @param lockScope As invoice-lock.lock-scope.
     * @param rowLock As invoice-lock.row-lock.
     * @param concurrency As invoice-lock.concurrency.
     * @param maxCallsPerSecond As invoice-lock.max-calls-per-second.
     * @param fleetCallsPerSecond As invoice-lock.fleet-calls-per-second.
     * @param callTimeout As invoice-lock.call-timeout.
     * @param leaseMargin As invoice-lock.lease-margin.
     * @param waitTimeout As invoice-lock.wait-timeout.
     * @param stopAfterFailures As invoice-lock.stop-after-failures.
     * @param keepSnapshots As invoice-lock.keep-snapshots.
     * @param environment As invoice-lock.environment.
     * @param recoverEvery As invoice-lock.recover-every.
     * @param dataSource The name of the DataSource bean that has its invoices.
     * @param gateway The name of its BillingGateway bean.
     * @param invoices The name of its InvoiceTable bean.
     * @param retryPolicy The name of its RetryPolicy bean.
     * @param onBilled The name of its BilledHook bean.
     * @param callContext The name of its CallContext bean.
     */
    public record Biller(
            @Nullable Boolean migrate,
            @Nullable String name,
            @Nullable String journalSchema,
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
            @Nullable Boolean keepSnapshots,
            @Nullable String environment,
            @DurationUnit(ChronoUnit.SECONDS) @Nullable Duration recoverEvery,
            @Nullable String dataSource,
            @Nullable String gateway,
            @Nullable String invoices,
            @Nullable String retryPolicy,
            @Nullable String onBilled,
            @Nullable String callContext) {}

    /** What holds for one of several billers; its own key is empty for the only one. */
    InvoiceLockProperties of(String key) {
        Biller own = billers.get(key);
        if (own == null) {
            return this;
        }
        return new InvoiceLockProperties(
                enabled,
                either(own.migrate, migrate),
                either(own.name, key),
                either(own.journalSchema, journalSchema),
                either(own.lockStrategy, lockStrategy),
                either(own.lockScope, lockScope),
                either(own.rowLock, rowLock),
                either(own.concurrency, concurrency),
                own.maxCallsPerSecond == null ? maxCallsPerSecond : own.maxCallsPerSecond,
                own.fleetCallsPerSecond == null ? fleetCallsPerSecond : own.fleetCallsPerSecond,
                either(own.callTimeout, callTimeout),
                either(own.leaseMargin, leaseMargin),
                either(own.waitTimeout, waitTimeout),
                either(own.stopAfterFailures, stopAfterFailures),
                either(own.keepSnapshots, keepSnapshots),
                own.environment == null ? environment : own.environment,
                own.recoverEvery == null ? recoverEvery : own.recoverEvery,
                own.dataSource == null ? dataSource : own.dataSource,
                own.gateway == null ? gateway : own.gateway,
                own.invoices == null ? invoices : own.invoices,
                own.retryPolicy == null ? retryPolicy : own.retryPolicy,
                own.onBilled == null ? onBilled : own.onBilled,
                own.callContext == null ? callContext : own.callContext,
                Map.of());
    }

    private static <T> T either(@Nullable T own, T ofAll) {
        return own == null ? ofAll : own;
    }

    void applyTo(LockingInvoiceBiller.Builder builder) {
        builder.name(name)
                .journalSchema(journalSchema)
                .lockStrategy(lockStrategy)
                .lockScope(lockScope)
                .rowLock(rowLock)
                .concurrency(concurrency)
                .callTimeout(callTimeout)
                .leaseMargin(leaseMargin)
                .waitTimeout(waitTimeout)
                .stopAfterFailures(stopAfterFailures);
        given(maxCallsPerSecond, builder::maxCallsPerSecond);
        given(fleetCallsPerSecond, builder::fleetCallsPerSecond);
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
