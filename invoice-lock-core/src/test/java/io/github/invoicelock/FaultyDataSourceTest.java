package io.github.invoicelock;

import static io.github.invoicelock.FaultyDataSource.Door.COMMIT;
import static io.github.invoicelock.FaultyDataSource.Door.CONNECTION;
import static io.github.invoicelock.FaultyDataSource.Door.STATEMENT;
import static io.github.invoicelock.FaultyDataSource.Kind.CLAIM;
import static io.github.invoicelock.FaultyDataSource.Kind.MARK;
import static io.github.invoicelock.FaultyDataSource.Kind.OUTCOME;
import static io.github.invoicelock.FaultyDataSource.Kind.ROW_LOCK;
import static io.github.invoicelock.FaultyDataSource.Kind.TAKE_OVER;
import static io.github.invoicelock.FaultyDataSource.Place.after;
import static io.github.invoicelock.FaultyDataSource.Place.before;
import static io.github.invoicelock.FaultyDataSource.connectionLost;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.FaultyDataSource.Crossing;
import io.github.invoicelock.FaultyDataSource.Door;
import io.github.invoicelock.FaultyDataSource.Kind;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postgresql.core.BaseConnection;

/** What the tests see that strike at the door to the database. */
class FaultyDataSourceTest {
    private static final String UPDATE = "update invoices set state = 'seen' where id = 1";

    private final TestHost host = TestHost.withInvoices(1);
    private final FaultyDataSource database = new FaultyDataSource(host.dataSource());

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.WithEveryStrategy
    void an_invoice_crosses_the_door_as_claim_lock_outcome_and_mark(LockStrategy strategy) {
        LockingInvoiceBiller server = host.running(
                host.server(database.proxy(), TestProvider.thatRemembers()).lockStrategy(strategy));
        List<Crossing> crossed = new CopyOnWriteArrayList<>();
        for (Door door : Door.values()) {
            database.strikeEach(after(door), crossed::add);
        }

        assertThat(server.billPending().billed()).isEqualTo(1);

        assertThat(crossed.stream()
                        .filter(crossing -> crossing.door() == COMMIT)
                        .map(Crossing::kinds)
                        .filter(kinds -> kinds.contains(CLAIM) || kinds.contains(OUTCOME)))
                .satisfiesExactlyInAnyOrder(
                        claim -> assertThat(claim).containsExactlyInAnyOrder(ROW_LOCK, CLAIM),
                        settlement -> assertThat(settlement).containsExactlyInAnyOrder(ROW_LOCK, OUTCOME, MARK));
        assertThat(crossed.stream().filter(Crossing::locksForTheCall)).hasSize(1);
        assertThat(crossed).extracting(Crossing::door).contains(CONNECTION, STATEMENT);
    }

    @Test
    void a_take_over_is_told_from_an_outcome() {
        TestProvider provider = TestProvider.thatRemembers().answering(BillingOutcome.notBilled("429"));
        LockingInvoiceBiller server =
                host.running(host.server(database.proxy(), provider).retryPolicy(RetryPolicy.every(Duration.ZERO, 9)));
        server.billPending();
        List<Set<Kind>> commits = new CopyOnWriteArrayList<>();
        database.strikeEach(before(COMMIT).of(TAKE_OVER, OUTCOME), crossing -> commits.add(crossing.kinds()));

        server.recover();

        assertThat(commits).containsExactly(EnumSet.of(ROW_LOCK, TAKE_OVER), EnumSet.of(ROW_LOCK, OUTCOME));
    }

    @Test
    void a_connection_lost_before_the_commit_has_done_nothing_and_after_it_everything() throws SQLException {
        database.strikeOnce(before(COMMIT), connectionLost());
        assertThatThrownBy(() -> inTransaction(UPDATE))
                .isInstanceOfSatisfying(
                        SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("08006"));
        assertThat(host.count("invoices", "state = 'seen'")).isZero();

        database.strikeOnce(after(COMMIT), connectionLost());
        assertThatThrownBy(() -> inTransaction(UPDATE)).isInstanceOf(SQLException.class);
        assertThat(host.count("invoices", "state = 'seen'")).isEqualTo(1);

        inTransaction("update invoices set state = 'struck once'");
        assertThat(host.count("invoices", "state = 'struck once'")).isEqualTo(1);
    }

    @Test
    void a_commit_in_a_text_is_a_commit() throws SQLException {
        List<Set<Kind>> commits = new CopyOnWriteArrayList<>();
        database.strikeEach(after(COMMIT), crossing -> commits.add(crossing.kinds()));

        inTransaction(UPDATE + "; commit");

        assertThat(commits.get(0)).containsExactly(MARK);
    }

    @Test
    void one_of_many_crossings_is_struck() throws SQLException {
        database.strikeAt(2, before(STATEMENT).of(MARK), connectionLost());

        inTransaction(UPDATE);

        assertThatThrownBy(() -> inTransaction(UPDATE)).isInstanceOf(SQLException.class);
        inTransaction(UPDATE);
    }

    @Test
    void the_drivers_connection_is_behind_it() throws SQLException {
        try (Connection connection = database.proxy().getConnection()) {
            assertThat(connection.isWrapperFor(BaseConnection.class)).isTrue();
            assertThat(connection.unwrap(BaseConnection.class).getTransactionState())
                    .isNotNull();
            connection.setNetworkTimeout(Runnable::run, 1_000);
            try (PreparedStatement statement = connection.prepareStatement("select 1")) {
                statement.setFetchSize(10);
                assertThat(statement.getConnection()).isSameAs(connection);
            }
        }
    }

    private void inTransaction(String sql) throws SQLException {
        try (Connection connection = database.proxy().getConnection()) {
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement(sql)) {
                statement.execute();
            }
            connection.commit();
        }
    }
}
