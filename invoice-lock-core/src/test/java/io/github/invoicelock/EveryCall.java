package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.params.provider.Arguments;

/**
 * Everything that a host can ask of a biller, asked once, with every outcome and a crash: for what must work alike whatever lies between
 * the biller and its invoices, and whatever it may do there.
 */
final class EveryCall {
    private final DataSource owner;
    private final TestProvider provider = TestProvider.thatRemembers();

    private EveryCall(DataSource owner) {
        this.owner = owner;
    }

    static Stream<Arguments> everyStrategyInEveryScope() {
        return Stream.of(LockStrategy.values())
                .flatMap(strategy -> Stream.of(LockScope.values()).map(scope -> Arguments.of(strategy, scope)));
    }

    /**
     * Creates its table and fills it; the journal is up to the test.
     *
     * @param owner may create tables in the database, and see and change all of it
     */
    static EveryCall with(DataSource owner) {
        EveryCall calls = new EveryCall(owner);
        calls.sql("""
                create table invoices (id bigint primary key, pending boolean not null default true, reference text,
                                       amount numeric(12, 2) not null default 10.50)""");
        calls.sql("create index on invoices (id) where pending");
        calls.sql("insert into invoices (id) select generate_series(1, 11)");
        return calls;
    }

    TestProvider provider() {
        return provider;
    }

    /** Asks everything of a biller on this DataSource, and looks at the answers. */
    void areAnswered(DataSource app, LockStrategy strategy, LockScope scope) throws SQLException {
        areAnswered(app, app, strategy, scope);
    }

    /** The same for a host that takes invoices back on connections of another DataSource. */
    void areAnswered(DataSource app, DataSource cancelling, LockStrategy strategy, LockScope scope)
            throws SQLException {
        try (LockingInvoiceBiller biller = biller(app, strategy, scope)) {
            provider.answering((p, request) -> switch (request.invoiceId()) {
                case "2" -> BillingOutcome.declined("card_declined", "no");
                case "3" -> BillingOutcome.unknown("500");
                case "4" -> BillingOutcome.notBilled("429");
                case "5" -> BillingOutcome.accepted("dd_5", Duration.ofDays(1));
                case "10" -> {
                    assertThat(withdrawal(biller, cancelling, 10)).isEqualTo(Withdrawal.IN_FLIGHT);
                    yield p.charge(request);
                }
                case "11" -> {
                    p.charge(request);
                    yield BillingOutcome.unknown("the answer is lost");
                }
                default -> p.charge(request);
            });
            assertThat(withdrawal(biller, cancelling, 9)).isEqualTo(Withdrawal.WITHDRAWN);

            assertThat(biller.billPending().billed()).as("1, 6, 7, 8, 10").isEqualTo(5);
            assertThat(withdrawal(biller, cancelling, 1)).isEqualTo(Withdrawal.BILLED);
            // Not by the policy: a run that lasts, on a busy machine, takes up what becomes due meanwhile.
            sql("update invoice_lock.billing_attempt set due_at = now() where state in ('IN_DOUBT', 'NOT_BILLED')");
            assertThat(biller.status().due()).as("3, 4, 11").isEqualTo(3);

            itsServerDiedDuringTheCallOf(11);
            provider.answering((p, request) ->
                    request.invoiceId().equals("11") ? p.charge(request) : BillingOutcome.unknown("500"));
            BillingRun recovery = biller.recover();
            assertThat(recovery.recovered()).as("11, taken over").isGreaterThanOrEqualTo(1);
            assertThat(recovery.billed()).isEqualTo(1);
            assertThat(recovery.parked()).as("3 and 4, tried twice").isEqualTo(2);
            assertThat(biller.needsAttention())
                    .as("9 was taken back, but not set to not pending")
                    .extracting(BillingAttempt::invoiceId)
                    .containsExactlyInAnyOrder("2", "3", "4", "9");

            biller.resolve(3, BillingOutcome.billed("ch_3"), "seen in the dashboard", "Ada");
            biller.report(biller.attempts(5).get(0).idempotencyKey(), BillingOutcome.billed("dd_5"));
            provider.answering(TestProvider::charge);
            biller.retry(2);
            biller.retry(4);
            biller.retry(9);
            assertThat(biller.recover().billed()).isEqualTo(3);
            assertThat(biller.attempts(2)).hasSize(2);
            assertThat(biller.bill(1).seen()).isZero();
            assertThat(biller.needsAttention()).isEmpty();
        }
        assertThat(one("select count(*) from invoices where pending or reference is null"))
                .isEqualTo("0");
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(provider.charges()).as("all but 3 and 5").isEqualTo(9);
    }

    /** How many of its invoices are no longer pending. */
    int marked() {
        return Integer.parseInt(one("select count(*) from invoices where not pending"));
    }

    private LockingInvoiceBiller biller(DataSource app, LockStrategy strategy, LockScope scope) {
        return LockingInvoiceBiller.builder(app, provider)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .lockStrategy(strategy)
                .lockScope(scope)
                .concurrency(3)
                .retryPolicy(attempt -> attempt.state() == AttemptState.DECLINED || attempt.calls() > 1
                        ? Optional.empty()
                        : Optional.of(Duration.ofHours(1)))
                .build();
    }

    private static Withdrawal withdrawal(LockingInvoiceBiller biller, DataSource host, long invoiceId)
            throws SQLException {
        try (Connection cancelling = host.getConnection()) {
            cancelling.setAutoCommit(false);
            Withdrawal withdrawal = biller.withdraw(cancelling, invoiceId);
            cancelling.commit();
            return withdrawal;
        }
    }

    private void itsServerDiedDuringTheCallOf(long invoiceId) {
        sql("update invoice_lock.billing_attempt set state = 'STARTED', calls = 0, settled_at = null, owner = 'dead', "
                + "due_at = now() - interval '1 s', lease_until = now() - interval '1 s' where invoice_id = '"
                + invoiceId + "'");
    }

    private void sql(String sql) {
        try (Connection connection = owner.getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }

    private String one(String sql) {
        try (Connection connection = owner.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getString(1);
        } catch (SQLException e) {
            throw new IllegalStateException(sql, e);
        }
    }
}
