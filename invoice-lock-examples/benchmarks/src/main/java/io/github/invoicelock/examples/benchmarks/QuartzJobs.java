package io.github.invoicelock.examples.benchmarks;

import java.sql.SQLException;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.quartz.JobBuilder;
import org.quartz.JobDetail;
import org.quartz.JobExecutionContext;
import org.quartz.JobExecutionException;
import org.quartz.Scheduler;
import org.quartz.SchedulerException;
import org.quartz.Trigger;
import org.quartz.TriggerBuilder;
import org.quartz.impl.StdSchedulerFactory;

/**
 * Quartz with its JDBC job store in a cluster: one durable job, a trigger for each invoice. Set up as its configuration reference says:
 * a batch of triggers at once ({@code batchTriggerAcquisitionMaxCount}) up to the number of threads, which with a JDBC job store asks for
 * {@code acquireTriggersWithinLock=true} "to avoid data corruption"; connections for all workers and three more; of threads "only numbers
 * between 1 and 100 are very practical".
 */
final class QuartzJobs implements Contestant {
    private static final int THREADS = 20;
    static final int WAITING_THREADS = 100;
    private static final String WORK = "work";

    private final Job job;
    private final Provider provider;
    private @Nullable Jobs jobs;
    private @Nullable Scheduler scheduler;

    QuartzJobs(Job job, Provider provider) {
        this.job = job;
        this.provider = provider;
    }

    @Override
    public void prepare(boolean first) throws SQLException, SchedulerException {
        DataSource connections = job.pool(THREADS);
        Jobs work = new Jobs(job, provider, connections);
        int threads = job.providerIsSlow() ? WAITING_THREADS : THREADS;
        Scheduler created = new StdSchedulerFactory(settings(job.connections().jdbcUrl(), threads)).getScheduler();
        created.getContext().put(WORK, work);
        jobs = work;
        scheduler = created;
        if (first) {
            JobDetail bill = JobBuilder.newJob(Bill.class)
                    .withIdentity("bill")
                    .storeDurably()
                    .requestRecovery()
                    .build();
            Set<Trigger> triggers = new HashSet<>();
            for (long invoice : work.pending()) {
                triggers.add(TriggerBuilder.newTrigger()
                        .withIdentity(String.valueOf(invoice))
                        .forJob(bill)
                        .startNow()
                        .build());
            }
            created.scheduleJobs(Map.of(bill, triggers), true);
        }
    }

    /** The properties of a member of the cluster. */
    static Properties settings(String jdbcUrl, int threads) {
        Properties settings = new Properties();
        settings.setProperty("org.quartz.scheduler.instanceName", "billing");
        settings.setProperty("org.quartz.scheduler.instanceId", "AUTO");
        settings.setProperty("org.quartz.scheduler.batchTriggerAcquisitionMaxCount", String.valueOf(threads));
        settings.setProperty("org.quartz.threadPool.class", "org.quartz.simpl.SimpleThreadPool");
        settings.setProperty("org.quartz.threadPool.threadCount", String.valueOf(threads));
        settings.setProperty("org.quartz.jobStore.class", "org.quartz.impl.jdbcjobstore.JobStoreTX");
        settings.setProperty(
                "org.quartz.jobStore.driverDelegateClass", "org.quartz.impl.jdbcjobstore.PostgreSQLDelegate");
        settings.setProperty("org.quartz.jobStore.isClustered", "true");
        settings.setProperty("org.quartz.jobStore.acquireTriggersWithinLock", "true");
        settings.setProperty("org.quartz.jobStore.dataSource", "invoices");
        settings.setProperty("org.quartz.dataSource.invoices.provider", "hikaricp");
        settings.setProperty("org.quartz.dataSource.invoices.driver", "org.postgresql.Driver");
        settings.setProperty("org.quartz.dataSource.invoices.URL", jdbcUrl);
        settings.setProperty("org.quartz.dataSource.invoices.user", "");
        settings.setProperty("org.quartz.dataSource.invoices.password", "");
        settings.setProperty("org.quartz.dataSource.invoices.maxConnections", String.valueOf(threads + 3));
        return settings;
    }

    @Override
    public void bill() throws SQLException, SchedulerException {
        Objects.requireNonNull(scheduler).start();
        Objects.requireNonNull(jobs).awaitDone();
    }

    @Override
    public void close() {
        try {
            if (scheduler != null) {
                scheduler.shutdown(true);
            }
        } catch (SchedulerException e) {
            throw new IllegalStateException("Quartz does not stop", e);
        }
    }

    /** Bills the invoice that its trigger is named after. */
    public static final class Bill implements org.quartz.Job {
        /** For Quartz. */
        public Bill() {}

        @Override
        public void execute(JobExecutionContext context) throws JobExecutionException {
            try {
                Jobs jobs = (Jobs) Objects.requireNonNull(
                        context.getScheduler().getContext().get(WORK));
                jobs.bill(Long.parseLong(context.getTrigger().getKey().getName()));
            } catch (SQLException | SchedulerException | InterruptedException e) {
                throw new JobExecutionException(e);
            }
        }
    }
}
