package io.github.invoicelock;

import static io.github.invoicelock.Reconciliation.Kind.CHARGED_TWICE;
import static io.github.invoicelock.Reconciliation.Kind.MATCHED;
import static io.github.invoicelock.Reconciliation.Kind.NOT_CHARGED;
import static io.github.invoicelock.Reconciliation.Kind.NOT_RECORDED;
import static io.github.invoicelock.Reconciliation.Kind.OTHER_AMOUNT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the provider says it charged, compared with the journal; and written back, where the journal has lost it. */
class ReconcileTest {
    private final TestHost host = TestHost.withInvoices(10);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final List<String> hooked = new ArrayList<>();
    private final LockingInvoiceBiller biller = server();
    private final Instant from = Instant.now().minus(Duration.ofHours(1));
    private final Instant to = Instant.now().plus(Duration.ofHours(1));

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void all_that_was_recorded_matches() {
        biller.billPending();

        try (Reconciliation compared = reconcile(charges())) {
            assertThat(compared).hasToString("Reconciliation{MATCHED=10}");
            assertThat(compared.findings(MATCHED)).hasSize(10);
            assertThat(compared.writeBack("ann").charges()).isZero();
        }
        assertThat(host.count("invoice_lock.provider_charge", "true"))
                .as("forgotten")
                .isZero();
    }

    @Test
    void a_charge_whose_attempt_the_journal_has_lost_is_found_by_its_key_alone() {
        biller.billPending();
        List<ProviderCharge> charges = charges();
        theDatabaseForgets("invoice_id in ('3', '4')");

        try (Reconciliation compared = reconcile(charges)) {
            assertThat(compared).hasToString("Reconciliation{MATCHED=8, NOT_RECORDED=2}");
            assertThat(compared.findings(NOT_RECORDED))
                    .extracting(Reconciliation.Finding::invoiceId)
                    .containsExactly("3", "4");
        }
    }

    @Test
    void what_is_written_back_is_marked_and_never_charged_again() {
        biller.billPending();
        List<ProviderCharge> charges = charges();
        theDatabaseForgets("true");
        hooked.clear();

        try (Reconciliation compared = reconcile(charges)) {
            assertThat(compared.writeBack("ann").charges()).isEqualTo(10);
            assertThat(compared.writeBack("ann").charges())
                    .as("what is recorded stays as it is")
                    .isZero();
        }
        assertThat(biller.billPending().seen()).isZero();
        assertThat(provider.charges()).isEqualTo(10);
        assertThat(host.count("invoices", "pending or reference is null")).isZero();
        assertThat(hooked).as("by the hook, once each").hasSize(10).doesNotHaveDuplicates();
        BillingAttempt third = biller.attempts(3).get(0);
        assertThat(third.idempotencyKey()).isEqualTo(charges.get(2).key());
        assertThat(third.reference()).isEqualTo(charges.get(2).reference());
        assertThat(third.resolvedBy()).isEqualTo("ann");
        assertThat(third.note()).contains("by the provider's list of charges");
        assertThat(reconcile(charges)).hasToString("Reconciliation{MATCHED=10}");
    }

    @Test
    void a_charge_under_a_second_key_is_written_back_under_that_key() {
        provider.answering((p, request) -> p.refuse(request));
        biller.bill(1);
        biller.retry(1);
        provider.answering(TestProvider::charge);
        biller.bill(1);
        List<ProviderCharge> charges = charges();
        assertThat(charges).hasSize(1);
        theDatabaseForgets("true");

        try (Reconciliation compared = reconcile(charges)) {
            compared.writeBack("ann");
        }

        assertThat(biller.attempts(1))
                .extracting(BillingAttempt::number, BillingAttempt::state, BillingAttempt::idempotencyKey)
                .containsExactly(org.assertj.core.api.Assertions.tuple(
                        2, AttemptState.BILLED, charges.get(0).key()));
    }

