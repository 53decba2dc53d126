package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.docs.OperationsSnippets;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What docs/operations.md promises to whoever follows it, and the limits that it names. */
class OperationsTest {
    private final TestHost host = TestHost.withInvoices(1);

    @AfterEach
    void close() {
        host.close();
    }

    /** The database is put back to a point before the charge. */
    private void restored() {
        host.sql("truncate invoice_lock.billing_attempt");
        host.sql("update invoices set pending = true, reference = null");
    }

    @Test
    void after_a_restore_beyond_the_providers_memory_a_plain_run_charges_again() {
        TestProvider provider = TestProvider.thatRemembers();
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();
        restored();
        provider.forgetKeys();

        server.billPending();

        assertThat(provider.chargesOf(1))
                .as("the limit that the page warns of; should it fall, mend the page")
                .isEqualTo(2);
    }

    @Test
    void after_a_restore_what_the_ledger_shows_is_written_back_and_not_charged_again() throws Exception {
        TestProvider provider = TestProvider.thatRemembers();
        LockingInvoiceBiller server = host.running(
                host.server(provider).invoices(InvoiceTable.named("invoices").storeReferenceIn("reference")));
        server.billPending();
        String key = server.attempts(1).get(0).idempotencyKey();
        restored();
        provider.forgetKeys();

        List<Reconciliation.Finding> left = OperationsSnippets.afterARestore(
                server,
                Stream.of(
                        new ProviderCharge(key, null, "ch_ledger", null, Instant.now()),
                        new ProviderCharge("by hand", null, "ch_by_hand", null, Instant.now())),
                Instant.now().minus(Duration.ofHours(1)),
                "ann");

        assertThat(left).extracting(Reconciliation.Finding::reference).containsExactly("ch_by_hand");

        assertThat(server.billPending().seen()).isZero();
        assertThat(provider.chargesOf(1)).isEqualTo(1);
        assertThat(host.pending(1)).isFalse();
        assertThat(host.one("select reference from invoices")).isEqualTo("ch_ledger");
        assertThat(server.attempts(1))
                .extracting(BillingAttempt::idempotencyKey)
                .containsExactly(key);
    }

    @Test
    void a_days_charges_are_exported_and_one_of_them_is_found_by_its_reference() throws Exception {
        LockingInvoiceBiller server = host.running(host.server(TestProvider.thatRemembers())
                .invoices(InvoiceTable.named("invoices").keeping("amount")));
        server.billPending();
        String reference = String.valueOf(server.attempts(1).get(0).reference());
        StringBuilder out = new StringBuilder();

        OperationsSnippets.export(server, LocalDate.now(ZoneOffset.UTC), ZoneOffset.UTC, out);

        assertThat(out).hasToString("1;" + reference + ";{\"amount\": \"1.10\"}\n");
        assertThat(OperationsSnippets.ofReference(server, reference))
                .extracting(BillingAttempt::invoiceId)
                .containsExactly("1");
    }

    @Ways.InEveryScope
    void after_a_restore_a_gateway_that_asks_first_charges_nothing_again(LockScope scope) {
        TestProvider.Askable provider = TestProvider.thatCanBeAsked();
        host.running(host.server(provider).lockScope(scope)).billPending();
        restored();

        host.sql("insert into invoices (id) values (2)");
        BillingRun run = host.running(host.server(new OperationsSnippets.AskingFirst(provider))
                        .lockScope(scope))
                .billPending();

        assertThat(run.billed()).isEqualTo(2);
        assertThat(provider.chargesOf(1)).isEqualTo(1);
        assertThat(provider.chargesOf(2)).isEqualTo(1);
    }

    @Test
    void a_refused_invoice_that_is_withdrawn_is_off_the_list_and_may_be_retried_under_a_new_key() throws Exception {
        TestProvider provider = TestProvider.thatRemembers().answering(TestProvider::refuse);
        LockingInvoiceBiller server = host.running(host.server(provider));
        server.billPending();
        withdrawn(server);

        assertThat(server.needsAttention()).isEmpty();
        assertThat(host.count("invoice_lock.needs_attention", "true")).isZero();
        BillingAttempt refused = server.attempts(1).get(0);
        assertThat(refused.state()).isEqualTo(AttemptState.DECLINED);
        assertThat(refused.resolvedBy()).isEqualTo("the host");
        assertThat(refused.note()).endsWith("the host: withdrawn");
        assertThat(refused.message()).as("the provider's").isEqualTo("no money");
        assertThat(server.billPending().seen()).isZero();
        provider.answering(TestProvider::charge);
        server.retry(1);

        assertThat(server.recover().billed()).isEqualTo(1);
        assertThat(provider.requests())
                .extracting(BillingRequest::idempotencyKey)
                .doesNotHaveDuplicates()
                .hasSize(2);
    }

