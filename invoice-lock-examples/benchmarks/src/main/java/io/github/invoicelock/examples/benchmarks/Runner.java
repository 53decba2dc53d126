package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.benchmarks.Result.Repetition;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.process.JavaProcess;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Measures one cell again and again: a database of its own, and servers that stay warm from one repetition to the next. */
final class Runner implements AutoCloseable {
    private final Cell cell;
    private final PostgresDatabase database;
    private final DatabaseServer postgres;
    private final Stock stock;
    private final List<JavaProcess> servers = new ArrayList<>();

    private Runner(Cell cell, DatabaseServer postgres) {
        this.cell = cell;
        this.postgres = postgres;
        this.database = postgres.server().createDatabase();
        this.stock = new Stock(database.dataSource());
    }

    /** A database with its tables, and servers that wait. */
    static Runner start(Cell cell, DatabaseServer postgres, Plan plan) throws IOException, SQLException {
        Runner runner = new Runner(cell, postgres);
        try {
            runner.stock.create();
            runner.stock.supplyPaid(cell.paid());
            for (int i = 0; i < cell.servers(); i++) {
                runner.servers.add(runner.server(plan, i == 0));
            }
            for (JavaProcess server : runner.servers) {
                server.awaitLine("STARTED");
            }
            return runner;
        } catch (IOException | SQLException | RuntimeException e) {
            runner.close();
            throw e;
        }
    }

    private JavaProcess server(Plan plan, boolean first) throws IOException, SQLException {
        List<String> options = new ArrayList<>(
                List.of("-Xmx512m", "-XX:TieredStopAtLevel=4", "-Dcom.zaxxer.hikari.blockUntilFilled=true"));
        options.addAll(plan.jvmOptions());
        return JavaProcess.start(
                options,
                Server.class,
                cell.contender().name(),
                postgres.jdbcUrl(database.jdbcUrl(), cell.waits().roundTripMicros()),
                String.valueOf(cell.waits().providerMillis()),
                String.valueOf(plan.longest(cell).toMillis()),
                cell.mix().name(),
                cell.listener().name(),
                String.valueOf(plan.slots().calls()),
                String.valueOf(plan.slots().connections()),
                String.valueOf(plan.warmups(cell)),
                String.valueOf(plan.warmUp(cell).waits().providerMillis()),
                String.valueOf(first));
    }

    /** Puts the database back, and bills all once: as it is to be measured, or as it warms up. */
    Repetition measure(Cell now) throws IOException, SQLException {
        stock.supply(now.paid(), now.pending(), now.mix());
        for (JavaProcess server : servers) {
            server.tellGo();
            // One after the other: the first fills the queue of those who have one.
            server.awaitLine("READY");
        }
        int before = stock.pending();
        Stock.Activity idle = stock.activity();
        long idleNanos = postgres.processorNanos();
        long start = System.nanoTime();
        for (JavaProcess server : servers) {
            server.tellGo();
        }
        int calls = 0;
        int twice = 0;
        long jvmNanos = 0;
        for (JavaProcess server : servers) {
            String billed = server.awaitLine("BILLED");
            if (billed.isEmpty()) {
                throw new IOException(cell.contender().title + ": the server ended without a result");
            }
            String[] counted = billed.split(" ", -1);
            calls += Integer.parseInt(counted[0]);
            twice += Integer.parseInt(counted[1]);
            jvmNanos += Long.parseLong(counted[2]);
        }
        double seconds = (System.nanoTime() - start) / (double) TimeUnit.SECONDS.toNanos(1);
        long postgresNanos = postgres.processorNanos() - idleNanos;
        int left = stock.pending();
        int markedLater = stock.markedLater();
        // By then each session has reported its statistics.
        for (JavaProcess server : servers) {
            server.awaitLine("CLOSED");
        }
        Stock.Activity done = stock.activity().since(idle);
        int billed = before - left;
        return new Repetition(
                seconds,
                billed,
                billed / seconds,
                calls,
                twice,
                markedLater,
                now.mix() == Mix.ALL_BILLABLE && left > markedLater,
                each(done.walBytes(), billed),
                share(done.hotInvoiceUpdates(), done.invoiceUpdates()),
                share(done.hotJournalUpdates(), done.journalUpdates()),
                micros(jvmNanos, billed),
                postgres.processorIsSeen() ? micros(postgresNanos, billed) : null);
    }

    private static double micros(long nanos, int billed) {
        return each(nanos, billed) / TimeUnit.MICROSECONDS.toNanos(1);
    }

    private static double each(long all, int billed) {
        return all / (double) Math.max(1, billed);
    }

    private static double share(long part, long whole) {
        return whole == 0 ? 0 : part / (double) whole;
    }

    @Override
    public void close() throws IOException {
        for (JavaProcess server : servers) {
            server.close();
        }
        database.close();
    }
}
