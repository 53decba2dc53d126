package io.github.invoicelock.examples.benchmarks;

import io.github.invoicelock.examples.benchmarks.KillCampaign.Outcome;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Kills the hosts of all {@link Peer}s, and fills the table of docs/peers.md. Ends with 1 if invoice-lock charged twice or lost one. */
public final class Peers {
    private static final String BEGIN = "<!-- peers: begin -->";
    private static final String END = "<!-- peers: end -->";

    private Peers() {}

    /**
     * Runs all campaigns.
     *
     * @param arguments {@code name=value}: kills (4), invoices (600), bound (120, in seconds), publish (write into docs), machine (a word on its state), peer
     *     and keys (all)
     * @throws Exception if a process does not start
     */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> given = new TreeMap<>();
        Arrays.stream(arguments)
                .flatMap(argument -> Arrays.stream(argument.split(" ")))
                .filter(argument -> argument.contains("="))
                .forEach(argument -> given.put(
                        argument.substring(0, argument.indexOf('=')), argument.substring(argument.indexOf('=') + 1)));
        int kills = Integer.parseInt(given.getOrDefault("kills", "4"));
        int invoices = Integer.parseInt(given.getOrDefault("invoices", "600"));
        Duration bound = Duration.ofSeconds(Long.parseLong(given.getOrDefault("bound", "120")));
        List<Outcome> outcomes = new ArrayList<>();
        String version;
        try (PostgresServer postgres = PostgresServer.start()) {
            for (Keys keys : Keys.values()) {
                for (Peer peer : Peer.values()) {
                    boolean wanted = given.getOrDefault("peer", peer.name()).equals(peer.name())
                            && given.getOrDefault("keys", keys.name()).equals(keys.name());
                    if (wanted) {
                        Outcome outcome = KillCampaign.run(postgres, peer, keys, invoices, kills, bound);
                        System.out.println(outcome);
                        outcomes.add(outcome);
                    }
                }
            }
            version = version(postgres);
        }
        String machine = given.getOrDefault("machine", "not-stated").replace('-', ' ');
        String table = markdown(outcomes, bound, version, machine);
        System.out.println(table);
        write(table, Boolean.parseBoolean(given.getOrDefault("publish", "false")));
        boolean asPromised = outcomes.stream()
                .filter(outcome -> outcome.peer().isInvoiceLock())
                .allMatch(outcome -> outcome.chargedTwice() == 0 && outcome.notBilled() == 0);
        System.exit(asPromised ? 0 : 1);
    }

    private static void write(String table, boolean publish) throws IOException {
        if (publish) {
            Path page = Path.of(System.getProperty("benchmarks.root", "."), "docs", "peers.md");
            Files.writeString(page, Pages.replaceSection(Files.readString(page), BEGIN, END, table));
        } else {
            Path page = Files.createDirectories(Path.of("target", "docs")).resolve("peers.md");
            Files.writeString(page, table);
        }
    }

    private static String version(PostgresServer postgres) throws SQLException {
        try (var connection = java.sql.DriverManager.getConnection(postgres.jdbcUrl())) {
            return connection.getMetaData().getDatabaseProductVersion();
        }
    }

    static String markdown(List<Outcome> outcomes, Duration bound, String postgres, String machine) {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "Run of %s, Java %s, PostgreSQL %s, %d cores, machine %s. Bound: %d s after the last kill.%n",
                LocalDate.now(ZoneOffset.UTC),
                System.getProperty("java.version"),
                postgres,
                Runtime.getRuntime().availableProcessors(),
                machine,
                bound.toSeconds()));
        for (Keys keys : Keys.values()) {
            List<Outcome> these =
                    outcomes.stream().filter(outcome -> outcome.keys() == keys).toList();
            if (!these.isEmpty()) {
                text.append("\n**").append(heading(keys)).append("**\n\n");
                text.append(
                        "| | invoices | hosts killed | charged, not committed | charged twice | parked for a person | neither billed nor parked | taken over after, median | longest |\n");
                text.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
                these.forEach(outcome -> text.append(line(outcome)));
            }
        }
        text.append("\n| | set up here | takes over by default after |\n|---|---|---|\n");
        outcomes.stream()
                .map(Outcome::peer)
                .distinct()
                .forEach(peer -> text.append("| ")
                        .append(peer.title)
                        .append(" | ")
                        .append(peer.settings)
                        .append(" | ")
                        .append(peer.byDefault)
                        .append(" |\n"));
        return text.toString();
    }

    private static String heading(Keys keys) {
        return switch (keys) {
            case NOT_RECOGNISED ->
                "A repeated request charges again (a new random key each time, or a provider without keys)";
            case REMEMBERED -> "The same key each time, and the provider remembers it";
            case FORGOTTEN -> "The same key each time, after an outage longer than the provider's memory";
        };
    }

    private static String line(Outcome outcome) {
        return String.format(
                Locale.ROOT,
                "| %s | %d | %d | %d | %d | %d | %d | %s | %s |%n",
                outcome.peer().title,
                outcome.invoices(),
                outcome.kills(),
                outcome.inFlight(),
                outcome.chargedTwice(),
                outcome.parked(),
                outcome.notBilled(),
                seconds(outcome.medianSeconds()),
                seconds(outcome.mostSeconds()));
    }

    private static String seconds(double seconds) {
        return Double.isNaN(seconds) ? "never" : String.format(Locale.ROOT, "%.1f s", seconds);
    }
}