    @Test
    void an_attempt_in_doubt_is_written_back() {
        provider.answering((p, request) -> {
            p.charge(request);
            return BillingOutcome.unknown("500");
        });
        biller.bill(1);
        BillingAttempt doubtful = biller.attempts(1).get(0);

        try (Reconciliation compared = reconcile(List.of(charge(doubtful.idempotencyKey(), null, "ch_1", null)))) {
            assertThat(compared.count(NOT_RECORDED)).isEqualTo(1);
            compared.writeBack("ann");
        }

        assertThat(biller.attempts(1)).singleElement().satisfies(attempt -> {
            assertThat(attempt.id()).isEqualTo(doubtful.id());
            assertThat(attempt.reference()).isEqualTo("ch_1");
        });
        assertThat(host.pending(1)).isFalse();
    }

    @Test
    void an_invoices_id_is_enough_and_a_key_has_the_last_word() {
        try (Reconciliation compared = reconcile(List.of(
                charge(null, " 1 ", "ch_by_id", null),
                charge(null, "99", "ch_no_such_invoice", null),
                charge(null, "four", "ch_no_id", null),
                charge("another system's", null, "ch_foreign", null),
                charge("another system's", "2", "ch_foreign_with_id", null),
                charge(null, null, "ch_nothing", null)))) {
            assertThat(compared).hasToString("Reconciliation{NOT_RECORDED=1, UNKNOWN_KEY=5}");
            compared.writeBack("ann");
        }

        assertThat(host.pending(1)).isFalse();
        assertThat(host.count("invoices", "not pending")).isEqualTo(1);
    }

    @Test
    void a_lost_key_beside_its_invoices_id_needs_no_search() {
        biller.bill(1);
        String key = charges().get(0).key();
        theDatabaseForgets("true");
        host.sql("update invoices set pending = false");

        assertThat(reconcile(List.of(charge(key, "1", "ch_1", null)))).hasToString("Reconciliation{NOT_RECORDED=1}");
    }

    @Test
    void two_charges_for_one_invoice_tell_which_to_refund() {
        biller.bill(1);
        ProviderCharge recorded = charges().get(0);

        try (Reconciliation compared = reconcile(List.of(
                charge(recorded.key(), null, "ch_again", null),
                recorded,
                recorded,
                charge(null, "2", "ch_2_first", null, from),
                charge(null, "2", "ch_2_second", null)))) {
            assertThat(compared).hasToString("Reconciliation{MATCHED=1, NOT_RECORDED=1, CHARGED_TWICE=2}");
            assertThat(compared.findings(CHARGED_TWICE))
                    .extracting(Reconciliation.Finding::reference, Reconciliation.Finding::recorded)
                    .containsExactlyInAnyOrder(
                            org.assertj.core.api.Assertions.tuple("ch_again", recorded.reference()),
                            org.assertj.core.api.Assertions.tuple("ch_2_second", null));
            assertThat(compared.findings(NOT_RECORDED))
                    .extracting(Reconciliation.Finding::reference)
                    .containsExactly("ch_2_first");
        }
    }

    @Test
    void a_second_charge_that_the_journal_knows_is_to_be_refunded_until_somebody_says_that_it_was() {
        provider.answering((p, request) -> p.refuse(request));
        biller.bill(1);
        biller.retry(1);
        provider.answering(TestProvider::charge);
        biller.bill(1);
        biller.report(biller.attempts(1).get(0).idempotencyKey(), BillingOutcome.billed("ch_late"));
        List<ProviderCharge> charges = charges();

        assertThat(reconcile(charges).findings(CHARGED_TWICE))
                .extracting(Reconciliation.Finding::reference)
                .containsExactly("ch_late");
    }

    @Test
    void another_reference_alone_is_not_taken_for_a_second_charge() {
        biller.bill(1);
        ProviderCharge recorded = charges().get(0);

        assertThat(reconcile(List.of(charge(recorded.key(), null, "pi_1", null))))
                .hasToString("Reconciliation{OTHER_REFERENCE=1}");

        host.sql(
                "update invoice_lock.billing_attempt set started_at = started_at - interval '2 days', settled_at = settled_at - interval '2 days'");
        assertThat(reconcile(List.of(charge(recorded.key(), null, "ch_today", null))))
                .as("the recorded one was charged before the period")
                .hasToString("Reconciliation{CHARGED_TWICE=1}");
    }

