package io.github.invoicelock.examples.benchmarks;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.SchedulerName;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.configuration.JobRunrConfiguration.JobRunrConfigurationResult;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.JobActivator;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.gson.GsonJsonMapper;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;

/** A host application that bills through one of the {@link Peer}s until it is killed. */
public final class PeerHost {
    /** Calls at once of a host. */
    static final int CALLS = 4;

    private static final Duration PAUSE = Duration.ofMillis(200);
    private static final String WORK = "work";

    private final String name;
    private final Keys keys;
    private final URI provider;
    private final String jdbcUrl;
    private final Connections connections;
    private final DataSource pool;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private PeerHost(String name, Keys keys, URI provider, String jdbcUrl) {
        this.name = name;
        this.keys = keys;
        this.provider = provider;
        this.jdbcUrl = jdbcUrl;
        this.connections = new Connections(jdbcUrl);
        this.pool = connections.pool(CALLS + 2);
    }

    /**
     * Waits for a line, then bills until it is killed.
     *
     * @param arguments the peer, what becomes of keys, the provider, the database, its own name, whether it fills the queue
     * @throws Exception if billing fails
     */
    public static void main(String[] arguments) throws Exception {
        PeerHost host = new PeerHost(arguments[4], Keys.valueOf(arguments[1]), URI.create(arguments[2]), arguments[3]);
        boolean first = Boolean.parseBoolean(arguments[5]);
        Peer peer = Peer.valueOf(arguments[0]);
        System.out.println("STARTED");
        if (System.in.read() < 0) {
            return;
        }
        switch (peer) {
            case ROW_LOCK -> host.lockRows();
            case DB_SCHEDULER -> host.runDbScheduler(first);
            case JOB_RUNR -> host.runJobRunr(first);
            case QUARTZ -> host.runQuartz(first);
            case INVOICE_LOCK, INVOICE_LOCK_ASKS -> host.runInvoiceLock(peer == Peer.INVOICE_LOCK_ASKS);
        }
        System.out.println("READY");
        while (System.in.read() >= 0) {
            // nothing is said
        }
        Runtime.getRuntime().halt(0);
    }

    // ---- the row's lock

