package io.github.invoicelock.examples.campaign;

import static io.github.invoicelock.examples.campaign.DatabaseByHand.dataSource;
import static io.github.invoicelock.examples.campaign.DatabaseByHand.execute;
import static io.github.invoicelock.examples.campaign.DatabaseByHand.one;
import static io.github.invoicelock.examples.campaign.DatabaseByHand.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.invoicelock.BillingGateway;
import io.github.invoicelock.BillingOutcome;
import io.github.invoicelock.BillingRequest;
import io.github.invoicelock.InvoiceLockSchema;
import io.github.invoicelock.InvoiceTable;
import io.github.invoicelock.LockingInvoiceBiller;
import io.github.invoicelock.RunLimits;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresProcess;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** R3: a database that is put back to before charges that happened mints the same keys, and the provider answers with the first charge. */
class RestoreTest {
    private static final int INVOICES = 30;

    private final Ledger ledger = new Ledger();

    /** A provider that remembers keys. */
    private static final class Ledger implements BillingGateway {
        private final Map<String, String> keys = new ConcurrentHashMap<>();

        @Override
        public BillingOutcome bill(BillingRequest request) {
            return BillingOutcome.billed(
                    keys.computeIfAbsent(request.idempotencyKey(), key -> "ch_" + request.invoiceId()));
        }

        @Override
        public Duration idempotencyWindow() {
            return Duration.ofHours(23);
        }
    }

    @Test
    void from_an_older_copy_of_the_database() throws Exception {
        PostgresServer server = PostgresServer.shared();
        try (PostgresDatabase live = server.createDatabase()) {
            host(live.jdbcUrl());
            bill(live.jdbcUrl(), 10);
            String copy = live.name() + "_copy";
            execute(server.jdbcUrl(), "create database " + copy + " template " + live.name());
            bill(live.jdbcUrl(), 15);
            execute(server.jdbcUrl(), "drop database " + live.name() + " with (force)");
            execute(server.jdbcUrl(), "alter database " + copy + " rename to " + live.name());

            everyInvoiceIsChargedOnceAfterAll(live.jdbcUrl());
        }
    }

    @Tag("thorough")
    @Test
    void from_a_dump() throws Exception {
        Optional<Path> tools = PostgresProcess.installedWith("pg_dump");
        if (tools.isEmpty()) {
            System.out.println(
                    "Skipped: no pg_dump with its server is installed (Debian: apt-get install postgresql).");
        }
        assumeTrue(tools.isPresent(), "no pg_dump with its server is installed");
        try (PostgresProcess postgres = PostgresProcess.installed(tools.orElseThrow(), Map.of())) {
            execute(postgres.jdbcUrl("postgres"), "create database live");
            String live = postgres.jdbcUrl("live");
            host(live);
            bill(live, 10);
            Path dump = java.nio.file.Files.createTempFile("invoice-lock", ".dump");
            run(tools.get(), "pg_dump", "-Fc", "-f", dump.toString(), "-p", String.valueOf(postgres.port()), "live");
            bill(live, 15);
            execute(postgres.jdbcUrl("postgres"), "drop database live with (force)");
            execute(postgres.jdbcUrl("postgres"), "create database live");
            run(tools.get(), "pg_restore", "-d", "live", "-p", String.valueOf(postgres.port()), dump.toString());
            java.nio.file.Files.delete(dump);

            everyInvoiceIsChargedOnceAfterAll(live);
        }
    }

    @Tag("thorough")
    @Test
    void from_a_replica_that_lagged_when_it_was_promoted() throws Exception {
        try (PostgresProcess primary = PostgresProcess.embedded(Map.of())) {
            execute(primary.jdbcUrl("postgres"), "create database live");
            host(primary.jdbcUrl("live"));
            try (PostgresProcess replica = primary.standby()) {
                bill(primary.jdbcUrl("live"), 10);
                await().atMost(Duration.ofSeconds(60))
                        .ignoreExceptions()
                        .until(() -> billed(replica.jdbcUrl("live")) == 10);
                execute(replica.jdbcUrl("postgres"), "alter system set primary_conninfo = ''");
                execute(replica.jdbcUrl("postgres"), "select pg_reload_conf()");
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> one(replica.jdbcUrl("postgres"), "select count(*) from pg_stat_wal_receiver")
                                .equals("0"));
                bill(primary.jdbcUrl("live"), 15);
                primary.kill();
                execute(replica.jdbcUrl("postgres"), "select pg_promote()");
                assertThat(billed(replica.jdbcUrl("live"))).as("it lagged").isEqualTo(10);

                everyInvoiceIsChargedOnceAfterAll(replica.jdbcUrl("live"));
            }
        }
    }

    private static void host(String jdbcUrl) throws SQLException {
        execute(
                jdbcUrl,
                "create table invoices (id int primary key, pending boolean not null default true, charge text); "
                        + "insert into invoices select g from generate_series(1, " + INVOICES + ") g");
        InvoiceLockSchema.migrate(dataSource(jdbcUrl));
    }

    private void bill(String jdbcUrl, int most) {
        try (LockingInvoiceBiller biller = LockingInvoiceBiller.builder(dataSource(jdbcUrl), ledger)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("charge"))
                .build()) {
            assertThat(biller.billPending(RunLimits.none().invoices(most)).billed())
                    .isEqualTo(most);
        }
    }

    private void everyInvoiceIsChargedOnceAfterAll(String jdbcUrl) throws SQLException {
        assertThat(ledger.keys).as("charged before").hasSize(25);
        bill(jdbcUrl, INVOICES - 10);
        assertThat(ledger.keys)
                .as("one key, and so one charge, for each invoice")
                .hasSize(INVOICES);
        assertThat(billed(jdbcUrl)).isEqualTo(INVOICES);
    }

    private static int billed(String jdbcUrl) throws SQLException {
        return Integer.parseInt(
                one(jdbcUrl, "select count(*) from invoices where not pending and charge = 'ch_' || id"));
    }
}
