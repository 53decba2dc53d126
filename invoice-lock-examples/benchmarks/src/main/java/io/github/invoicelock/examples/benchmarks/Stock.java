package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.InvoiceLockSchema;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import javax.sql.DataSource;
import org.jobrunr.storage.sql.common.DatabaseCreator;
import org.jobrunr.storage.sql.postgres.PostgresStorageProvider;
import org.quartz.impl.jdbcjobstore.JobStoreTX;

/** The invoices of one database, put back to the same state before each repetition. */
final class Stock {
    private static final String INVOICES = """
            create table invoices (
              id          bigint primary key,
              pending     boolean not null default true,
              billable    boolean not null default true,
              customer_id bigint not null,
              amount      numeric(12, 2) not null,
              currency    text not null,
              due_date    date not null,
              description text not null);
            create index invoices_pending on invoices (id) where pending;""";
    private static final String INSERT = """
            insert into invoices
            select g, %s, %s, g %% 5000, 10 + (g %% 9000) / 100.0, 'EUR', date '2026-01-01' + (g %% 365)::int,
                   'Subscription of customer ' || g %% 5000 || ', month ' || g %% 12
            from generate_series(%d, %d) g""";

    private final DataSource dataSource;

    /**
     * What a database did since it was last asked.
     *
     * @param walBytes written
     * @param invoiceUpdates of invoices
     * @param hotInvoiceUpdates those that touched no index
     * @param journalUpdates of attempts
     * @param hotJournalUpdates those that touched no index
     */
    record Activity(
            long walBytes, long invoiceUpdates, long hotInvoiceUpdates, long journalUpdates, long hotJournalUpdates) {
        Activity since(Activity before) {
            return new Activity(
                    walBytes - before.walBytes,
                    invoiceUpdates - before.invoiceUpdates,
                    hotInvoiceUpdates - before.hotInvoiceUpdates,
                    journalUpdates - before.journalUpdates,
                    hotJournalUpdates - before.hotJournalUpdates);
        }
    }

    Stock(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    /** Creates all tables, those of the peers included: JobRunr's servers would create theirs, and fail where two begin at once. */
    void create() throws SQLException, IOException {
        execute(INVOICES);
        InvoiceLockSchema.migrate(dataSource);
        execute(DbScheduler.TABLES);
        new DatabaseCreator(dataSource, PostgresStorageProvider.class).runMigrations();
        try (InputStream tables = Objects.requireNonNull(JobStoreTX.class.getResourceAsStream("tables_postgres.sql"))) {
            execute(new String(tables.readAllBytes(), StandardCharsets.UTF_8));
        }
    }

    /** So many paid ones, which stay as they are. */
    void supplyPaid(int paid) throws SQLException {
        if (paid > 0) {
            execute(String.format(INSERT, "false", "true", 1, paid));
            execute("vacuum (analyze) invoices");
        }
    }

    /** So many pending ones behind the paid ones, and an empty journal. */
    void supply(int paid, int pending, Mix mix) throws SQLException {
        execute("truncate invoice_lock.billing_attempt");
        // What a repetition that was cut off has left.
        execute("truncate scheduled_tasks, qrtz_job_details, qrtz_triggers, qrtz_fired_triggers, jobrunr_jobs cascade");
        execute(paid == 0 ? "truncate invoices" : "delete from invoices where id > " + paid);
        execute(String.format(
                INSERT, "true", mix == Mix.HALF_NOT_BILLABLE ? "g % 2 = 1" : "true", paid + 1, paid + pending));
        if (mix == Mix.HALF_PARKED) {
            execute(
                    "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, owner, settled_at, code) "
                            + "select 'invoices', id::text, 1, gen_random_uuid()::text, 'DECLINED', 'before', clock_timestamp(), 'card_declined' "
                            + "from invoices where pending and id % 2 = 0");
        }
        execute("vacuum (analyze) invoices");
        execute("checkpoint");
    }

    /**
     * Paid ones, whose attempts are settled, and pending ones, in turn.
     *
     * @param first id
     * @param last id
     * @param halfOut whether every second pending one is not to be claimed: a third of them not billable, declined, parked
     */
    void supplyHalfSettled(long first, long last, boolean halfOut) throws SQLException {
        execute(String.format(INSERT, "g % 2 = 0", halfOut ? "g % 12 <> 0" : "true", first, last));
        execute(
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, owner, calls, settled_at, reference) "
                        + "select 'invoices', g::text, 1, gen_random_uuid()::text, "
                        + "case when g % 2 = 1 then 'BILLED' when g % 12 = 4 then 'DECLINED' else 'IN_DOUBT' end, "
                        + "'before', 1, clock_timestamp(), 'ch_' || g from generate_series(" + first + ", " + last
                        + ") g where g % 2 = 1" + (halfOut ? " or g % 12 in (4, 8)" : ""));
    }

    /** So that no size is vacuumed while it is measured, and another is not. */
    void vacuumOnceAndNeverAgain() throws SQLException {
        for (String table : List.of("invoices", "invoice_lock.billing_attempt")) {
            execute("alter table " + table + " set (autovacuum_enabled = off)");
            execute("vacuum (analyze) " + table);
        }
    }

    /** Nothing up to this id is pending any more. */
    void takeOut(long upTo) throws SQLException {
        execute("update invoices set pending = false where pending and id <= " + upTo);
    }

    int pending() throws SQLException {
        return (int) one("select count(*) from invoices where pending");
    }

    /** Attempts whose invoice is marked by a later pass. */
    int markedLater() throws SQLException {
        return (int)
                one("select count(*) from invoice_lock.billing_attempt where state = 'BILLED' and due_at is not null");
    }

    Activity activity() throws SQLException {
        execute("select pg_stat_force_next_flush()");
        return new Activity(
                one("select (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint"),
                one("select n_tup_upd from pg_stat_user_tables where relname = 'invoices'"),
                one("select n_tup_hot_upd from pg_stat_user_tables where relname = 'invoices'"),
                one("select n_tup_upd from pg_stat_user_tables where relname = 'billing_attempt'"),
                one("select n_tup_hot_upd from pg_stat_user_tables where relname = 'billing_attempt'"));
    }

    private long one(String sql) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }

    private void execute(String sql) throws SQLException {
        try (Connection connection = dataSource.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
