package io.github.invoicelock.examples.benchmarks;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.task.TaskInstance;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * db-scheduler, a one-time task for each invoice. Set up as its README says: "If you are running >1000 executions/s you might want to use
 * the lock-and-fetch polling-strategy"; "For high throughput (i.e. keep threads busy), set to for example 1.0, 4.0".
 */
final class DbScheduler implements Contestant {
    /** Its own table, as in postgresql_tables.sql of release 16.7. */
    static final String TABLES = """
            create table scheduled_tasks (
              task_name text not null,
              task_instance text not null,
              task_data bytea,
              execution_time timestamp with time zone not null,
              picked boolean not null,
              picked_by text,
              last_success timestamp with time zone,
              last_failure timestamp with time zone,
              consecutive_failures int,
              last_heartbeat timestamp with time zone,
              version bigint not null,
              priority smallint,
              primary key (task_name, task_instance)
            );
            create index execution_time_idx on scheduled_tasks (execution_time);
            create index last_heartbeat_idx on scheduled_tasks (last_heartbeat);""";

    private static final int CONNECTIONS = 20;
    private static final int THREADS = 20;
    /** More threads than connections, for threads that wait for the provider hold none. */
    static final int WAITING_THREADS = 500;

    private final Job job;
    private final Provider provider;
    private @Nullable Jobs jobs;
    private @Nullable Scheduler scheduler;

    DbScheduler(Job job, Provider provider) {
        this.job = job;
        this.provider = provider;
    }

    @Override
    public void prepare(boolean first) throws SQLException {
        DataSource connections = job.pool(CONNECTIONS);
        Jobs work = new Jobs(job, provider, connections);
        OneTimeTask<Void> bill = Tasks.oneTime("bill").execute((invoice, context) -> {
            try {
                work.bill(Long.parseLong(invoice.getId()));
            } catch (SQLException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        Scheduler created = Scheduler.create(connections, bill)
                .threads(job.providerIsSlow() ? WAITING_THREADS : THREADS)
                .pollUsingLockAndFetch(1.0, 4.0)
                .pollingInterval(Duration.ofSeconds(1))
                .shutdownMaxWait(Duration.ofSeconds(5))
                .build();
        jobs = work;
        scheduler = created;
        if (first) {
            Instant now = Instant.now();
            Stream<TaskInstance<?>> tasks =
                    work.pending().stream().map(id -> new TaskInstance<Void>("bill", String.valueOf(id)));
            created.scheduleBatch(tasks, now);
        }
    }

    @Override
    public void bill() throws SQLException {
        Objects.requireNonNull(scheduler).start();
        Objects.requireNonNull(jobs).awaitDone();
    }

    @Override
    public void close() {
        if (scheduler != null) {
            scheduler.stop();
        }
    }
}
