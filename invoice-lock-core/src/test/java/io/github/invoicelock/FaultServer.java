package io.github.invoicelock;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.github.invoicelock.FaultCell.Fault;
import io.github.invoicelock.FaultCell.Point;
import io.github.invoicelock.FaultCell.Situation;
import io.github.invoicelock.FaultyGateway.Door;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A server process that a fault strikes: one biller for each cell of the groups it is told, all of them brought to their points. */
final class FaultServer {
    private static final Duration LONGEST_CALL = Duration.ofSeconds(10);

    private final String jdbcUrl;
    private final URI ledger;
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final CountDownLatch goOn = new CountDownLatch(1);
    /** Few are on the way to their points at a time: a hundred at once would wait for one another for longer than a call may take. */
    private final Semaphore onTheWay = new Semaphore(12);

    private int underWay;
    private boolean held;

    private FaultServer(String jdbcUrl, URI ledger) {
        this.jdbcUrl = jdbcUrl;
        this.ledger = ledger;
    }

    /**
     * Runs until the fault, or until the runs have ended.
     *
     * @param arguments the database, the ledger, the fault, then SITUATION:POINT of each group
     * @throws Exception if it does not get that far
     */
    public static void main(String[] arguments) throws Exception {
        Fault fault = Fault.valueOf(arguments[2]);
        FaultServer server = new FaultServer(arguments[0], URI.create(arguments[1]));
        List<List<FaultCell>> groups = new ArrayList<>();
        for (String group : List.of(arguments).subList(3, arguments.length)) {
            int colon = group.indexOf(':');
            groups.add(FaultCell.group(
                    Situation.valueOf(group.substring(0, colon)), Point.valueOf(group.substring(colon + 1)), fault));
        }
        if (fault == Fault.CUT) {
            for (List<FaultCell> group : groups) {
                server.run(group, fault);
            }
        } else {
            server.run(groups.stream().flatMap(List::stream).toList(), fault);
        }
        System.out.println("DONE");
        Runtime.getRuntime().halt(0);
    }

    private void run(List<FaultCell> cells, Fault fault) throws InterruptedException, IOException {
        CountDownLatch thereOrThrough = new CountDownLatch(cells.size());
        List<Thread> threads = new ArrayList<>();
        for (FaultCell cell : cells) {
            Thread thread = new Thread(() -> run(cell, thereOrThrough), cell.name());
            thread.setDaemon(true);
            thread.start();
            threads.add(thread);
        }
        thereOrThrough.await();
        if (fault == Fault.HALT) {
            System.out.println("ARRIVED");
            Runtime.getRuntime().halt(137);
        }
        if (fault == Fault.STALL) {
            holdCalls();
            System.out.println("ARRIVED");
            // The test stops this process here, and later says that it may go on.
            while (System.in.read() != '\n') {
                // nothing else is said
            }
            // First: the one that stands at its own point is not one of those that were held.
            letCallsGo();
            goOn.countDown();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void run(FaultCell cell, CountDownLatch thereOrThrough) {
        AtomicBoolean there = new AtomicBoolean();
        Runnable strike = () -> {
            if (there.compareAndSet(false, true)) {
                System.out.println("REACHED " + cell.name());
                onTheWay.release();
                if (cell.fault() == Fault.CUT) {
                    cut(cell);
                } else {
                    thereOrThrough.countDown();
                    untilItMayGoOn();
                }
            }
        };
        onTheWay.acquireUninterruptibly();
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl + "&ApplicationName=" + cell.table());
        config.setMaximumPoolSize(3);
        config.setMinimumIdle(0);
        try (HikariDataSource pool = new HikariDataSource(config)) {
            FaultyDataSource database = new FaultyDataSource(pool);
            try (LockingInvoiceBiller biller =
                    cell.server(database.proxy(), gateway(cell, strike)).build()) {
                cell.point()
                        .ofDatabase
                        .ifPresent(place -> database.strikeOnce(place, crossing -> {
                            strike.run();
                            if (cell.fault() == Fault.CUT
                                    && crossing.door() == FaultyDataSource.Door.COMMIT
                                    && !crossing.before()) {
                                // It has happened, and the server says so to nobody.
                                throw FaultyDataSource.lost();
                            }
                        }));
                biller.billPending();
            }
        } catch (InvoiceLockException e) {
            // A cut connection ends a run; what it left is another server's to finish.
            System.out.println("ENDED " + cell.name() + ": " + e.getMessage());
        } finally {
            boolean never = there.compareAndSet(false, true);
            if (never) {
                onTheWay.release();
            }
            if (never || cell.fault() == Fault.CUT) {
                thereOrThrough.countDown();
            }
        }
    }

    private BillingGateway gateway(FaultCell cell, Runnable strike) {
        BillingGateway gateway = cell.gateway(client, ledger);
        FaultyGateway.Strike atTheDoor = (door, request) -> {
            boolean leaves = door == Door.BEFORE_FIND || door == Door.BEFORE_BILL;
            if (!leaves) {
                callReturned();
            }
            if (cell.point().ofProvider.equals(Optional.of(door))) {
                long arrived = System.nanoTime();
                strike.run();
                if (door == Door.BEFORE_BILL && cell.provider() == ProviderKind.CAN_BE_ASKED) {
                    keepTimeout(request, arrived);
                }
            }
            if (leaves) {
                callMayLeave();
            }
        };
        return FaultyGateway.of(gateway, atTheDoor);
    }

    /**
     * A provider that remembers nothing charges a request that stood still behind the library's last check until another server had asked
     * and sent again. No lease holds that back; only the gateway's own client can, by the time-out that it is handed (R7).
     */
    private static void keepTimeout(BillingRequest request, long arrived) throws IOException {
        if (System.nanoTime() - arrived > request.timeout().toNanos()) {
            throw new IOException("Stood still for longer than the time-out; not sent");
        }
    }

    private void cut(FaultCell cell) {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute("select pg_terminate_backend(pid, 10000) from pg_stat_activity where application_name = '"
                    + cell.table() + "'");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * No call is on its way between its check and the provider when the process is stopped, which is beyond what a lease can hold back: the
     * cell is about the invoice that stands at its point.
     */
    private synchronized void holdCalls() throws InterruptedException {
        held = true;
        long end = System.nanoTime() + LONGEST_CALL.toNanos();
        for (long left = LONGEST_CALL.toMillis();
                left > 0 && underWay > 0;
                left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())) {
            wait(left);
        }
    }

    private synchronized void letCallsGo() {
        held = false;
        notifyAll();
    }

    /** One that was held has stood still for longer than its time-out, and is not sent any more. */
    private synchronized void callMayLeave() throws IOException {
        boolean interrupted = false;
        boolean stood = held;
        while (held) {
            try {
                wait();
            } catch (InterruptedException e) {
                // As deaf as one that stands at its point.
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (stood) {
            throw new IOException("Held while the process was stopped; not sent");
        }
        underWay++;
    }

    private synchronized void callReturned() {
        underWay--;
        notifyAll();
    }

    private void untilItMayGoOn() {
        boolean waiting = true;
        while (waiting) {
            try {
                goOn.await();
                waiting = false;
            } catch (InterruptedException e) {
                // A call that is cut off while it stands here is as deaf as the rest of a stopped process.
                waiting = true;
            }
        }
    }
}
