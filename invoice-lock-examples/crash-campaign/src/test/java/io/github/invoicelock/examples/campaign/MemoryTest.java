package io.github.invoicelock.examples.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.examples.campaign.BulkCampaign.Outcome;
import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Memory grows with the concurrency, never with how many invoices are pending; nor do connections. */
@Tag("thorough")
class MemoryTest {
    @Test
    void many_invoices_are_billed_once_in_64_megabytes_over_four_connections_whoever_is_killed() throws Exception {
        int invoices = Integer.getInteger("memory.invoices", 30_000);
        try (PostgresDatabase database = PostgresServer.shared().createDatabase()) {

            Outcome outcome = BulkCampaign.run(database.jdbcUrl(), invoices, 3);

            System.out.println(outcome);
            assertThat(outcome.verdict().asPromised()).as(outcome.toString()).isTrue();
            assertThat(outcome.verdict().billed()).isEqualTo(invoices);
            assertThat(outcome.kills()).isEqualTo(3);
            assertThat(outcome.endedByThemselves()).as("out of memory, say").isZero();
            assertThat(outcome.mostConnections()).isBetween(1, 4);
        }
    }
}
