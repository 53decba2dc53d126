package io.github.invoicelock.examples.benchmarks;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import javax.sql.DataSource;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.configuration.JobRunrConfiguration.JobRunrConfigurationResult;
import org.jobrunr.jobs.lambdas.JobRequest;
import org.jobrunr.jobs.lambdas.JobRequestHandler;
import org.jobrunr.server.BackgroundJobServerConfiguration;
import org.jobrunr.server.JobActivator;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.jobrunr.utils.mapper.gson.GsonJsonMapper;
import org.jspecify.annotations.Nullable;

/**
 * JobRunr, a job request for each invoice, enqueued as a stream ("bulk enqueue"). Its documentation names the worker count as the setting
 * for throughput; by default it is 8 for each processor (16 with virtual threads). The poll interval is its smallest sensible one,
 * 5 seconds; a server asks for more work whenever its queue runs dry, not only then.
 */
public final class JobRunrJobs implements Contestant {
    private static final int CONNECTIONS = 20;
    private static final int WORKERS = 20;
    static final int WAITING_WORKERS = 200;

    private final Job job;
    private final Provider provider;
    private @Nullable Jobs jobs;

    JobRunrJobs(Job job, Provider provider) {
        this.job = job;
        this.provider = provider;
    }

    @Override
    public void prepare(boolean first) throws SQLException {
        DataSource connections = job.pool(CONNECTIONS);
        Jobs work = new Jobs(job, provider, connections);
        jobs = work;
        JobRunrConfigurationResult jobRunr = JobRunr.configure()
                .useJsonMapper(new GsonJsonMapper())
                .useStorageProvider(new PostgresStorageProvider(connections))
                .useJobActivator(new Handlers(new BillHandler(work)))
                .useBackgroundJobServer(
                        BackgroundJobServerConfiguration.usingStandardBackgroundJobServerConfiguration()
                                .andWorkerCount(job.providerIsSlow() ? WAITING_WORKERS : WORKERS)
                                .andPollInterval(Duration.ofSeconds(5))
                                .andInterruptJobsAwaitDurationOnStopBackgroundJobServer(Duration.ofSeconds(2)),
                        false)
                .initialize();
        if (first) {
            jobRunr.getJobRequestScheduler().enqueue(work.pending().stream().map(Bill::new));
        }
    }

    @Override
    public void bill() throws SQLException {
        JobRunr.getBackgroundJobServer().start();
        Objects.requireNonNull(jobs).awaitDone();
    }

    @Override
    public void close() {
        JobRunr.destroy();
    }

    /** One invoice to bill. Public, for JobRunr calls it by reflection. */
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
        private final Jobs jobs;

        BillHandler(Jobs jobs) {
            this.jobs = jobs;
        }

        @Override
        public void run(Bill request) throws SQLException, InterruptedException {
            jobs.bill(request.invoice);
        }
    }

    /** What a container would do. */
    private record Handlers(BillHandler handler) implements JobActivator {
        @Override
        public <T> T activateJob(Class<T> type) {
            return type.cast(handler);
        }
    }
}