    @Test
    void a_refused_invoice_that_is_withdrawn_after_its_retry_was_scheduled_is_not_tried_again() throws Exception {
        TestProvider provider = TestProvider.thatRemembers().answering(TestProvider::refuse);
        LockingInvoiceBiller server = host.running(
                host.server(provider).retryPolicy(attempt -> java.util.Optional.of(Duration.ofSeconds(1))));
        server.bill(1);
        withdrawn(server);
        host.letTimePass(1, Duration.ofMinutes(1));

        assertThat(server.billPending().seen()).isZero();
        assertThat(server.needsAttention()).isEmpty();
        assertThat(provider.requests()).hasSize(1);
    }

    private void withdrawn(LockingInvoiceBiller server) throws Exception {
        try (Connection connection = host.connection()) {
            connection.setAutoCommit(false);
            assertThat(server.withdraw(connection, 1)).isEqualTo(Withdrawal.WITHDRAWN);
            connection.commit();
        }
    }

    private static final InvoiceTable TOLD_OF_REFUSALS =
            InvoiceTable.named("invoices").onDeclinedSet("state", "refused");

    @Test
    void a_report_of_a_refusal_while_the_host_holds_the_row_is_journaled_at_once_and_marked_later() throws Exception {
        TestProvider provider =
                TestProvider.thatRemembers().answering(BillingOutcome.accepted("dd_1", Duration.ofDays(1)));
        LockingInvoiceBiller server = host.running(host.server(provider).invoices(TOLD_OF_REFUSALS));
        server.billPending();
        String key = server.attempts(1).get(0).idempotencyKey();
        Connection holder = host.holding(1);

        server.report(key, BillingOutcome.declined("AC04", "account closed"));

        assertThat(host.state(1)).isEqualTo("DECLINED");
        host.letTimePass(1, Duration.ofMinutes(1));
        assertThat(server.recover().contended()).as("still held").isEqualTo(1);
        holder.rollback();
        assertThat(server.recover().declined()).isEqualTo(1);
        assertThat(host.one("select state from invoices")).isEqualTo("refused");
        assertThat(server.attempts(1)).extracting(BillingAttempt::message).containsExactly("account closed");
        assertThat(server.needsAttention()).as("the host knows by its column").isEmpty();
        assertThat(provider.requests()).as("no new key").hasSize(1);
    }

    @Ways.WithEveryStrategy
    void while_the_table_is_being_altered_a_run_ends_with_an_error_that_names_55p03(LockStrategy strategy)
            throws Exception {
        TestProvider provider = TestProvider.thatRemembers();
        LockingInvoiceBiller server = host.running(host.server(provider).lockStrategy(strategy));
        Connection altering = host.connection();
        altering.setAutoCommit(false);
        TestHost.execute(altering, "alter table invoices add column more text");

        assertThatThrownBy(server::billPending)
                .isInstanceOf(BillingRunException.class)
                .hasMessageStartingWith("A lock was not free within lock_timeout (SQLSTATE 55P03)")
                .hasMessageContaining(". The run ended with: billed=0")
                .cause()
                .isInstanceOfSatisfying(
                        DatabaseException.class, e -> assertThat(e.sqlState()).isEqualTo("55P03"));
        altering.rollback();

        assertThat(server.billPending().billed()).isEqualTo(1);
    }

    @Ways.InEveryScope
    void a_refusal_whose_row_the_host_holds_just_then_is_marked_by_a_later_run(LockScope scope) throws Exception {
        TestProvider provider = TestProvider.thatRemembers();
        LockingInvoiceBiller server = refusedWhileHeld(provider, scope);
        host.letTimePass(1, Duration.ofMinutes(1));

        BillingRun run = server.billPending();

        assertThat(run.declined()).isEqualTo(1);
        assertThat(run.recovered()).isEqualTo(1);
        assertThat(run.parked()).as("the host knows by its column").isZero();
        assertThat(host.one("select state from invoices")).isEqualTo("refused");
        assertThat(server.attempts(1)).extracting(BillingAttempt::code).containsExactly("card_declined");
        assertThat(provider.requests()).as("no new key").hasSize(1);
        assertThat(server.billPending().seen()).isZero();
    }

    @Test
    void a_refusal_is_marked_by_bill_too() throws Exception {
        LockingInvoiceBiller server = refusedWhileHeld(TestProvider.thatRemembers(), LockScope.CLAIM_ONLY);

        assertThat(server.bill(1).declined()).isEqualTo(1);

        assertThat(host.one("select state from invoices")).isEqualTo("refused");
    }