    private void lockRows() {
        for (int i = 0; i < CALLS; i++) {
            Thread thread = new Thread(this::lockRowsUntilKilled, "biller-" + i);
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void lockRowsUntilKilled() {
        while (true) {
            try (Connection connection = pool.getConnection()) {
                connection.setAutoCommit(false);
                long invoice = lockOne(connection);
                if (invoice > 0) {
                    charge(invoice);
                    mark(connection, invoice);
                }
                connection.commit();
                if (invoice == 0) {
                    LockSupport.parkNanos(PAUSE.toNanos());
                }
            } catch (SQLException | IOException e) {
                System.out.println("FAILED " + e);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static long lockOne(Connection connection) throws SQLException {
        try (PreparedStatement lock = connection.prepareStatement(
                        "select id from invoices where pending order by id limit 1 for update skip locked");
                ResultSet row = lock.executeQuery()) {
            return row.next() ? row.getLong(1) : 0;
        }
    }

    // ---- the schedulers

    /** JobRunr: "jobs should be idempotent": what was billed before is not billed again. Good for all of them. */
    private void billIfPending(long invoice) throws SQLException, IOException, InterruptedException {
        try (Connection connection = pool.getConnection()) {
            try (PreparedStatement look =
                    connection.prepareStatement("select 1 from invoices where id = ? and pending")) {
                look.setLong(1, invoice);
                try (ResultSet row = look.executeQuery()) {
                    if (!row.next()) {
                        return;
                    }
                }
            }
        }
        charge(invoice);
        try (Connection connection = pool.getConnection()) {
            mark(connection, invoice);
        }
    }

    /** README: "By default dead executions are rescheduled to now()". */
    private void runDbScheduler(boolean first) throws SQLException {
        OneTimeTask<Void> bill = Tasks.oneTime("bill").execute((invoice, context) -> {
            try {
                billIfPending(Long.parseLong(invoice.getId()));
            } catch (SQLException | IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        Scheduler scheduler = Scheduler.create(pool, bill)
                .schedulerName(new SchedulerName.Fixed(name))
                .threads(CALLS)
                .pollUsingLockAndFetch(0.5, 1.0)
                .pollingInterval(Duration.ofSeconds(1))
                .heartbeatInterval(Duration.ofSeconds(2))
                .missedHeartbeatsLimit(4)
                .build();
        if (first) {
            Stream<TaskInstance<?>> tasks =
                    jobs().pending().stream().map(id -> new TaskInstance<Void>("bill", String.valueOf(id)));
            scheduler.scheduleBatch(tasks, Instant.now());
        }
        scheduler.start();
    }

    /** Its FAQ: the master "checks for orphaned jobs and reschedules them". */
    private void runJobRunr(boolean first) throws SQLException {
        JobRunrConfigurationResult jobRunr = JobRunr.configure()
                .useJsonMapper(new GsonJsonMapper())
                .useStorageProvider(new PostgresStorageProvider(pool))
                .useJobActivator(new Handlers(new BillHandler(this)))
                .useBackgroundJobServer(
                        BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                                .andWorkerCount(CALLS)
                                .andPollInterval(Duration.ofSeconds(5)),
                        false)
                .initialize();
        if (first) {
            jobRunr.getJobRequestScheduler().enqueue(jobs().pending().stream().map(Bill::new));
        }
        JobRunr.getBackgroundJobServer().start();
    }

    /** Its reference: "Any jobs marked for recovery … will be re-executed by the remaining nodes". */
    private void runQuartz(boolean first) throws SQLException, SchedulerException {
        Properties settings = QuartzJobs.settings(jdbcUrl, CALLS);
        org.quartz.Scheduler scheduler = new StdSchedulerFactory(settings).getScheduler();
        scheduler.getContext().put(WORK, this);
        if (first) {
            JobDetail bill = JobBuilder.newJob(QuartzBill.class)
                    .withIdentity("bill")
                    .storeDurably()
                    .requestRecovery()
                    .build();
            Set<Trigger> triggers = new HashSet<>();
            for (long invoice : jobs().pending()) {
                triggers.add(TriggerBuilder.newTrigger()
                        .withIdentity(String.valueOf(invoice))
                        .forJob(bill)
                        // A recovery has a trigger of its own, which inherits this.
                        .usingJobData("invoice", String.valueOf(invoice))
                        .startNow()
                        .build());
            }
            scheduler.scheduleJobs(Map.of(bill, triggers), true);
        }
        scheduler.start();
    }

    private Jobs jobs() {
        return new Jobs(
                new Job(connections, Duration.ZERO, Mix.ALL_BILLABLE, Duration.ZERO, Slots.USUAL, Listener.NONE),
                new Provider(Duration.ZERO),
                pool);
    }

    // ---- invoice-lock

    private void runInvoiceLock(boolean asks) {
        LockingInvoiceBiller biller = LockingInvoiceBiller.builder(
                        pool, asks ? new AskingGateway(this) : new SendingGateway(this))
                .lockStrategy(LockStrategy.NOWAIT)
                .lockScope(LockScope.THROUGH_CALL)
                .concurrency(CALLS)
                .callTimeout(Duration.ofSeconds(5))
                .leaseMargin(Duration.ofSeconds(5))
                .build();
        repeat("biller", PAUSE, biller::billPending);
        // A run looks at what is due only when it begins; Javadoc: schedule this besides.
        repeat("recovery", Duration.ofSeconds(1), biller::recover);
    }

    private static void repeat(String name, Duration pause, Runnable work) {
        Thread thread = new Thread(
                () -> {
                    while (true) {
                        work.run();
                        LockSupport.parkNanos(pause.toNanos());
                    }
                },
                name);
        thread.setDaemon(true);
        thread.start();
    }

    /** The library's key, sent to the provider. */
    private static class SendingGateway implements BillingGateway {
        final PeerHost host;

        SendingGateway(PeerHost host) {
            this.host = host;
        }

        @Override
        public BillingOutcome bill(BillingRequest request) throws IOException, InterruptedException {
            return BillingOutcome.billed(host.send(request.invoiceId(), request.idempotencyKey()));
        }

        @Override
        public Duration idempotencyWindow() {
            return host.keys.memory;
        }
    }

    /** Looks a key up, too. */
    private static final class AskingGateway extends SendingGateway {
        AskingGateway(PeerHost host) {
            super(host);
        }

        @Override
        public boolean canBeAsked() {
            return true;
        }

        @Override
        public BillingOutcome find(BillingRequest request) throws IOException, InterruptedException {
            HttpResponse<String> answer = host.client.send(
                    HttpRequest.newBuilder(host.provider.resolve("/charges/" + request.idempotencyKey()))
                            .build(),
                    HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() == 200
                    ? BillingOutcome.billed(answer.body())
                    : BillingOutcome.notBilled(answer.body());
        }
    }

    // ---- the provider

    private void charge(long invoice) throws IOException, InterruptedException {
        String key = keys == Keys.NOT_RECOGNISED ? UUID.randomUUID().toString() : "invoice-" + invoice;
        send(String.valueOf(invoice), key);
    }

    private String send(String invoice, String key) throws IOException, InterruptedException {
        HttpRequest charge = HttpRequest.newBuilder(provider.resolve("/charges/" + invoice))
                .header("Idempotency-Key", key)
                .header("Host-Name", name)
                .timeout(Duration.ofSeconds(30))
                .POST(HttpRequest.BodyPublishers.noBody())
                .build();
        HttpResponse<String> answer = client.send(charge, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException("The provider answers " + answer.statusCode());
        }
        return answer.body();
    }

    private static void mark(Connection connection, long invoice) throws SQLException {
        try (PreparedStatement mark = connection.prepareStatement("update invoices set pending = false where id = ?")) {
            mark.setLong(1, invoice);
            mark.executeUpdate();
        }
    }

    /** One invoice to bill with JobRunr. */
    public static final class Bill implements JobRequest {
        private static final long serialVersionUID = 1;

        private long invoice;

        /** For JobRunr, which reads it from the database. */
        public Bill() {}

        Bill(long invoice) {
            this.invoice = invoice;
        }

        @Override
        public Class<BillHandler> getJobRequestHandler() {
            return BillHandler.class;
        }
    }

    /** Bills it. */
    public static final class BillHandler implements JobRequestHandler<Bill> {
        private final PeerHost host;

        BillHandler(PeerHost host) {
            this.host = host;
        }

        @Override
        public void run(Bill request) throws SQLException, IOException, InterruptedException {
            host.billIfPending(request.invoice);
        }
    }

    private record Handlers(BillHandler handler) implements JobActivator {
        @Override
        public <T> T activateJob(Class<T> type) {
            return type.cast(handler);
        }
    }

    /** Bills the invoice of its trigger with Quartz. */
    public static final class QuartzBill implements org.quartz.Job {
        /** For Quartz. */
        public QuartzBill() {}

        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            try {
                PeerHost host = (PeerHost) Objects.requireNonNull(
                        context.getScheduler().getContext().get(WORK));
                host.billIfPending(Long.parseLong(
                        Objects.requireNonNull(context.getMergedJobDataMap().getString("invoice"))));
            } catch (SQLException | SchedulerException | IOException | InterruptedException e) {
                throw new JobExecutionException(e);
            }
        }
    }
}
