package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.examples.process.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a server logs, with every logger of every library at TRACE. */
class LogTest {
    /** In a column of each invoice, in what the provider says, and in a person's note. */
    private static final String SECRET = "DE02-1203-0000-SECRET";

    private static final String OURS = " io.github.invoicelock - ";

    private final TestHost host = TestHost.withInvoices(8);

    @TempDir
    private Path directory;

    @AfterEach
    void close() {
        host.close();
    }

    @ParameterizedTest
    @CsvSource({"NOWAIT, THROUGH_CALL", "SKIP_LOCKED, CLAIM_ONLY"})
    void one_line_for_a_run_warnings_for_a_person_and_no_word_of_what_is_in_an_invoice(String strategy, String scope)
            throws IOException {
        host.sql("alter table invoices add iban text not null default '" + SECRET + "'");
        Path log = directory.resolve("log");

        try (JavaProcess server = JavaProcess.start(
                List.of(
                        "-Dorg.slf4j.simpleLogger.logFile=" + log,
                        "-Dorg.slf4j.simpleLogger.defaultLogLevel=trace",
                        "-Dorg.slf4j.simpleLogger.log.io.github.invoicelock=trace"),
                LoudServer.class,
                host.database().jdbcUrl(),
                SECRET,
                strategy,
                scope)) {
            server.awaitLine("DONE");
        }

        String everything = Files.readString(log);
        List<String> ours =
                everything.lines().filter(line -> line.contains(OURS)).toList();
        assertThat(everything).as("jOOQ, HikariCP and the rest were loud").contains("DEBUG com.zaxxer");
        assertThat(everything.lines().filter(line -> line.contains(SECRET))).isEmpty();
        assertThat(ours)
                .as("this logger would write key-values into the message, which has them")
                .noneMatch(line -> line.split("biller=", -1).length > 2 || line.split("invoice=", -1).length > 2);
        assertThat(ours)
                .allMatch(line ->
                        line.substring(line.indexOf(OURS) + OURS.length()).startsWith("biller=invoices "));
        List<String> info = ours.stream()
                .filter(line -> line.contains("INFO") && !line.contains(" word="))
                .toList();
        assertThat(info.stream().filter(line -> line.contains(" stopped=")))
                .as("one for each run that had something to do")
                .hasSize(LoudServer.RUNS)
                .allMatch(line -> line.contains(" run="));
        assertThat(info).hasSize(LoudServer.RUNS + 2);
        assertThat(info.get(0))
                .contains("biller=invoices bills table=\"public\".\"invoices\" strategy=" + strategy + " scope=" + scope
                        + " concurrency=3 callTimeout=PT30S leaseMargin=PT10S waitTimeout=PT0.05S stopAfterFailures=20 "
                        + "idempotencyWindow=PT0S canBeAsked=false findLag=PT0S");
        assertThat(info)
                .filteredOn(line -> line.contains("resumed by bob: claims go on"))
                .hasSize(1);
        assertThat(ours.stream().filter(line -> line.contains("INFO") && line.contains(" word=")))
                .as("one for each word of a person's")
                .hasSize(3)
                .anyMatch(line -> line.contains("invoice=6 word=RESOLVED who=carl"))
                .anyMatch(line -> line.contains("invoice=3 word=RETRIED who="))
                .anyMatch(line -> line.contains("invoice=5 word=RESOLVED who="));
        assertThat(ours.stream().filter(line -> line.contains("WARN")))
                .anyMatch(line -> line.contains("invoice=3 parked attempt=1 state=DECLINED code=account_closed"))
                .anyMatch(line -> line.contains("invoice=5 parked attempt=1 state=IN_DOUBT"))
                .anyMatch(line -> line.contains("invoice=1 anomaly: "))
                .anyMatch(line -> line.contains("no index serves the search"))
                .anyMatch(line -> line.contains("the journal cannot be read"))
                .filteredOn(line -> line.contains("paused by ann at ") && line.contains(": wrong amounts. Nothing is"))
                .hasSize(1);
        assertThat(ours.stream().filter(line -> line.contains("DEBUG")))
                .anyMatch(line -> line.contains("stopped=PAUSED run=RECOVER"))
                .anyMatch(line -> line.contains("invoice=7 contended"))
                .anyMatch(line -> line.contains("invoice=3 taken over"))
                .anyMatch(line -> line.contains("invoice=1 settled attempt=1 state=BILLED"));
    }
}
