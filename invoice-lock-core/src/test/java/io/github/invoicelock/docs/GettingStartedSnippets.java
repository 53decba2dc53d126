package io.github.invoicelock.docs;

import static org.jooq.impl.DSL.condition;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;

import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.BillingAttempt;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.BillingRun;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RunLimits;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.scheduling.annotation.EnableScheduling;
import org.springframework.scheduling.annotation.Scheduled;

/** Quoted by docs/getting-started.md. */
public final class GettingStartedSnippets {
    private static final Logger LOG = LoggerFactory.getLogger(GettingStartedSnippets.class);

    private GettingStartedSnippets() {}

    // tag::payments[]
    /** The host's own client of its provider. */
    @FunctionalInterface
    public interface Payments {
        /** What the provider answered. */
        record Answer(int status, String id, String error) {}

        /** Charges, at most once for a key. */
        Answer charge(String idempotencyKey, BigDecimal amount, String customer, Duration timeout)
                throws IOException, InterruptedException;
    }
    // end::payments[]

    // tag::pretending[]
    /** Charges nobody, and says that it did: for a first try. */
    static Payments pretending() {
        return (key, amount, customer, timeout) -> new Payments.Answer(200, "ch_" + key, "");
    }
    // end::pretending[]

    // tag::gateway[]
    /** Tells what is known of a charge, and no more. */
    public record PaymentsGateway(Payments payments) implements BillingGateway {
        @Override
        public BillingOutcome bill(BillingRequest request) throws IOException, InterruptedException {
            Payments.Answer answer = payments.charge(
                    request.idempotencyKey(), // unchanged
                    request.invoice().get("amount", BigDecimal.class), // from the snapshot, never from the table
                    request.invoice().get("customer", String.class),
                    request.timeout());
            return switch (answer.status()) {
                case 200 -> BillingOutcome.billed(answer.id());
                case 402 -> BillingOutcome.declined(answer.error(), "refused"); // this key will never charge
                case 429 -> BillingOutcome.notBilled("rate limited"); // surely nothing happened
                default -> BillingOutcome.unknown("status " + answer.status()); // so is every exception
            };
        }

        @Override
        public Duration idempotencyWindow() {
            return Duration.ofHours(23); // the provider promises 24
        }
    }
    // end::gateway[]

    // tag::migrate[]
    static void migrate(DataSource dataSource) {
        InvoiceLockSchema.migrate(dataSource); // when the application is deployed; may be called by every server
    }
    // end::migrate[]

    // tag::builder[]
    public static LockingInvoiceBiller biller(DataSource dataSource, BillingGateway gateway) {
        return LockingInvoiceBiller.builder(dataSource, gateway)
                .invoices(InvoiceTable.named("invoices")
                        .storeReferenceIn("reference")
                        .billableWhen(condition("due_date <= current_date + 7"))
                        .orderedBy("due_date"))
                .concurrency(8) // calls at once; the pool needs one connection more
                .callTimeout(Duration.ofSeconds(30)) // longer than the provider's slowest answer
                .build(); // checks all of it against the database
    }
    // end::builder[]

    // tag::states[]
    public static InvoiceTable withStates() {
        return InvoiceTable.named("billing", "invoices")
                .pendingWhen(field(name("state")).eq("open"))
                .onBilledSet("state", "paid")
                .onDeclinedSet("state", "refused")
                .storeBilledAtIn("paid_at");
    }
    // end::states[]

    // tag::schedule[]
    @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for them
    public static ScheduledExecutorService schedule(LockingInvoiceBiller biller) {
        ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(2);
        scheduler.scheduleAtFixedRate(logged(biller::billPending), 0, 1, TimeUnit.HOURS);
        scheduler.scheduleWithFixedDelay(logged(biller::recover), 1, 1, TimeUnit.MINUTES);
        return scheduler;
    }

