package io.github.invoicelock.examples.campaign;

import static io.github.invoicelock.Reconciliation.Kind.MATCHED;
import static io.github.invoicelock.Reconciliation.Kind.NOT_RECORDED;
import static io.github.invoicelock.examples.campaign.DatabaseByHand.dataSource;
import static io.github.invoicelock.examples.campaign.DatabaseByHand.execute;
import static io.github.invoicelock.examples.campaign.DatabaseByHand.one;
import static io.github.invoicelock.examples.campaign.DatabaseByHand.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.ProviderCharge;
import io.github.invoicelock.Reconciliation;
import io.github.invoicelock.StopReason;
import io.github.invoicelock.examples.postgres.PostgresProcess;
import io.github.invoicelock.examples.process.JavaProcess;
import io.github.invoicelock.examples.schemas.HostSchema;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A dump that is restored when the provider has forgotten the keys that were sent since: docs/operations.md, after a restore. */
@Tag("thorough")
class RestoreBeyondMemoryTest {
    private static final HostSchema SCHEMA = HostSchema.named("simple");
    private static final int INVOICES = 240;

    private final HttpClient client = HttpClient.newHttpClient();
    private final List<JavaProcess> processes = new ArrayList<>();
    private final Instant begun = Instant.now();
    private URI provider = URI.create("http://127.0.0.1");

    @AfterEach
    void close() {
        processes.forEach(JavaProcess::kill);
    }

    @Test
    void without_reconciling_invoices_are_charged_twice() throws Exception {
        assertThat(chargedTwiceAfterARestore(false)).isNotEmpty();
    }

    @Test
    void restored_paused_reconciled_written_back_and_resumed_nothing_is_charged_twice() throws Exception {
        assertThat(chargedTwiceAfterARestore(true)).isEmpty();
    }

    private List<String> chargedTwiceAfterARestore(boolean reconciled) throws Exception {
        Optional<Path> tools = PostgresProcess.installedWith("pg_dump");
        if (tools.isEmpty()) {
            System.out.println(
                    "Skipped: no pg_dump with its server is installed (Debian: apt-get install postgresql).");
        }
        assumeTrue(tools.isPresent(), "no pg_dump with its server is installed");
        provider = provider();
        try (PostgresProcess postgres = PostgresProcess.installed(tools.orElseThrow(), Map.of())) {
            execute(postgres.jdbcUrl("postgres"), "create database live");
            String live = postgres.jdbcUrl("live");
            InvoiceLockSchema.migrate(dataSource(live));
            execute(live, SCHEMA.ddl() + SCHEMA.supply(1, INVOICES));
            // However long the dump takes: most invoices are charged after it.
            get("/hold");
            hosts(live);
            untilCharged(1);
            Path dump = Files.createTempFile("invoice-lock", ".dump");
            run(tools.get(), "pg_dump", "-Fc", "-f", dump.toString(), "-p", String.valueOf(postgres.port()), "live");
            get("/release");
            untilCharged(INVOICES / 2);
            stopHosts();
            get("/forget");
            execute(postgres.jdbcUrl("postgres"), "drop database live with (force)");
            execute(postgres.jdbcUrl("postgres"), "create database live");
            run(tools.get(), "pg_restore", "-d", "live", "-p", String.valueOf(postgres.port()), dump.toString());
            Files.delete(dump);

            if (reconciled) {
                // In the restored database, before any host finds it: with psql.
                execute(live, "select invoice_lock.pause('" + SCHEMA.biller() + "', 'the operator', 'restored')");
            }
            hosts(live);
            if (reconciled) {
                reconcileWriteBackAndResume(live);
            }

            await().atMost(Duration.ofMinutes(2))
                    .until(() -> one(live, "select count(*) from simple where pending")
                            .equals("0"));
            stopHosts();
            Verdict verdict = Verdict.of(live, SCHEMA, Ledger.of(provider));
            assertThat(verdict.billed()).as("%s", verdict).isEqualTo(INVOICES);
            assertThat(verdict.notRecorded()).isEmpty();
            return verdict.chargedTwice();
        }
    }

    /** While the hosts are there, and find the biller paused. */
    private void reconcileWriteBackAndResume(String live) throws Exception {
        try (LockingInvoiceBiller biller = job(live).biller(dataSource(live))) {
            assertThat(biller.billPending().stopReason()).isEqualTo(StopReason.PAUSED);
            long charged = get("/list").lines().count();
            try (Reconciliation compared = reconcile(biller)) {
                assertThat(compared.count(NOT_RECORDED)).as("%s", compared).isPositive();
                assertThat(compared.count(MATCHED) + compared.count(NOT_RECORDED))
                        .as("%s", compared)
                        .isEqualTo(get("/list").lines().count());
                assertThat(compared.writeBack("the operator").charges()).isEqualTo(compared.count(NOT_RECORDED));
            }
            try (Reconciliation again = reconcile(biller)) {
                assertThat(again.count(MATCHED)).as("%s", again).isEqualTo(charged);
            }
            assertThat(get("/list").lines().count()).as("charged while paused").isEqualTo(charged);
            biller.resume("the operator");
        }
    }

    private Reconciliation reconcile(LockingInvoiceBiller biller) throws IOException, InterruptedException {
        Stream<ProviderCharge> charges = get("/list")
                .lines()
                .map(line -> line.split(" "))
                .map(charge -> new ProviderCharge(charge[0], null, charge[1], null, Instant.parse(charge[2])));
        return biller.reconcile(charges, begun, Instant.now().plusSeconds(60));
    }

    private URI provider() throws IOException {
        JavaProcess process = JavaProcess.start(Provider.class, "1", "true", "false");
        processes.add(process);
        return URI.create("http://127.0.0.1:" + process.awaitLine("READY"));
    }

    private void hosts(String jdbcUrl) throws IOException {
        for (int i = 0; i < 2; i++) {
            JavaProcess host = job(jdbcUrl).start();
            processes.add(host);
            host.awaitLine("READY");
            host.tellGo();
        }
    }

    private Host.Job job(String jdbcUrl) {
        return new Host.Job(
                jdbcUrl,
                provider,
                ProviderKind.REMEMBERS,
                LockStrategy.NOWAIT,
                LockScope.THROUGH_CALL,
                SCHEMA,
                Duration.ofSeconds(10));
    }

    /** As if the machines were gone: what was being called stays STARTED. */
    private void stopHosts() {
        List<JavaProcess> hosts = processes.subList(1, processes.size());
        hosts.forEach(JavaProcess::kill);
        hosts.clear();
    }

    private void untilCharged(int count) {
        await().atMost(Duration.ofMinutes(2)).until(() -> get("/list").lines().count() >= count);
    }

    private String get(String path) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(provider.resolve(path)).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }
}