    @Test
    void a_refusal_that_is_retried_before_it_was_marked_gets_a_new_key_and_no_mark() throws Exception {
        TestProvider provider = TestProvider.thatRemembers();
        LockingInvoiceBiller server = refusedWhileHeld(provider, LockScope.CLAIM_ONLY);
        provider.answering(TestProvider::charge);

        server.retry(1);

        assertThat(server.recover().billed()).isEqualTo(1);
        assertThat(server.attempts(1)).hasSize(2);
        assertThat(host.one("select state from invoices")).isEqualTo("open");
    }

    @Test
    void a_late_mark_of_a_refusal_leaves_an_invoice_alone_that_the_host_has_taken_back() throws Exception {
        LockingInvoiceBiller server = refusedWhileHeld(TestProvider.thatRemembers(), LockScope.CLAIM_ONLY);
        host.sql("update invoices set pending = false, state = 'paid by transfer'");
        host.letTimePass(1, Duration.ofMinutes(1));

        assertThat(server.recover().declined()).isEqualTo(1);

        assertThat(host.one("select state from invoices")).isEqualTo("paid by transfer");
    }

    @Ways.InEveryScope
    void a_mark_of_a_refusal_that_the_database_refuses_hides_no_refusal_and_is_made_up_for(LockScope scope) {
        TestProvider provider = TestProvider.thatRemembers().answering(TestProvider::refuse);
        host.sql("alter table invoices add constraint never_refused check (state <> 'refused')");
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).invoices(TOLD_OF_REFUSALS));

        assertThat(server.billPending().declined()).isEqualTo(1);
        assertThat(host.state(1)).isEqualTo("DECLINED");
        host.letTimePass(1, Duration.ofMinutes(2));
        assertThat(server.recover().parked()).as("tried and set aside again").isEqualTo(1);
        assertThat(server.needsAttention()).singleElement().satisfies(setAside -> {
            assertThat(setAside.cause()).isEqualTo(AttemptCause.OWN_DATA_FAILS);
            assertThat(setAside.message()).contains("no money").contains("never_refused");
        });
        assertThat(server.recover().seen()).as("put off").isZero();
        host.sql("alter table invoices drop constraint never_refused");
        host.letTimePass(1, Duration.ofMinutes(2));
        server.recover();

        assertThat(host.one("select state from invoices")).isEqualTo("refused");
        assertThat(provider.requests()).hasSize(1);
    }

    /** The host has committed its transaction since; nothing has been marked yet. */
    private LockingInvoiceBiller refusedWhileHeld(TestProvider provider, LockScope scope) throws Exception {
        List<Connection> holders = new ArrayList<>();
        provider.answering((p, request) -> {
            if (scope == LockScope.THROUGH_CALL) {
                // Only a lost connection lets go of the row before the refusal is settled.
                host.one("select pg_terminate_backend(pid, 5000) from pg_stat_activity "
                        + "where state = 'idle in transaction' and datname = current_database()");
            }
            holders.add(host.holding(1));
            return p.refuse(request);
        });
        LockingInvoiceBiller server =
                host.running(host.server(provider).lockScope(scope).invoices(TOLD_OF_REFUSALS));
        try {
            server.billPending();
            assertThat(scope).isEqualTo(LockScope.CLAIM_ONLY);
        } catch (BillingRunException e) {
            assertThat(scope).as(e.getMessage()).isEqualTo(LockScope.THROUGH_CALL);
        }
        holders.get(0).rollback();
        assertThat(host.state(1)).isEqualTo("DECLINED");
        assertThat(host.one("select state from invoices")).isEqualTo("open");
        return server;
    }

    @Test
    void a_refusal_that_a_person_writes_sets_the_column() {
        LockingInvoiceBiller server = inDoubt();

        server.resolve(1, BillingOutcome.declined("card_declined", "no"), "the dashboard says so");

        assertThat(host.state(1)).isEqualTo("DECLINED");
        assertThat(host.one("select state from invoices")).isEqualTo("refused");
        assertThat(server.needsAttention()).isEmpty();
    }

    @Test
    void a_refusal_that_a_person_writes_while_the_host_holds_the_row_sets_the_column_later() throws Exception {
        LockingInvoiceBiller server = inDoubt();
        Connection holder = host.holding(1);

        server.resolve(1, BillingOutcome.declined("card_declined", "no"), "the dashboard says so", "Ada");

        assertThat(host.state(1)).isEqualTo("DECLINED");
        assertThat(server.attempts(1).get(0).resolvedBy()).isEqualTo("Ada");
        holder.rollback();
        host.letTimePass(1, Duration.ofMinutes(1));
        server.recover();
        assertThat(host.one("select state from invoices")).isEqualTo("refused");
        assertThat(server.needsAttention()).isEmpty();
    }

    @Test
    void a_person_who_takes_a_refusal_off_the_list_overwrites_nothing_that_the_host_has_set_since() {
        TestProvider provider = TestProvider.thatRemembers().answering(TestProvider::refuse);
        LockingInvoiceBiller server = host.running(host.server(provider).invoices(TOLD_OF_REFUSALS));
        server.billPending();
        host.sql("update invoices set state = 'paid by transfer'");

        server.resolve(1, BillingOutcome.declined("card_declined", "no"), "paid by transfer");

        assertThat(server.needsAttention()).isEmpty();
        assertThat(host.one("select state from invoices")).isEqualTo("paid by transfer");
    }

    @Test
    void a_charge_that_a_person_writes_while_the_host_holds_the_row_keeps_who_and_why() throws Exception {
        LockingInvoiceBiller server = inDoubt();
        Connection holder = host.holding(1);

        server.resolve(1, BillingOutcome.billed("ch_1"), "the dashboard says so", "Ada");

        assertThat(host.state(1)).isEqualTo("BILLED");
        assertThat(server.attempts(1).get(0).resolvedBy()).isEqualTo("Ada");
        holder.rollback();
        host.letTimePass(1, Duration.ofMinutes(1));
        server.recover();
        assertThat(host.pending(1)).isFalse();
    }

    private LockingInvoiceBiller inDoubt() {
        TestProvider provider = TestProvider.thatOffersNothing().answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller server = host.running(host.server(provider).invoices(TOLD_OF_REFUSALS));
        server.billPending();
        return server;
    }

    @Test
    void a_refused_attempt_whose_kept_snapshot_was_erased_as_security_says_can_still_be_retried() {
        TestProvider provider = TestProvider.thatRemembers().answering(BillingOutcome.declined("card_declined", "no"));
        LockingInvoiceBiller server = host.running(host.server(provider).keepSnapshots());
        server.billPending();
        assertThat(server.attempts(1).get(0).invoice()).isNotNull();
        host.sql("update invoice_lock.billing_attempt set settled_at = settled_at - interval '91 days'");

        host.sql(Docs.page("docs/security.md").blocks().stream()
                .map(Docs.Block::code)
                .filter(code -> code.startsWith("update invoice_lock.billing_attempt"))
                .findFirst()
                .orElseThrow());
        assertThat(server.attempts(1).get(0).invoice()).isNull();
        server.retry(1);
        provider.answering(TestProvider::charge);

        assertThat(server.recover().billed()).isEqualTo(1);
    }

    @Test
    void a_table_that_is_renamed_keeps_its_name_in_the_journal_and_its_keys() {
        TestProvider provider = TestProvider.thatRemembers().answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller before = host.running(host.server(provider));
        before.billPending();
        before.close();
        host.sql("create schema new_schema");
        host.sql("alter table invoices set schema new_schema");
        host.sql("alter table new_schema.invoices rename to new_table");

        LockingInvoiceBiller server =
                host.running(host.server(provider).invoices(InvoiceTable.named("new_schema", "new_table")));
        host.letTimePass(1, Duration.ofMinutes(1));
        provider.answering(TestProvider::charge);

        assertThat(server.recover().billed()).isEqualTo(1);
        assertThat(provider.requests())
                .extracting(BillingRequest::idempotencyKey)
                .hasSize(2)
                .containsOnly(server.attempts(1).get(0).idempotencyKey());
    }

    @Test
    void a_journal_that_is_renamed_keeps_its_keys() {
        TestProvider provider = TestProvider.thatRemembers();
        LockingInvoiceBiller before = host.running(host.server(provider));
        before.billPending();
        String key = before.attempts(1).get(0).idempotencyKey();
        before.close();
        host.sql("alter schema invoice_lock rename to billing_journal");

        InvoiceLockSchema.migrate(host.dataSource(), "billing_journal");
        LockingInvoiceBiller server = host.running(host.server(provider).journalSchema("billing_journal"));

        assertThat(server.attempts(1))
                .extracting(BillingAttempt::idempotencyKey)
                .containsExactly(key);
        assertThat(server.billPending().seen()).isZero();
    }

    @Test
    void an_accepted_debit_of_the_old_way_can_be_handed_over() throws Exception {
        TestProvider.Askable provider = TestProvider.thatRemembersAndCanBeAsked();
        LockingInvoiceBiller server = host.running(host.server(provider));
        try (Connection connection = host.connection()) {
            connection.setAutoCommit(false);
            server.withdraw(connection, 1);
            connection.commit();
        }

        server.resolve(1, BillingOutcome.accepted("dd_old", Duration.ofDays(1)), "from the old way");
        provider.finding(request -> BillingOutcome.billed("dd_old"));
        host.letTimePass(1, Duration.ofDays(1));

        assertThat(server.billPending().billed()).isEqualTo(1);
        assertThat(provider.requests()).as("sent").isEmpty();
        assertThat(host.pending(1)).isFalse();
    }
}