    private static Runnable logged(Runnable run) {
        return () -> {
            try {
                run.run();
            } catch (Throwable e) { // thrown on, it would end the schedule for good
                LOG.error("A run ended with an error; the next one tries again", e);
            }
        };
    }
    // end::schedule[]

    // tag::host[]
    /** The whole host. It stops in this order: no further run, then the calls in flight, then the pool. */
    public record Host(HikariDataSource pool, LockingInvoiceBiller biller, ScheduledExecutorService scheduler)
            implements AutoCloseable {
        public static Host start(String jdbcUrl, Payments payments) {
            HikariDataSource pool = new HikariDataSource();
            pool.setJdbcUrl(jdbcUrl);
            pool.setMaximumPoolSize(9); // concurrency, and one more
            migrate(pool);
            LockingInvoiceBiller biller = GettingStartedSnippets.biller(pool, new PaymentsGateway(payments));
            return new Host(pool, biller, schedule(biller));
        }

        @Override
        public void close() {
            scheduler.shutdown();
            biller.close(); // waits for the calls in flight
            pool.close();
        }
    }

    public static void main(String[] arguments) {
        Host host = Host.start(arguments[0], pretending()); // jdbc:postgresql://localhost/shop?user=…
        Runtime.getRuntime().addShutdownHook(new Thread(host::close));
    }
    // end::host[]

    // tag::spring[]
    @Configuration
    @EnableScheduling
    public static class Billing {
        @Bean // closed with the context, before the DataSource
        LockingInvoiceBiller biller(DataSource dataSource, BillingGateway gateway) {
            InvoiceLockSchema.migrate(dataSource);
            return GettingStartedSnippets.biller(dataSource, gateway);
        }

        @Bean
        BillingTasks billingTasks(LockingInvoiceBiller biller) {
            return new BillingTasks(biller);
        }
    }

    /** Not {@code @Transactional}: a run inside of a transaction is refused. */
    public record BillingTasks(LockingInvoiceBiller biller) {
        @Scheduled(cron = "0 0 * * * *")
        void bill() {
            biller.billPending();
        }

        @Scheduled(fixedDelayString = "PT1M")
        void recover() {
            biller.recover();
        }
    }
    // end::spring[]

    // tag::first-run[]
    public static void firstRun(LockingInvoiceBiller biller) {
        BillingRun run = biller.billPending(RunLimits.none().invoices(1));
        LOG.info("{}", run); // billed=1 … stopped=INVOICE_LIMIT
        LOG.info("{}", biller.needsAttention());
    }
    // end::first-run[]

    // tag::alert[]
    public static int parked(LockingInvoiceBiller biller) {
        List<BillingAttempt> parked = biller.needsAttention();
        parked.forEach(attempt -> LOG.warn("{} {} {}", attempt.invoiceId(), attempt.state(), attempt.message()));
        return parked.size(); // a gauge; alert when it is not zero
    }
    // end::alert[]

    // tag::fake[]
    /** A provider for tests: remembers keys, and loses the first answer for each. */
    public static final class ForgetfulPayments implements Payments {
        private final Map<String, String> charges = new ConcurrentHashMap<>();

        @Override
        public Answer charge(String key, BigDecimal amount, String customer, Duration timeout) throws IOException {
            boolean charged = charges.putIfAbsent(key, "ch_" + key) != null;
            if (!charged) {
                throw new IOException("the connection was lost after the charge");
            }
            return new Answer(200, "ch_" + key, "");
        }

        public int charges() {
            return charges.size();
        }
    }
    // end::fake[]

    // tag::many[]
    public static LockingInvoiceBiller thousandsAtOnce(DataSource dataSource, BillingGateway gateway) {
        return LockingInvoiceBiller.builder(dataSource, gateway)
                .lockStrategy(LockStrategy.SKIP_LOCKED)
                .lockScope(LockScope.CLAIM_ONLY) // at most four connections, whatever concurrency is
                .concurrency(1_000)
                .build();
    }
    // end::many[]
}
