package io.github.invoicelock.examples.campaign;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.LockScope;
import io.github.invoicelock.LockStrategy;
import io.github.invoicelock.examples.campaign.Campaign.Plan;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Short campaigns; the long one is a command of its own. The seed is printed with each, and taken back by {@code -Dcampaign.seed}. */
@Tag("thorough")
class CampaignTest {
    private final long seed = Long.getLong("campaign.seed", new Random().nextInt(1_000_000));

    @ParameterizedTest
    @CsvSource({
        "shop, NOWAIT, THROUGH_CALL, REMEMBERS",
        "charges, SKIP_LOCKED, CLAIM_ONLY, REMEMBERS",
        "subscriptions, WAIT, THROUGH_CALL, BOTH",
        "charges, SKIP_LOCKED, THROUGH_CALL, CAN_BE_ASKED",
        "simple, NOWAIT, CLAIM_ONLY, NEITHER",
    })
    void hosts_and_postgresql_are_killed_and_nothing_is_charged_twice_or_lost(
            String schema, LockStrategy strategy, LockScope scope, ProviderKind kind) throws Exception {
        Verdict verdict = Campaign.run(new Plan(schema, strategy, scope, kind, 5, 1, seed));

        assertAsPromised(verdict);
        if (kind == ProviderKind.NEITHER) {
            assertThat(verdict.parked()).as("every unknown outcome is parked").isPositive();
        }
    }

    @Test
    void two_hosts_are_killed_and_nothing_is_charged_twice_or_lost() throws Exception {
        LockScope scope = seed % 2 == 0 ? LockScope.THROUGH_CALL : LockScope.CLAIM_ONLY;

        assertAsPromised(
                Campaign.run(new Plan("shop", LockStrategy.NOWAIT, scope, ProviderKind.REMEMBERS, 2, 0, seed)));
    }

    @Test
    void the_judge_sees_what_comes_of_a_gateway_that_declares_a_memory_which_its_provider_has_not() throws Exception {
        Verdict verdict = Campaign.run(
                new Plan("simple", LockStrategy.NOWAIT, LockScope.THROUGH_CALL, ProviderKind.LIES, 3, 0, seed));

        assertThat(verdict.chargedTwice()).isNotEmpty();
    }

    private static void assertAsPromised(Verdict verdict) {
        assertThat(verdict.chargedTwice()).as("charged twice").isEmpty();
        assertThat(verdict.notRecorded()).as("charged and not recorded").isEmpty();
        assertThat(verdict.notCharged()).as("recorded and not charged").isEmpty();
        assertThat(verdict.lost()).as("neither billed, due nor parked").isEmpty();
        assertThat(verdict.otherRequests()).as("another request under a key").isEmpty();
        assertThat(verdict.wrongRows()).as("not one row for one charge").isEmpty();
        assertThat(verdict.billed()).isPositive();
    }
}