    @Test
    void what_was_recorded_and_not_charged_is_told_only_where_its_charge_must_be_among_these() {
        biller.billPending();
        host.sql(
                "update invoice_lock.billing_attempt set started_at = now() - interval '2 hours' where invoice_id = '1'");
        host.sql(
                "update invoice_lock.billing_attempt set settled_at = now() + interval '2 hours' where invoice_id = '2'");

        try (Reconciliation compared = reconcile(List.of())) {
            assertThat(compared).hasToString("Reconciliation{NOT_CHARGED=8}");
            assertThat(compared.findings(NOT_CHARGED).findFirst().orElseThrow())
                    .satisfies(finding -> assertThat(finding.recorded()).isEqualTo(finding.reference()));
        }
    }

    @Test
    void amounts_are_compared_with_what_was_kept() {
        LockingInvoiceBiller keeping = keepingTheAmount();
        keeping.bill(1);
        keeping.bill(2);
        biller.bill(3);
        List<ProviderCharge> charges = charges().stream()
                .map(charge -> new ProviderCharge(
                        charge.key(), null, charge.reference(), new BigDecimal("1.1"), charge.time()))
                .toList();

        try (Reconciliation compared = keeping.reconcile(charges.stream(), from, to)) {
            assertThat(compared).hasToString("Reconciliation{MATCHED=2, OTHER_AMOUNT=1}");
            assertThat(compared.findings(OTHER_AMOUNT)).singleElement().satisfies(finding -> {
                assertThat(finding.invoiceId()).isEqualTo("2");
                assertThat(finding.amount()).isEqualByComparingTo("1.1");
                assertThat(finding.recordedAmount()).isEqualByComparingTo("2.20");
            });
        }
        assertThat(keeping.attempts(2).get(0).kept()).isEqualTo("{\"state\": \"open\", \"amount\": \"2.20\"}");
        assertThat(keeping.attempts(2).get(0).invoice()).isNull();
        assertThat(keeping.attempts(3).get(0).kept()).isNull();
    }

    @Test
    void another_billers_charges_are_not_ones_own() {
        host.sql("create table deposits (id bigint primary key, pending boolean not null default true); "
                + "insert into deposits select generate_series(1, 3)");
        LockingInvoiceBiller deposits = host.running(
                host.server(provider).invoices(InvoiceTable.named("deposits")).name("deposits"));
        deposits.billPending();

        assertThat(reconcile(charges())).hasToString("Reconciliation{OF_ANOTHER_BILLER=3}");
    }

    /** Invoice 1 is being called, and charged as ch_1 when the provider answers. */
    private InBackground<BillingRun> calls(LockingInvoiceBiller server, Moment answered) {
        Moment called = new Moment();
        provider.answering((p, request) -> {
            called.reach();
            answered.await();
            return BillingOutcome.billed("ch_1");
        });
        InBackground<BillingRun> run = InBackground.of(() -> server.bill(1));
        called.await();
        return run;
    }

    @Test
    void one_that_is_being_called_is_not_an_unknown_key() {
        Moment answered = new Moment();
        InBackground<BillingRun> run = calls(biller, answered);
        String key = String.valueOf(host.one("select idempotency_key from invoice_lock.billing_attempt"));
        host.sql("update invoices set pending = false where id > 1");

        assertThat(reconcile(List.of(charge(key, null, "ch_1", null)))).hasToString("Reconciliation{NOT_RECORDED=1}");

        answered.reach();
        run.result();
        assertThat(reconcile(List.of(charge(key, null, "ch_1", null)))).hasToString("Reconciliation{MATCHED=1}");
    }

