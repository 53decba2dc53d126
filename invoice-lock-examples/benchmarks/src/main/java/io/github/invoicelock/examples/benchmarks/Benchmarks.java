package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.benchmarks.ClaimTimes.ClaimTime;
import io.github.invoicelock.examples.benchmarks.Contender.Family;
import io.github.invoicelock.examples.benchmarks.Result.Repetition;
import io.github.invoicelock.examples.postgres.PostgresProcess;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Measures all contenders beside one another, prints a table, and writes results.json and a chart. Ends with 1 if an invoice was charged twice. */
public final class Benchmarks {
    /** What a server with a disk would have; the memory is what a small one would give. */
    private static final Map<String, String> POSTGRES = Map.of(
            "fsync", "on",
            "synchronous_commit", "on",
            "shared_buffers", "512MB",
            "max_wal_size", "4GB",
            "max_connections", "600");

    private final Plan plan;
    private final PostgresServer postgres;
    private final List<String> failures = new ArrayList<>();
    private final long start = System.nanoTime();

    private Benchmarks(Plan plan, PostgresServer postgres) {
        this.plan = plan;
        this.postgres = postgres;
    }

    /**
     * Runs.
     *
     * @param arguments {@code name=value}: mode (quick or full), sections (throughput, servers, size, mix, claim), contenders, warmups
     *     (repetitions that come first and are not counted), repetitions, longest and seconds (of a repetition), publish (write into docs), machine (a word on its state), jvm (options of the servers)
     * @throws Exception if PostgreSQL does not start
     */
    public static void main(String[] arguments) throws Exception {
        Plan plan = Plan.of(arguments);
        boolean own = System.getProperty(PostgresServer.PROPERTY, System.getenv(PostgresServer.VARIABLE)) == null;
        boolean asPromised;
        String repeat = String.join(" ", arguments);
        if (own) {
            try (PostgresProcess process = PostgresProcess.embedded(POSTGRES)) {
                System.setProperty(PostgresServer.PROPERTY, process.jdbcUrl("postgres"));
                asPromised = run(plan, repeat);
            }
        } else {
            asPromised = run(plan, repeat);
        }
        System.exit(asPromised ? 0 : 1);
    }

    private static boolean run(Plan plan, String repeat) throws IOException, SQLException {
        try (PostgresServer postgres = PostgresServer.start()) {
            return new Benchmarks(plan, postgres).run(repeat);
        }
    }

    private boolean run(String arguments) throws IOException, SQLException {
        List<Result> results = new ArrayList<>();
        for (List<Cell> group : plan.groups()) {
            results.addAll(measure(group));
            // What was measured is there, even if the rest is interrupted.
            write(report(arguments, results, List.of()));
        }
        List<ClaimTime> claims = plan.sections().contains(Plan.CLAIM) ? claimTimes() : List.of();
        Report report = report(arguments, results, claims);
        System.out.println(report.text());
        System.out.println("Written: " + write(report));
        return results.stream().allMatch(Result::chargedOnce) && failures.isEmpty();
    }

    private Report report(String arguments, List<Result> results, List<ClaimTime> claims) throws SQLException {
        return new Report(
                LocalDate.now(ZoneOffset.UTC).toString(),
                plan.full() ? "full" : "quick",
                "mvn -q -Pdemo -pl invoice-lock-examples/benchmarks -am verify"
                        + (arguments.equals("-") ? "" : " -Dbenchmarks=\"" + arguments.strip() + "\""),
                Runtime.getRuntime().availableProcessors() + " cores, " + System.getProperty("os.arch") + ", "
                        + System.getProperty("os.name") + ", machine "
                        + plan.machine().replace('-', ' '),
                System.getProperty("java.version"),
                Runtime.version().feature(),
                settings(),
                plan.warmups(),
                results,
                claims,
                failures);
    }

    private Path write(Report report) throws IOException {
        Path root = Path.of(System.getProperty("benchmarks.root", "."));
        Path docs = plan.publish() ? root.resolve("docs") : Path.of("target", "docs");
        Path directory = Files.createDirectories(docs.resolve("benchmarks"));
        report.writeJson(directory.resolve("results.json"));
        Files.writeString(
                directory.resolve("throughput.svg"),
                Chart.of(
                        report.grouped(),
                        report.date() + ", " + report.machine() + ", Java " + report.javaFeature() + ", PostgreSQL "
                                + report.postgres().get("server_version") + ", " + report.mode() + " run"));
        if (plan.publish()) {
            report.writePage(docs.resolve("performance.md"));
        }
        return directory.toAbsolutePath().normalize();
    }

    // ---- throughput

