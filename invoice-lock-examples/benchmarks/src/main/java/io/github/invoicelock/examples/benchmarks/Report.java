package io.github.invoicelock.examples.benchmarks;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.invoicelock.examples.benchmarks.ClaimTimes.ClaimTime;
import io.github.invoicelock.examples.benchmarks.Result.Repetition;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A run's results, for people and for programs.
 *
 * @param date of the run
 * @param mode quick or full
 * @param command that repeats it
 * @param machine what it ran on, and what else that was doing
 * @param java its version
 * @param javaFeature the same, the number only
 * @param postgres its version and the settings that matter
 * @param slots how much was under way at once
 * @param warmups repetitions of each cell that came first and are not counted
 * @param results cell by cell
 * @param claims times of claims
 * @param jit the same where the server compiles statements
 * @param failures cells that gave no result, and why
 */
record Report(
        String date,
        String mode,
        String command,
        String machine,
        String java,
        int javaFeature,
        Map<String, String> postgres,
        Slots slots,
        int warmups,
        List<Result> results,
        List<ClaimTime> claims,
        List<JitTime> jit,
        List<String> failures) {
    private static final String BEGIN = "<!-- benchmarks: begin -->";
    private static final String END = "<!-- benchmarks: end -->";
    private static final Gson JSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    /** Puts this run into the file, in place of the last one under the same Java. */
    void writeJson(Path file) throws IOException {
        JsonArray runs = new JsonArray();
        if (Files.exists(file)) {
            for (JsonElement run : JsonParser.parseString(Files.readString(file))
                    .getAsJsonObject()
                    .getAsJsonArray("runs")) {
                if (run.getAsJsonObject().get("javaFeature").getAsInt() != javaFeature) {
                    runs.add(run);
                }
            }
        }
        runs.add(JSON.toJsonTree(this));
        JsonObject all = new JsonObject();
        all.add("runs", runs);
        Files.createDirectories(Objects.requireNonNull(file.getParent()));
        Files.writeString(file, JSON.toJson(all) + "\n");
    }

    /** Puts the tables between the markers of a page; leaves a page without markers alone. */
    void writePage(Path page) throws IOException {
        if (Files.exists(page)) {
            Files.writeString(page, Pages.replaceSection(Files.readString(page), BEGIN, END, markdown()));
        }
    }

    /** As it is printed. */
    String text() {
        StringBuilder text = new StringBuilder();
        for (List<Result> group : grouped()) {
            text.append('\n').append(heading(group.get(0))).append('\n');
            text.append(String.format(
                    Locale.ROOT,
                    "  %-53s %9s %10s %8s %8s %8s %8s %9s %8s %8s %8s %8s  %s%n",
                    "",
                    "invoices",
                    "a second",
                    "spread",
                    "of bound",
                    "of lock",
                    "of one",
                    "WAL bytes",
                    "JVM µs",
                    "PG µs",
                    "of bound",
                    "of lock",
                    "charged"));
            for (Result result : group) {
                text.append(String.format(
                        Locale.ROOT,
                        "  %-53s %9d %10.0f %8s %8s %8s %8s %9.0f %8s %8s %8s %8s  %s%n",
                        result.title(),
                        result.pending(),
                        result.perSecond(),
                        spread(result),
                        ratio(result.toUpperBound()),
                        ratio(result.toRowLock()),
                        ratio(result.toOneServer()),
                        result.walBytesPerInvoice(),
                        micros(result.processor().jvmMicros()),
                        micros(result.processor().postgresMicros()),
                        ratio(result.processor().toUpperBound()),
                        ratio(result.processor().toRowLock()),
                        charged(result)));
            }
        }
        if (!claims.isEmpty()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%nClaims (CLAIM_ONLY; ratio to the fewest, promised for a claim: at most %.2f)%n",
                    ClaimTimes.PROMISED));
            claims.forEach(claim -> text.append("  ").append(claim.text()).append('\n'));
        }
        if (!jit.isEmpty()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%nClaims of 500 on a server that compiles (CLAIM_ONLY SKIP_LOCKED; promised: at most %.2f of one with jit=off)%n",
                    JitTime.PROMISED));
            jit.forEach(time -> text.append("  ").append(time.text()).append('\n'));
        }
        failures.forEach(failure -> text.append("\nNO RESULT: ").append(failure).append('\n'));
        return text.toString();
    }

    private String markdown() {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "%s, %s. Java %s, PostgreSQL %s, %s, warm-ups: %d. `%s`%n",
                date,
                machine,
                java,
                server(),
                slots.text(),
                warmups,
                command));
        for (List<Result> group : grouped()) {
            text.append("\n**").append(heading(group.get(0))).append("**\n\n");
            boolean ofOne = group.stream().anyMatch(result -> result.toOneServer() != null);
            text.append("| | invoices a second | spread | of the upper bound | of the row lock |")
                    .append(ofOne ? " of one server |" : "")
                    .append(
                            " WAL bytes each | processor: JVM | PostgreSQL | both, of the upper bound | of the row lock |\n")
                    .append("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
                    .append(ofOne ? "--:|" : "")
                    .append('\n');
            for (Result result : group) {
                text.append(String.format(
                        Locale.ROOT,
                        "| %s | %,.0f | %s | %s | %s |%s %,.0f | %s µs | %s µs | %s | %s |%n",
                        result.title(),
                        result.perSecond(),
                        spread(result),
                        ratio(result.toUpperBound()),
                        ratio(result.toRowLock()),
                        ofOne ? " " + ratio(result.toOneServer()) + " |" : "",
                        result.walBytesPerInvoice(),
                        micros(result.processor().jvmMicros()),
                        micros(result.processor().postgresMicros()),
                        ratio(result.processor().toUpperBound()),
                        ratio(result.processor().toRowLock())));
            }
        }
        if (!claims.isEmpty()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%n**Claims with `CLAIM_ONLY`; promised with many: at most %.2f of a claim with few**%n%n",
                    ClaimTimes.PROMISED));
            text.append(
                    "| strategy | pending | of them | settled | a claim, each invoice | of the fewest | a run, each invoice | of the fewest |\n");
            text.append("|---|--:|---|--:|--:|--:|--:|--:|\n");
            for (ClaimTime claim : claims) {
                text.append(String.format(
                        Locale.ROOT,
                        "| `%s` | %,d | %s | %,d | %.1f µs | %.2f | %.1f µs | %.2f |%n",
                        claim.strategy(),
                        claim.pending(),
                        claim.mix(),
                        claim.settled(),
                        claim.claimMicros(),
                        claim.claimToFewest(),
                        claim.runMicros(),
                        claim.runToFewest()));
            }
        }
        if (!jit.isEmpty()) {
            text.append(String.format(
                    Locale.ROOT,
                    "%n**A claim of 500 where the server compiles statements; promised: at most %.2f of one with `jit = off`**%n%n",
                    JitTime.PROMISED));
            text.append(
                    "| pending | settled | `jit` | a claim, each invoice | with `jit = off` | ratio | a run, ratio |\n");
            text.append("|--:|--:|---|--:|--:|--:|--:|\n");
            for (JitTime time : jit) {
                text.append(String.format(
                        Locale.ROOT,
                        "| %,d | %,d | `%s` | %.1f µs | %.1f µs | %.2f | %.2f |%n",
                        time.pending(),
                        time.settled(),
                        time.byDefault(),
                        time.claimMicros(),
                        time.offClaimMicros(),
                        time.claimToOff(),
                        time.runToOff()));
            }
        }
        failures.forEach(failure -> text.append("\nNo result: ").append(failure).append('\n'));
        return text.toString();
    }

    /** Results that were measured beside one another. */
    List<List<Result>> grouped() {
        List<List<Result>> groups = new ArrayList<>();
        String last = "";
        for (Result result : results) {
            String heading = heading(result);
            if (!heading.equals(last)) {
                groups.add(new ArrayList<>());
                last = heading;
            }
            groups.get(groups.size() - 1).add(result);
        }
        return groups;
    }

    static String heading(Result result) {
        return String.format(
                Locale.ROOT,
                "%s: %d server%s, %s%s%s",
                result.section(),
                result.servers(),
                result.servers() == 1 ? "" : "s",
                result.waits().text(),
                result.section().equals(Plan.SIZE)
                        ? String.format(Locale.ROOT, ", %,d pending, %,d paid", result.pending(), result.paid())
                        : "",
                result.mix().equals(Mix.ALL_BILLABLE.name())
                        ? ""
                        : ", " + result.mix().toLowerCase(Locale.ROOT).replace('_', ' '));
    }

    /** From the slowest to the fastest repetition, as a share of the median. */
    private static String spread(Result result) {
        double least = result.repetitions().stream()
                .mapToDouble(Repetition::perSecond)
                .min()
                .orElse(0);
        double most = result.repetitions().stream()
                .mapToDouble(Repetition::perSecond)
                .max()
                .orElse(0);
        return String.format(Locale.ROOT, "±%.0f %%", 50 * (most - least) / result.perSecond());
    }

    private static String micros(@Nullable Double micros) {
        return micros == null ? "?" : String.format(Locale.ROOT, micros < 100 ? "%,.1f" : "%,.0f", micros);
    }

    /** Its version, and whether it compiles statements. */
    private String server() {
        return postgres.getOrDefault("server_version", "?")
                + ("true".equals(postgres.get("jit_available")) ? " with LLVM, jit " + postgres.get("jit") : "");
    }

    private static String ratio(@Nullable Double ratio) {
        return ratio == null ? "" : String.format(Locale.ROOT, "%.2f", ratio);
    }

    private static String charged(Result result) {
        boolean cutOff = result.repetitions().stream().anyMatch(Repetition::cutOff);
        return (result.chargedOnce() ? "once" : "NOT ONCE") + (cutOff ? ", cut off" : "");
    }
}