    @Test
    void a_mark_that_fails_is_told_and_does_not_stop_the_others() {
        biller.billPending();
        List<ProviderCharge> charges = charges();
        theDatabaseForgets("true");
        host.sql(
                "create function refuse() returns trigger language plpgsql as $$ begin if new.id = 3 then raise exception 'no'; end if; return new; end $$; "
                        + "create trigger refuse before update on invoices for each row execute function refuse()");

        Reconciliation.WrittenBack written = reconcile(charges).writeBack("ann");

        assertThat(written.charges()).isEqualTo(10);
        assertThat(written.unmarked()).isEqualTo(1);
        assertThat(written.failures()).singleElement().asString().contains("Invoice 3");
        assertThat(biller.attempts(3).get(0).cause()).isEqualTo(AttemptCause.OWN_DATA_FAILS);
        assertThat(host.count("invoices", "pending")).isEqualTo(1);
    }

    @Test
    void a_stream_that_fails_fails_as_it_is_and_leaves_nothing_behind() {
        IllegalStateException away = new IllegalStateException("the provider's list is away");

        assertThatThrownBy(() -> biller.reconcile(
                        Stream.iterate(0, i -> i + 1).map(i -> {
                            if (i == 7_000) {
                                throw away;
                            }
                            return charge(null, "1", "ch_" + i, null);
                        }),
                        from,
                        to))
                .isSameAs(away);
        assertThat(host.count("invoice_lock.provider_charge", "true")).isZero();
    }

    @Test
    void a_list_that_is_gone_is_never_taken_for_nothing_to_do() {
        biller.billPending();
        List<ProviderCharge> charges = charges();
        theDatabaseForgets("invoice_id in ('3', '4')");
        Reconciliation compared = reconcile(charges);
        theListIsGone();

        assertThatThrownBy(() -> compared.writeBack("ann"))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("NOT_RECORDED=2")
                .hasMessageContaining("reconcile again");
        assertThatThrownBy(() -> compared.findings(MATCHED).toList())
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("reconcile again");
        assertThat(compared.findings(NOT_CHARGED)).as("there were none").isEmpty();
        assertThat(reconcile(charges).writeBack("ann").charges()).isEqualTo(2);
    }

    @Test
    void what_is_closed_can_no_longer_be_written_back() {
        Reconciliation compared = reconcile(List.of(charge(null, "1", "ch_1", null)));
        compared.close();

        assertThat(compared.count(NOT_RECORDED)).isEqualTo(1);
        assertThatThrownBy(() -> compared.writeBack("ann")).hasMessageContaining("closed");
        assertThat(host.pending(1)).isTrue();
    }

    @Test
    void a_list_that_is_lost_while_it_is_taken_is_not_compared_without_its_first_part() {
        biller.billPending();
        ProviderCharge first = charges().get(0);
        theDatabaseForgets("invoice_id = '1'");

        assertThatThrownBy(() -> biller.reconcile(
                        Stream.iterate(0, i -> i < 6_000, i -> i + 1).map(i -> {
                            if (i == 5_500) {
                                theListIsGone();
                            }
                            return i == 0 ? first : charge("another system's", null, "ch_other_" + i, null);
                        }),
                        from,
                        to))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("reconcile again");
    }

    @Test
    void a_lost_key_is_looked_for_behind_all_that_the_journal_has_of_its_invoice() {
        provider.answering((p, request) -> p.refuse(request));
        for (int refused = 1; refused <= 6; refused++) {
            biller.bill(1);
            biller.retry(1);
        }
        provider.answering(TestProvider::charge);
        biller.bill(1);
        ProviderCharge seventh = charges().get(0);
        theDatabaseForgets("number = 7");

        assertThat(reconcile(List.of(seventh))).as("pending").hasToString("Reconciliation{NOT_RECORDED=1}");
        host.sql("update invoices set pending = false where id = 1");
        try (Reconciliation compared = reconcile(List.of(charge(seventh.key(), "1", seventh.reference(), null)))) {
            assertThat(compared).as("beside its id").hasToString("Reconciliation{NOT_RECORDED=1}");
            compared.writeBack("ann");
        }

        assertThat(biller.attempts(1)).hasSize(7).last().satisfies(attempt -> {
            assertThat(attempt.number()).isEqualTo(7);
            assertThat(attempt.idempotencyKey()).isEqualTo(seventh.key());
            assertThat(attempt.reference()).isEqualTo(seventh.reference());
        });
    }

