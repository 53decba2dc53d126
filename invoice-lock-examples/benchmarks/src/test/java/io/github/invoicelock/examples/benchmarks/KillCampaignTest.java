package io.github.invoicelock.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.examples.benchmarks.KillCampaign.Outcome;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The campaign must hit the moment that it is about: it shows the double charge, and its absence. */
@Tag("thorough")
class KillCampaignTest {
    /** Ten seconds of work for one host alone, so that the other's beginning may be that much later. */
    private static final int INVOICES = 200;

    @Test
    void a_row_lock_alone_charges_again_what_was_in_flight() throws Exception {
        Outcome outcome = kill(Peer.ROW_LOCK, Keys.NOT_RECOGNISED);

        assertThat(outcome.inFlight()).isPositive();
        assertThat(outcome.chargedTwice()).isEqualTo(outcome.inFlight());
        assertThat(outcome.notBilled()).isZero();
    }

    @Test
    void with_the_journal_what_was_in_flight_is_charged_once() throws Exception {
        Outcome outcome = kill(Peer.INVOICE_LOCK, Keys.REMEMBERED);

        assertThat(outcome.inFlight()).isPositive();
        assertThat(outcome.chargedTwice()).isZero();
        assertThat(outcome.notBilled()).isZero();
    }

    private static Outcome kill(Peer peer, Keys keys) throws Exception {
        return KillCampaign.run(PostgresServer.shared(), peer, keys, INVOICES, 1, Duration.ofMinutes(1));
    }
}
