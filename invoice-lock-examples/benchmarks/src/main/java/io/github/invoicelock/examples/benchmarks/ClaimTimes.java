package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.examples.benchmarks.Claims.Strategy;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How long a claim takes with few invoices and with many. Round by round each size has a run of each strategy; then its front moves on: what
 * was passed is pending no more, and as many new ones of the same kind come in at the end, so that each round finds the same.
 */
final class ClaimTimes {
    /** What the design promises for a claim with many, as a multiple of one with few. */
    static final double PROMISED = 1.2;

    private static final int WARM_UP = 5;
    private static final List<Strategy> STRATEGIES =
            List.of(Strategy.CLAIM_OF_500, new Strategy(LockStrategy.NOWAIT, 100, 1));

    private ClaimTimes() {}

    /** What a claim finds. */
    private enum Kind {
        ALL_BILLABLE("all billable"),
        HALF_OUT("half not billable, declined or parked"),
        BEHIND_BILLED("all billable, behind half as many just billed");

        private final String title;

        Kind(String title) {
            this.title = title;
        }
    }

    /**
     * What was measured. A round's claim is the median of its claims; times are the medians of all rounds, ratios those of each round's ratio.
     *
     * @param strategy of the claims
     * @param mix of the pending invoices
     * @param pending how many were pending, free or not
     * @param settled how many more were paid and had a settled attempt
     * @param claimMicros the transaction that claims, for each invoice of it
     * @param claimToFewest its ratio to that of the smallest size
     * @param runMicros the whole run, for each invoice of it: pages, calls and settlements, too
     * @param runToFewest its ratio to that of the smallest size
     */
    record ClaimTime(
            String strategy,
            String mix,
            int pending,
            int settled,
            double claimMicros,
            double claimToFewest,
            double runMicros,
            double runToFewest) {
        boolean asPromised() {
            return claimToFewest <= PROMISED;
        }

        String text() {
            return String.format(
                    Locale.ROOT,
                    "%-12s %,10d pending (%s), %,10d settled: claim %7.1f µs, ratio %.2f%s; run %7.1f µs, ratio %.2f",
                    strategy,
                    pending,
                    mix,
                    settled,
                    claimMicros,
                    claimToFewest,
                    asPromised() ? "" : " (MORE THAN PROMISED)",
                    runMicros,
                    runToFewest);
        }
    }

    /** Measures all sizes beside one another, the smallest first. */
    static List<ClaimTime> measure(PostgresServer postgres, List<Integer> sizes, int rounds)
            throws SQLException, IOException {
        List<ClaimTime> times = new ArrayList<>();
        for (Kind kind : Kind.values()) {
            List<Table> tables = new ArrayList<>();
            try {
                for (int size : sizes) {
                    tables.add(new Table(postgres, size, kind));
                }
                for (int round = 0; round < WARM_UP + rounds; round++) {
                    for (int i = 0; i < tables.size(); i++) {
                        // In turn the first, so that neither always finds what the other left behind.
                        tables.get((round + i) % tables.size()).measure(round >= WARM_UP);
                    }
                }
                for (int strategy = 0; strategy < STRATEGIES.size(); strategy++) {
                    for (Table table : tables) {
                        times.add(table.time(strategy, tables.get(0)));
                    }
                }
            } finally {
                tables.forEach(Table::close);
            }
        }
        return times;
    }

    /** One size, in a database of its own, with a biller for each strategy. */
    private static final class Table implements AutoCloseable {
        private final int size;
        private final Kind kind;
        private final PostgresDatabase database;
        private final Stock stock;
        private final Connections connections;
        private final List<Claims> claims = new ArrayList<>();
        private long front;

        private Table(PostgresServer postgres, int size, Kind kind) throws SQLException, IOException {
            this.size = size;
            this.kind = kind;
            database = postgres.createDatabase();
            stock = new Stock(database.dataSource());
            stock.create();
            stock.supplyHalfSettled(1, 2L * size, kind == Kind.HALF_OUT);
            stock.vacuumOnceAndNeverAgain();
            if (kind == Kind.BEHIND_BILLED) {
                moveTo(size);
            }
            connections = new Connections(database.jdbcUrl());
            STRATEGIES.forEach(strategy -> claims.add(new Claims(connections.pool(4), strategy)));
        }

        private void measure(boolean counts) throws SQLException {
            long passed = front;
            for (Claims each : claims) {
                passed = Math.max(passed, each.measure(counts));
            }
            moveTo(passed);
        }

        private void moveTo(long passed) throws SQLException {
            stock.takeOut(passed);
            stock.supplyHalfSettled(2L * size + front + 1, 2L * size + passed, kind == Kind.HALF_OUT);
            front = passed;
        }

        private ClaimTime time(int strategy, Table fewest) {
            Claims own = claims.get(strategy);
            Claims other = fewest.claims.get(strategy);
            return new ClaimTime(
                    own.strategy().lock().name(),
                    kind.title,
                    size,
                    size,
                    Result.median(own.claimMicros()),
                    ratio(own.claimMicros(), other.claimMicros()),
                    Result.median(own.runMicros()),
                    ratio(own.runMicros(), other.runMicros()));
        }

        private static double ratio(List<Double> many, List<Double> few) {
            List<Double> ratios = new ArrayList<>();
            for (int round = 0; round < many.size(); round++) {
                ratios.add(many.get(round) / few.get(round));
            }
            return Result.median(ratios);
        }

        @Override
        public void close() {
            claims.forEach(Claims::close);
            connections.close();
            database.close();
        }
    }
}
