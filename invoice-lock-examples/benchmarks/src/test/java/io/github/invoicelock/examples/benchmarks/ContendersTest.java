package io.github.invoicelock.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.invoicelock.examples.postgres.PostgresDatabase;
import io.github.invoicelock.examples.postgres.PostgresServer;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is compared must do the same work: every contender bills every invoice once when nothing is killed. */
@Tag("thorough")
class ContendersTest {
    private static final int INVOICES = 200;

    private static final PostgresDatabase DATABASE = PostgresServer.shared().createDatabase();
    private static final Stock STOCK = new Stock(DATABASE.dataSource());

    @BeforeAll
    static void createTables() throws SQLException, IOException {
        STOCK.create();
    }

    @AfterAll
    static void dropDatabase() {
        DATABASE.close();
    }

    @ParameterizedTest
    @EnumSource
    void each_invoice_is_billed_once_in_every_repetition_over_the_same_connections(Contender contender)
            throws Exception {
        try (Connections connections = new Connections(DATABASE.jdbcUrl())) {
            for (int repetition = 1; repetition <= 2; repetition++) {
                STOCK.supply(0, INVOICES, Mix.ALL_BILLABLE);
                Provider provider = new Provider(Duration.ZERO);
                Stock.Activity before = STOCK.activity();

                bill(contender, job(connections, Mix.ALL_BILLABLE), provider);
                connections.reportStatistics();

                assertThat(provider.calls()).isEqualTo(INVOICES);
                assertThat(provider.twice()).isZero();
                assertThat(STOCK.pending()).isEqualTo(STOCK.markedLater());
                assertThat(STOCK.activity().since(before).invoiceUpdates())
                        .as("marks that the database has counted")
                        .isEqualTo(INVOICES - STOCK.markedLater());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BY_HAND", "CLAIM_ONLY_SKIP_LOCKED", "ROW_LOCK_SKIP_LOCKED", "ROW_LOCK_NOWAIT"})
    void what_is_not_billable_is_left_alone(Contender contender) throws Exception {
        STOCK.supply(0, INVOICES, Mix.HALF_NOT_BILLABLE);
        Provider provider = new Provider(Duration.ZERO);

        try (Connections connections = new Connections(DATABASE.jdbcUrl())) {
            bill(contender, job(connections, Mix.HALF_NOT_BILLABLE), provider);
        }

        assertThat(provider.calls()).isEqualTo(INVOICES / 2);
        assertThat(provider.twice()).isZero();
        assertThat(STOCK.pending()).isEqualTo(INVOICES / 2 + STOCK.markedLater());
    }

    @ParameterizedTest
    @EnumSource(
            value = Mix.class,
            names = {"HALF_DECLINED", "HALF_PARKED"})
    void what_was_refused_is_left_to_a_person(Mix mix) throws Exception {
        STOCK.supply(0, INVOICES, mix);
        Provider provider = new Provider(Duration.ZERO);

        try (Connections connections = new Connections(DATABASE.jdbcUrl())) {
            bill(Contender.CLAIM_ONLY_SKIP_LOCKED, job(connections, mix), provider);
        }

        assertThat(provider.calls()).isEqualTo(mix == Mix.HALF_DECLINED ? INVOICES : INVOICES / 2);
        assertThat(STOCK.pending()).isEqualTo(INVOICES / 2 + STOCK.markedLater());
    }

    private static Job job(Connections connections, Mix mix) {
        return new Job(connections, Duration.ZERO, mix, Duration.ofMinutes(1), Slots.USUAL, Listener.COUNTING);
    }

    private static void bill(Contender contender, Job job, Provider provider) throws Exception {
        try (Contestant contestant = contender.on(job, provider)) {
            contestant.prepare(true);
            contestant.bill();
        }
    }
}