    @Test
    void one_that_another_session_holds_is_told_and_does_not_stop_the_others() throws Exception {
        Reconciliation compared = threeInDoubt();
        Connection holder = host.connection();
        holder.setAutoCommit(false);
        TestHost.execute(holder, "select 1 from invoice_lock.billing_attempt where invoice_id = '2' for update");

        Reconciliation.WrittenBack written = compared.writeBack("ann");

        assertThat(written.charges()).isEqualTo(2);
        assertThat(written.held()).isEqualTo(1);
        assertThat(written.unmarked()).isZero();
        assertThat(written.failures())
                .singleElement()
                .asString()
                .startsWith("Invoice 2 cannot be written back")
                .endsWith("Nothing was written. Try again.");
        holder.rollback();
        assertThat(compared.writeBack("ann")).hasToString("WrittenBack[charges=1, unmarked=0, held=0, failures=[]]");
    }

    @Test
    void what_ends_it_says_what_was_written_before() {
        Reconciliation compared = threeInDoubt();
        host.sql(
                "create function refuse() returns trigger language plpgsql as "
                        + "$$ begin if new.invoice_id = '2' then raise exception 'no'; end if; return new; end $$; "
                        + "create trigger refuse before update on invoice_lock.billing_attempt for each row execute function refuse()");

        assertThatThrownBy(() -> compared.writeBack("ann"))
                .isInstanceOf(DatabaseException.class)
                .hasMessageContaining("no")
                .hasMessageContaining("What was written back before it stays: charges=1, unmarked=0, held=0.");
        assertThat(host.count("invoices", "not pending")).isEqualTo(1);
    }

    @Test
    void what_is_kept_of_an_invoice_is_kept_of_one_that_is_written_back() {
        LockingInvoiceBiller keeping = keepingTheAmount();
        keeping.bill(2);
        ProviderCharge second = charges().get(0);
        theDatabaseForgets("true");
        try (Reconciliation compared = keeping.reconcile(Stream.of(second), from, to)) {
            compared.writeBack("ann");
        }

        assertThat(keeping.billed(from, to))
                .singleElement()
                .satisfies(
                        attempt -> assertThat(attempt.kept()).isEqualTo("{\"state\": \"open\", \"amount\": \"2.20\"}"));
        assertThat(keeping.reconcile(
                        Stream.of(charge(second.key(), null, second.reference(), new BigDecimal("1.1"))), from, to))
                .hasToString("Reconciliation{OTHER_AMOUNT=1}");
    }

    @Test
    void what_cannot_be_kept_does_not_keep_a_charge_from_being_written_back() {
        LockingInvoiceBiller keeping = host.running(host.server(provider)
                .invoices(InvoiceTable.named("invoices")
                        .including(
                                DSL.field("1 / (10 - amount)", BigDecimal.class).as("share"))
                        .keeping("share")));
        keeping.bill(1);
        ProviderCharge first = charges().get(0);
        theDatabaseForgets("true");
        host.sql("update invoices set amount = 10 where id = 1");

        try (Reconciliation compared = keeping.reconcile(Stream.of(first), from, to)) {
            assertThat(compared.writeBack("ann").charges()).isEqualTo(1);
        }
        assertThat(keeping.attempts(1).get(0).state()).isEqualTo(AttemptState.BILLED);
        assertThat(keeping.attempts(1).get(0).kept()).isNull();
    }

    @Test
    void what_another_biller_is_calling_is_told_as_its_own() {
        host.sql("create table deposits (id bigint primary key, pending boolean not null default true); "
                + "insert into deposits values (1)");
        LockingInvoiceBiller deposits = host.running(
                host.server(provider).invoices(InvoiceTable.named("deposits")).name("deposits"));
        Moment answered = new Moment();
        InBackground<BillingRun> run = calls(deposits, answered);
        String key = String.valueOf(host.one("select idempotency_key from invoice_lock.billing_attempt"));

        assertThat(reconcile(List.of(charge(key, null, "ch_1", null))))
                .hasToString("Reconciliation{OF_ANOTHER_BILLER=1}");

        answered.reach();
        run.result();
    }

