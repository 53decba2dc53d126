package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.benchmarks.Result.Repetition;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import io.github.invoicelock.examples.process.JavaProcess;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Measures one cell again and again: a database of its own, and servers that stay warm from one repetition to the next. */
final class Runner implements AutoCloseable {
    private final Cell cell;
    private final PostgresDatabase database;
    private final Stock stock;
    private final List<JavaProcess> servers = new ArrayList<>();

    private Runner(Cell cell, PostgresDatabase database) {
        this.cell = cell;
        this.database = database;
        this.stock = new Stock(database.dataSource());
    }

    /** A database with its tables, and servers that wait. */
    static Runner start(Cell cell, PostgresServer postgres, Duration longest, List<String> jvmOptions)
            throws IOException, SQLException {
        Runner runner = new Runner(cell, postgres.createDatabase());
        try {
            runner.stock.create();
            runner.stock.supplyPaid(cell.paid());
            List<String> options = new ArrayList<>(List.of("-Xmx512m", "-XX:TieredStopAtLevel=4"));
            options.addAll(jvmOptions);
            for (int i = 0; i < cell.servers(); i++) {
                runner.servers.add(JavaProcess.start(
                        options,
                        Server.class,
                        cell.contender().name(),
                        runner.database.jdbcUrl(),
                        String.valueOf(cell.providerMillis()),
                        String.valueOf(longest.toMillis()),
                        cell.mix().name(),
                        String.valueOf(i == 0)));
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

    Cell cell() {
        return cell;
    }

    /** Puts the database back, and bills all once. */
    Repetition measure() throws IOException, SQLException {
        stock.supply(cell.paid(), cell.pending(), cell.mix());
        for (JavaProcess server : servers) {
            server.tellGo();
            // One after the other: the first fills the queue of those who have one.
            server.awaitLine("READY");
        }
        int before = stock.pending();
        Stock.Activity idle = stock.activity();
        long start = System.nanoTime();
        for (JavaProcess server : servers) {
            server.tellGo();
        }
        int calls = 0;
        int twice = 0;
        for (JavaProcess server : servers) {
            String billed = server.awaitLine("BILLED");
            if (billed.isEmpty()) {
                throw new IOException(cell.contender().title + ": the server ended without a result");
            }
            int space = billed.indexOf(' ');
            calls += Integer.parseInt(billed.substring(0, space));
            twice += Integer.parseInt(billed.substring(space + 1));
        }
        double seconds = (System.nanoTime() - start) / (double) TimeUnit.SECONDS.toNanos(1);
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
                cell.mix() == Mix.ALL_BILLABLE && left > markedLater,
                done.walBytes() / (double) Math.max(1, billed),
                share(done.hotInvoiceUpdates(), done.invoiceUpdates()),
                share(done.hotJournalUpdates(), done.journalUpdates()));
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
