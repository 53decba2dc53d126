package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A second charge waits for a person until one acknowledges it with a reference that the journal knows (R18, R23). Another reference is
 * another charge, and is told; one that was told is not told again.
 */
class SecondChargeTest {
    private final TestHost host = TestHost.withInvoices(1);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final List<String> told = new CopyOnWriteArrayList<>();

    @AfterEach
    void close() {
        host.close();
    }

    /** Where the second charge, ch_2, is known from. */
    enum Constellation {
        /** Both charges under key 1. */
        ONE_KEY,
        /** Key 1 was refused, key 2 charged as ch_1; then key 1 is told to be charged as ch_2. */
        TWO_KEYS,
        /** Key 1 was charged twice, while key 2 had been withdrawn. */
        BESIDE_A_WITHDRAWN_KEY,
        /** Key 1 was charged twice, while key 2 is not billed. */
        BESIDE_A_KEY_NOT_BILLED
    }

    @ParameterizedTest
    @EnumSource(Constellation.class)
    void it_is_acknowledged_by_the_second_reference(Constellation constellation) {
        LockingInvoiceBiller server = chargedTwice(constellation);

        server.resolve(1, BillingOutcome.billed("ch_2"), "Ann", "refunded");

        assertAcknowledged(server);
    }

    @ParameterizedTest
    @EnumSource(Constellation.class)
    void it_is_acknowledged_by_the_first_reference(Constellation constellation) {
        LockingInvoiceBiller server = chargedTwice(constellation);

        server.resolve(1, BillingOutcome.billed("ch_1"), "Ann", "refunded the other");

        assertAcknowledged(server);
    }

    @ParameterizedTest
    @EnumSource(Constellation.class)
    void a_third_reference_is_another_charge_and_acknowledges_nothing(Constellation constellation) {
        LockingInvoiceBiller server = chargedTwice(constellation);

        server.resolve(1, BillingOutcome.billed("ch_3"), "Ann", "what is this one?");

        assertThat(told).hasSize(1).first().asString().contains("ch_3");
        assertThat(server.needsAttention())
                .extracting(BillingAttempt::message)
                .anySatisfy(message -> assertThat(message).contains("ch_3"));
    }

    @ParameterizedTest
    @EnumSource(Constellation.class)
    void a_webhook_that_repeats_the_second_reference_after_that_tells_nothing_again(Constellation constellation) {
        LockingInvoiceBiller server = chargedTwice(constellation);
        server.resolve(1, BillingOutcome.billed("ch_2"), "Ann", "refunded");

        server.report(key(server, 1), BillingOutcome.billed("ch_2"));

        assertAcknowledged(server);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ch_1", "ch_12"})
    void a_reference_that_a_known_one_begins_with_is_another_charge(String third) {
        provider.answering(BillingOutcome.billed("ch_0"));
        LockingInvoiceBiller server = server();
        server.bill(1);
        server.report(key(server, 1), BillingOutcome.billed(third.equals("ch_1") ? "ch_12" : "ch_1"));
        told.clear();

        server.report(key(server, 1), BillingOutcome.billed(third));

        assertThat(told).as("a third charge").hasSize(1);
    }

    @Test
    void a_third_charge_under_one_key_that_was_told_leaves_the_second_known() {
        LockingInvoiceBiller server = chargedTwice(Constellation.ONE_KEY);
        server.report(key(server, 1), BillingOutcome.billed("ch_3"));
        told.clear();

        server.report(key(server, 1), BillingOutcome.billed("ch_2"));
        server.report(key(server, 1), BillingOutcome.billed("ch_3"));

        assertThat(told).isEmpty();
    }

    private LockingInvoiceBiller chargedTwice(Constellation constellation) {
        LockingInvoiceBiller server = server();
        switch (constellation) {
            case ONE_KEY -> {
                provider.answering(BillingOutcome.billed("ch_1"));
                server.bill(1);
            }
            case TWO_KEYS -> refusedThen(server, BillingOutcome.billed("ch_1"));
            case BESIDE_A_WITHDRAWN_KEY -> {
                refusedThen(server, BillingOutcome.notBilled("429"));
                server.report(key(server, 1), BillingOutcome.billed("ch_1"));
                host.letTimePass(1, Duration.ofHours(1));
                server.recover();
                assertThat(server.attempts(1).get(1).state()).isEqualTo(AttemptState.WITHDRAWN);
            }
            case BESIDE_A_KEY_NOT_BILLED -> {
                refusedThen(server, BillingOutcome.notBilled("429"));
                server.report(key(server, 1), BillingOutcome.billed("ch_1"));
                assertThat(server.attempts(1).get(1).state()).isEqualTo(AttemptState.NOT_BILLED);
            }
        }
        server.report(key(server, 1), BillingOutcome.billed("ch_2"));
        assertThat(told)
                .as("told, with both")
                .anySatisfy(what -> assertThat(what).contains("ch_1", "ch_2"));
        assertThat(server.needsAttention())
                .extracting(BillingAttempt::cause)
                .containsExactly(AttemptCause.SECOND_CHARGE);
        told.clear();
        return server;
    }

    private void refusedThen(LockingInvoiceBiller server, BillingOutcome second) {
        provider.answering((p, request) -> request.attempt() == 1 ? p.refuse(request) : second);
        server.bill(1);
        server.retry(1);
        server.bill(1);
    }

    private LockingInvoiceBiller server() {
        return host.running(host.server(provider).listener(new BillingListener() {
            @Override
            public void anomaly(String invoiceId, String what) {
                told.add(what);
            }
        }));
    }

    private static String key(LockingInvoiceBiller server, int number) {
        return server.attempts(1).get(number - 1).idempotencyKey();
    }

    private void assertAcknowledged(LockingInvoiceBiller server) {
        assertThat(told).as("nothing new is told").isEmpty();
        assertThat(server.needsAttention()).isEmpty();
        assertThat(server.status().parked()).isZero();
        assertThat(host.pending(1)).isFalse();
        int sent = provider.requests().size();
        host.letTimePass(1, Duration.ofHours(2));
        server.billPending();
        assertThat(provider.requests()).as("nothing more is sent").hasSize(sent);
    }
}
