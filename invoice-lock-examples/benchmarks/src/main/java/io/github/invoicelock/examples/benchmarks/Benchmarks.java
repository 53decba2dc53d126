package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.benchmarks.ClaimTimes.ClaimTime;
import io.github.invoicelock.examples.benchmarks.Result.Repetition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Measures all contenders beside one another, prints a table, and writes results.json and a chart. Ends with 1 if an invoice was charged twice. */
public final class Benchmarks {
    private final Plan plan;
    private final DatabaseServer postgres;
    private final List<String> failures = new ArrayList<>();
    private final long start = System.nanoTime();

    private Benchmarks(Plan plan, DatabaseServer postgres) {
        this.plan = plan;
        this.postgres = postgres;
    }

    /**
     * Runs.
     *
     * @param arguments {@code name=value}: mode (quick or full), sections (throughput, servers, size, mix, claim, cold, jit), contenders;
     *     postgres (the directory of an installed one), providers and roundTrips (how long they take, in milliseconds), listeners (none,
     *     empty, counting), servers (how many), first (a cold server's invoices), calls and connections (at once); warmups (repetitions that
     *     come first and are not counted), repetitions, longest and seconds (of a repetition), publish (write into docs), machine (a word on
     *     its state), jvm (options of the servers)
     * @throws Exception if PostgreSQL does not start
     */
    public static void main(String[] arguments) throws Exception {
        Plan plan = Plan.of(arguments);
        boolean asPromised;
        try (DatabaseServer postgres = DatabaseServer.start(plan.postgres())) {
            asPromised = new Benchmarks(plan, postgres).run(String.join(" ", arguments));
        }
        System.exit(asPromised ? 0 : 1);
    }

    private boolean run(String arguments) throws IOException, SQLException {
        List<Result> results = new ArrayList<>();
        for (List<Cell> group : plan.groups()) {
            results.addAll(new Comparison(measure(group)).results());
            // What was measured is there, even if the rest is interrupted.
            write(report(arguments, results, List.of(), List.of()));
        }
        List<ClaimTime> claims = plan.sections().contains(Plan.CLAIM) ? claimTimes() : List.of();
        List<JitTime> jit = plan.sections().contains(Plan.JIT) ? jitTimes() : List.of();
        Report report = report(arguments, results, claims, jit);
        System.out.println(report.text());
        System.out.println("Written: " + write(report));
        return results.stream().allMatch(Result::chargedOnce) && failures.isEmpty();
    }

    private Report report(String arguments, List<Result> results, List<ClaimTime> claims, List<JitTime> jit)
            throws SQLException {
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
                postgres.settings(),
                plan.slots(),
                plan.pace().warmups(),
                results,
                claims,
                jit,
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
            report.writePage(directory.resolve("README.md"));
        }
        return directory.toAbsolutePath().normalize();
    }

    // ---- throughput

    private Map<Cell, List<Repetition>> measure(List<Cell> group) throws IOException {
        Map<Cell, List<Repetition>> measured = new LinkedHashMap<>();
        Map<Cell, Runner> runners = new LinkedHashMap<>();
        try {
            for (Cell cell : group) {
                measured.put(cell, new ArrayList<>());
            }
            // The JVM compiles and the database fills its memory first; what counts is numbered from 1.
            int warmups = group.stream().mapToInt(plan::warmups).max().orElse(0);
            for (int repetition = 1 - warmups; repetition <= plan.pace().repetitions(); repetition++) {
                for (Cell cell : List.copyOf(measured.keySet())) {
                    if (repetition > -plan.warmups(cell)) {
                        measure(cell, repetition, runners, measured);
                    }
                }
            }
        } finally {
            for (Runner runner : runners.values()) {
                runner.close();
            }
        }
        return measured;
    }

    private void measure(Cell cell, int repetition, Map<Cell, Runner> runners, Map<Cell, List<Repetition>> measured)
            throws IOException {
        try {
            Runner runner = runners.get(cell);
            if (runner == null) {
                runner = Runner.start(cell, postgres, plan);
                runners.put(cell, runner);
            }
            Cell now = repetition > 0 ? cell : plan.warmUp(cell);
            Repetition done = runner.measure(now);
            say(
                    now,
                    repetition > 0 ? "repetition " + repetition : "warm-up " + (repetition + plan.warmups(cell)),
                    done);
            if (repetition > 0) {
                Objects.requireNonNull(measured.get(cell)).add(done);
            }
            if (cell.cold()) {
                end(cell, runners);
            }
        } catch (IOException | SQLException | RuntimeException e) {
            failures.add(cell + ": " + e.getMessage());
            measured.remove(cell);
            end(cell, runners);
        }
    }

    private static void end(Cell cell, Map<Cell, Runner> runners) throws IOException {
        Runner runner = runners.remove(cell);
        if (runner != null) {
            runner.close();
        }
    }

    private void say(Cell cell, String which, Repetition done) {
        System.out.printf(
                Locale.ROOT,
                "%4d s  %-10s %-53s servers=%d %s pending=%d %s%s: %.0f/s in %.1f s, %.0f + %.0f µs%n",
                TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start),
                cell.section(),
                cell.title(),
                cell.servers(),
                cell.waits().text(),
                cell.pending(),
                cell.mix() == Mix.ALL_BILLABLE ? "" : cell.mix() + " ",
                which,
                done.perSecond(),
                done.seconds(),
                done.jvmMicros(),
                done.processorMicros() - done.jvmMicros());
    }

    // ---- claims

    private List<ClaimTime> claimTimes() {
        try {
            return ClaimTimes.measure(postgres.server(), plan.claims(), plan.claimRounds());
        } catch (IOException | SQLException | RuntimeException e) {
            failures.add("claims: " + e.getMessage());
            return List.of();
        }
    }

    private List<JitTime> jitTimes() {
        try {
            return List.of(JitTimes.measure(postgres, plan.largest(), plan.claimRounds()));
        } catch (IOException | SQLException | RuntimeException e) {
            failures.add("jit: " + e.getMessage());
            return List.of();
        }
    }
}
