package io.github.invoicelock.examples.campaign;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.InvoiceLockException;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RetryPolicy;
import io.github.invoicelock.examples.process.JavaProcess;
import io.github.invoicelock.examples.schemas.HostSchema;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/** A host application in a process of its own. Bills again and again, whatever happens to the database, until its standard input ends. */
final class Host {
    private static final int CONCURRENCY = 4;
    private static final Duration PAUSE = Duration.ofMillis(200);

    private Host() {}

    /** Which tables of which database with which provider, and how. */
    record Job(
            String jdbcUrl,
            URI provider,
            ProviderKind kind,
            LockStrategy strategy,
            LockScope scope,
            HostSchema schema,
            Duration callTimeout) {
        static Job of(String[] arguments) {
            return new Job(
                    arguments[0],
                    URI.create(arguments[1]),
                    ProviderKind.valueOf(arguments[2]),
                    LockStrategy.valueOf(arguments[3]),
                    LockScope.valueOf(arguments[4]),
                    HostSchema.named(arguments[5]),
                    Duration.parse(arguments[6]));
        }

        /** A host process that says READY, and begins when it is told to go. */
        JavaProcess start() throws IOException {
            return JavaProcess.start(
                    List.of("-Dorg.slf4j.simpleLogger.defaultLogLevel=off"),
                    Host.class,
                    jdbcUrl,
                    provider.toString(),
                    kind.name(),
                    strategy.name(),
                    scope.name(),
                    schema.biller(),
                    callTimeout.toString());
        }

        LockingInvoiceBiller biller(DataSource dataSource) {
            return LockingInvoiceBiller.builder(dataSource, Gateway.to(provider, kind, schema))
                    .name(schema.biller())
                    .invoices(schema.invoices())
                    .onBilled(schema.onBilled())
                    .lockStrategy(strategy)
                    .lockScope(scope)
                    .concurrency(CONCURRENCY)
                    .callTimeout(callTimeout)
                    // Half of it is for what arrives late.
                    .leaseMargin(Provider.LATEST.plusMillis(500).multipliedBy(2))
                    .waitTimeout(Duration.ofSeconds(2))
                    .retryPolicy(attempt -> switch (attempt.state()) {
                        // A refused key is refused for good: three more, then a person.
                        case DECLINED ->
                            attempt.number() < 4 ? Optional.of(Duration.ofMillis(100)) : Optional.<Duration>empty();
                        default ->
                            RetryPolicy.every(Duration.ofMillis(200), 1_000).nextTry(attempt);
                    })
                    .build();
        }
    }

    /**
     * Runs until it is killed, told to end with SIGTERM, or its standard input ends.
     *
     * @param arguments of {@link Job}
     * @throws IOException if it cannot be told to go
     */
    public static void main(String[] arguments) throws IOException {
        Job job = Job.of(arguments);
        AtomicReference<LockingInvoiceBiller> current = new AtomicReference<>();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            LockingInvoiceBiller biller = current.get();
            if (biller != null) {
                biller.close();
                System.out.println("CLOSED");
            }
        }));
        try (HikariDataSource dataSource = pool(job.jdbcUrl())) {
            boolean told = false;
            while (true) {
                try (LockingInvoiceBiller biller = job.biller(dataSource)) {
                    current.set(biller);
                    if (!told) {
                        awaitGo();
                        told = true;
                    }
                    bill(biller);
                } catch (InvoiceLockException e) {
                    // The database is down: a real host is started again by whoever watches it.
                    System.out.println("ENDED " + e.getMessage());
                } catch (IllegalStateException e) {
                    System.out.println("ENDED " + e.getMessage());
                    return; // closed by the shutdown hook
                }
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }

    private static void bill(LockingInvoiceBiller biller) {
        while (true) {
            BillingRun run = biller.billPending();
            System.out.println("RUN " + run);
            LockSupport.parkNanos(PAUSE.toNanos());
        }
    }

    private static void awaitGo() throws IOException {
        System.out.println("READY");
        if (System.in.read() < 0) {
            Runtime.getRuntime().halt(0);
        }
        Thread ender = new Thread(Host::endWithStandardInput, "standard-input");
        ender.setDaemon(true);
        ender.start();
    }

    private static HikariDataSource pool(String jdbcUrl) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl);
        config.setMaximumPoolSize(CONCURRENCY + 2);
        config.setMinimumIdle(0);
        config.setConnectionTimeout(TimeUnit.SECONDS.toMillis(5));
        config.setInitializationFailTimeout(-1);
        return new HikariDataSource(config);
    }

    private static void endWithStandardInput() {
        try {
            while (System.in.read() >= 0) {
                // nothing is said
            }
        } catch (IOException e) {
            System.out.println("ENDED " + e);
        }
        Runtime.getRuntime().halt(0);
    }
}