    @Test
    void one_of_ones_own_under_a_key_of_another_system_is_written_back_by_its_invoice_alone() {
        assertThat(reconcile(List.of(charge("by hand", "1", "ch_1", null))))
                .hasToString("Reconciliation{UNKNOWN_KEY=1}");
        assertThatThrownBy(() -> biller.resolve(1, BillingOutcome.billed("ch_1"), "ann"))
                .isInstanceOfSatisfying(
                        WordRefusedException.class,
                        refused -> assertThat(refused.refusal()).isEqualTo(Refusal.NO_ATTEMPT));

        try (Reconciliation compared = reconcile(List.of(charge(null, "1", "ch_1", null)))) {
            compared.writeBack("ann");
        }
        assertThat(host.pending(1)).isFalse();
    }

    @Test
    void nothing_is_held_while_the_stream_is_asked() {
        List<Integer> held = new ArrayList<>();
        reconcile(
                charges(),
                () -> held.add(host.dataSource().getHikariPoolMXBean().getActiveConnections()));
        biller.billPending();
        reconcile(
                charges(),
                () -> held.add(host.dataSource().getHikariPoolMXBean().getActiveConnections()));

        assertThat(held).isNotEmpty().containsOnly(0);
    }

    private LockingInvoiceBiller server() {
        return host.running(host.server(provider)
                .invoices(InvoiceTable.named("invoices").storeReferenceIn("reference"))
                .onBilled((tx, attempt, reference) -> hooked.add(attempt.invoiceId())));
    }

    private LockingInvoiceBiller keepingTheAmount() {
        return host.running(host.server(provider)
                .invoices(InvoiceTable.named("invoices")
                        .storeReferenceIn("reference")
                        .keeping("state")
                        .amountIn("amount")));
    }

    private Reconciliation reconcile(List<ProviderCharge> charges) {
        return reconcile(charges, () -> {});
    }

    private Reconciliation reconcile(List<ProviderCharge> charges, Runnable meanwhile) {
        return biller.reconcile(charges.stream().peek(charge -> meanwhile.run()), from, to);
    }

    private static ProviderCharge charge(
            @Nullable String key, @Nullable String invoiceId, String reference, @Nullable BigDecimal amount) {
        return charge(key, invoiceId, reference, amount, Instant.now());
    }

    private static ProviderCharge charge(
            @Nullable String key,
            @Nullable String invoiceId,
            String reference,
            @Nullable BigDecimal amount,
            Instant time) {
        return new ProviderCharge(key, invoiceId, reference, amount, time);
    }

    /** The provider's list: all that was charged, by key and reference. */
    private List<ProviderCharge> charges() {
        List<ProviderCharge> charges = new ArrayList<>();
        try (Connection connection = host.database().dataSource().getConnection();
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "select idempotency_key, reference, settled_at from invoice_lock.billing_attempt where state = 'BILLED' order by id")) {
            while (rows.next()) {
                charges.add(charge(
                        rows.getString(1),
                        null,
                        rows.getString(2),
                        null,
                        rows.getObject(3, OffsetDateTime.class).toInstant()));
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return charges;
    }

    /** The table is unlogged: that is what a crash or a failover leaves of it. */
    private void theListIsGone() {
        host.sql("truncate invoice_lock.provider_charge");
    }

    /** Charged, and in doubt: the list has them in the order of their invoices. */
    private Reconciliation threeInDoubt() {
        provider.answering(BillingOutcome.unknown("500"));
        Stream.of(1, 2, 3).forEach(biller::bill);
        return reconcile(Stream.of(1, 2, 3)
                .map(i -> charge(null, String.valueOf(i), "ch_" + i, null, from.plusSeconds(i)))
                .toList());
    }

    /** As after a restore: what was claimed since is not there, and its invoices are pending. */
    private void theDatabaseForgets(String which) {
        host.sql(
                "update invoices set pending = true, reference = null where id::text in (select invoice_id from invoice_lock.billing_attempt where "
                        + which + ")");
        host.sql("delete from invoice_lock.billing_attempt where " + which);
    }
}