    private List<Result> measure(List<Cell> group) throws IOException {
        List<Runner> runners = new ArrayList<>();
        Map<Cell, List<Repetition>> measured = new LinkedHashMap<>();
        try {
            for (Cell cell : group) {
                try {
                    runners.add(Runner.start(cell, postgres, plan.longest(), plan.jvmOptions()));
                    measured.put(cell, new ArrayList<>());
                } catch (IOException | SQLException | RuntimeException e) {
                    failures.add(cell + ": " + e.getMessage());
                }
            }
            // The JVM compiles and the database fills its memory first; what counts is numbered from 1.
            int warmups = group.stream().mapToInt(plan::warmups).max().orElse(0);
            for (int repetition = 1 - warmups; repetition <= plan.repetitions(); repetition++) {
                for (Runner runner : List.copyOf(runners)) {
                    if (repetition <= -plan.warmups(runner.cell())) {
                        continue;
                    }
                    try {
                        Repetition done = runner.measure();
                        say(
                                runner.cell(),
                                repetition > 0
                                        ? "repetition " + repetition
                                        : "warm-up " + (repetition + plan.warmups(runner.cell())),
                                done);
                        if (repetition > 0) {
                            Objects.requireNonNull(measured.get(runner.cell())).add(done);
                        }
                    } catch (IOException | SQLException | RuntimeException e) {
                        failures.add(runner.cell() + ": " + e.getMessage());
                        runners.remove(runner);
                        measured.remove(runner.cell());
                        runner.close();
                    }
                }
            }
        } finally {
            for (Runner runner : runners) {
                runner.close();
            }
        }
        return results(measured);
    }

    private void say(Cell cell, String which, Repetition done) {
        System.out.printf(
                Locale.ROOT,
                "%4d s  %-10s %-38s servers=%d provider=%d ms pending=%d %s%s: %.0f/s in %.1f s%n",
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                cell.section(),
                cell.contender().title,
                cell.servers(),
                cell.providerMillis(),
                cell.pending(),
                cell.mix() == Mix.ALL_BILLABLE ? "" : cell.mix() + " ",
                which,
                done.perSecond(),
                done.seconds());
    }

    private static List<Result> results(Map<Cell, List<Repetition>> measured) {
        List<Result> results = new ArrayList<>();
        for (Map.Entry<Cell, List<Repetition>> entry : measured.entrySet()) {
            Cell cell = entry.getKey();
            List<Repetition> repetitions = entry.getValue();
            results.add(new Result(
                    cell.section(),
                    cell.contender().name(),
                    cell.contender().title,
                    cell.servers(),
                    cell.providerMillis(),
                    cell.pending(),
                    cell.paid(),
                    cell.mix().name(),
                    Result.median(
                            repetitions.stream().map(Repetition::perSecond).toList()),
                    ratio(
                            repetitions,
                            measured,
                            other -> other.servers() == cell.servers() && other.contender() == Contender.BY_HAND),
                    ratio(
                            repetitions,
                            measured,
                            other -> other.servers() == cell.servers() && other.contender().family == Family.ROW_LOCK),
                    ratio(
                            repetitions,
                            measured,
                            other -> other.servers() == 1
                                    && cell.servers() > 1
                                    && other.contender() == cell.contender()),
                    Result.median(repetitions.stream()
                            .map(Repetition::walBytesPerInvoice)
                            .toList()),
                    repetitions));
        }
        return results;
    }

    /** The median of the ratios to the best of some others, repetition by repetition; null if none of them was measured. */
    private static @Nullable Double ratio(
            List<Repetition> repetitions, Map<Cell, List<Repetition>> measured, Predicate<Cell> others) {
        List<List<Repetition>> beside = measured.entrySet().stream()
                .filter(entry -> others.test(entry.getKey()))
                .map(Map.Entry::getValue)
                .toList();
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < repetitions.size(); i++) {
            int which = i;
            double perSecond = repetitions.get(i).perSecond();
            beside.stream()
                    .mapToDouble(other -> other.get(which).perSecond())
                    .max()
                    .ifPresent(best -> ratios.add(perSecond / best));
        }
        return ratios.isEmpty() ? null : Result.median(ratios);
    }

    // ---- claims

    private List<ClaimTime> claimTimes() {
        try {
            return ClaimTimes.measure(postgres, plan.claims(), plan.claimRounds());
        } catch (IOException | SQLException | RuntimeException e) {
            failures.add("claims: " + e.getMessage());
            return List.of();
        }
    }

    // ---- what it ran on

    private Map<String, String> settings() throws SQLException {
        Map<String, String> settings = new LinkedHashMap<>();
        try (Connection connection = DriverManager.getConnection(postgres.jdbcUrl());
                Statement statement = connection.createStatement();
                ResultSet rows =
                        statement.executeQuery("select name, current_setting(name) from pg_settings where name in "
                                + "('server_version', 'fsync', 'synchronous_commit', 'shared_buffers', 'max_wal_size', 'full_page_writes', "
                                + "'wal_compression', 'autovacuum') order by name")) {
            while (rows.next()) {
                settings.put(rows.getString(1), rows.getString(2));
            }
        }
        return settings;
    }
}
