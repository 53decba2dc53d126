package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is settled for long may be deleted from the journal; R14 holds for every invoice that is pending, or becomes so meanwhile. */
class PruneTest {
    private static final Duration TWO_YEARS = Duration.ofDays(730);
    private static final Duration THREE_YEARS = Duration.ofDays(3 * 365);

    private final TestHost host = TestHost.withInvoices(4);
    private final TestProvider provider = TestProvider.thatRemembers();
    private final LockingInvoiceBiller biller = host.running(host.server(provider));

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void what_was_charged_or_taken_back_before_the_date_is_deleted_and_nothing_younger() throws Exception {
        try (Connection cancelling = host.connection()) {
            cancelling.setAutoCommit(false);
            biller.withdraw(cancelling, 3);
            TestHost.execute(cancelling, "update invoices set pending = false where id = 3");
            cancelling.commit();
        }
        biller.billPending();
        settledAgo(1, THREE_YEARS);
        settledAgo(2, TWO_YEARS.minusDays(1));
        settledAgo(3, THREE_YEARS);

        assertThat(prune()).isEqualTo(2);

        assertThat(biller.attempts(1)).isEmpty();
        assertThat(biller.attempts(2)).hasSize(1);
        assertThat(biller.attempts(3)).isEmpty();
        assertThat(biller.attempts(4)).hasSize(1);
        assertThat(biller.billPending().seen()).as("nothing is pending").isZero();
    }

    @ParameterizedTest
    @CsvSource({"only_pending, a view", "part, a partition"})
    void a_table_that_may_hide_what_was_charged_is_refused(String table, String kind) {
        host.sql("create view only_pending as select * from invoices where pending");
        host.sql("create table whole (id bigint primary key, pending boolean not null) partition by range (id)");
        host.sql("create table part partition of whole for values from (0) to (100)");
        host.sql("insert into whole select id, pending from invoices");
        host.sql("truncate invoice_lock.biller");
        LockingInvoiceBiller ofTheTable =
                host.running(host.server(provider).name(table).invoices(InvoiceTable.named(table)));
        ofTheTable.billPending();
        host.sql("update invoice_lock.billing_attempt set settled_at = settled_at - interval '3 years'");

        assertThatThrownBy(() -> InvoiceLockSchema.prune(
                        host.database().dataSource(), ofTheTable, Instant.now().minus(TWO_YEARS)))
                .isInstanceOf(SetupException.class)
                .hasMessageContaining("is " + kind)
                .hasMessageContaining("Keep the journal as it is");
        assertThat(ofTheTable.attempts(1)).hasSize(1);
    }

    @ParameterizedTest(name = "{0}: {2} stay")
    @CsvSource(delimiter = '|', textBlock = """
            charged                             | 1 BILLED settled old                                            | 0
            taken back                          | 1 WITHDRAWN settled old                                         | 0
            charged after a refusal             | 1 DECLINED settled old, 2 BILLED settled old                    | 0
            charged, to be marked               | 1 BILLED due old                                                | 1
            charged lately                      | 1 BILLED settled young                                          | 1
            refused, parked or decided          | 1 DECLINED settled old                                          | 1
            in doubt, parked                    | 1 IN_DOUBT settled old                                          | 1
            being called                        | 1 STARTED due old                                               | 1
            charged twice, the second lately    | 1 BILLED settled old, 2 BILLED settled young                    | 2
            charged, a later key in doubt       | 1 BILLED settled old, 2 IN_DOUBT due old                        | 2
            charged, a later key parked         | 1 BILLED settled old, 2 DECLINED settled old                    | 2
            refused lately, charged before that | 1 DECLINED settled young, 2 BILLED settled old                  | 2
            """)
    void all_attempts_of_an_invoice_are_deleted_or_none(String what, String attempts, int stay) {
        host.sql("update invoices set pending = false");
        for (String attempt : attempts.split(", ", -1)) {
            String[] is = attempt.split(" ", -1);
            host.sql(
                    "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, due_at, owner, "
                            + "started_at, settled_at) values ('invoices', '1', " + is[0] + ", 'k" + is[0] + "', '"
                            + is[1] + "', "
                            + (is[2].equals("due") ? "now()" : "null")
                            + ", 'x', now() - interval '4 years', now() - interval '"
                            + (is[3].equals("old") ? "3 years" : "1 year") + "')");
        }

        prune();

        assertThat(host.count("invoice_lock.billing_attempt", "true")).as(what).isEqualTo(stay);
    }

    @Test
    void an_invoice_that_is_pending_keeps_its_attempts_and_is_not_charged_again_R14() {
        biller.billPending();
        host.sql("update invoices set pending = true where id = 1");
        settledAgo(1, THREE_YEARS);
        settledAgo(2, THREE_YEARS);

        assertThat(prune()).as("2 alone").isEqualTo(1);

        biller.billPending();
        assertThat(provider.chargesOf(1)).isEqualTo(1);
        assertThat(biller.attempts(1)).hasSize(1);
    }

    @Test
    void an_invoice_that_is_being_set_back_to_pending_just_then_keeps_its_attempts_R14() {
        biller.billPending();
        settledAgo(1, THREE_YEARS);
        provider.forgetKeys();
        Connection settingBack = host.holding(1);
        TestHost.execute(settingBack, "update invoices set pending = true where id = 1");

        assertThat(prune()).isZero();

        TestHost.execute(settingBack, "commit");
        biller.billPending();
        assertThat(provider.chargesOf(1)).isEqualTo(1);
    }

    @Test
    void no_invoice_can_be_set_back_to_pending_between_the_look_at_it_and_the_deletion_R14() throws Exception {
        biller.billPending();
        settledAgo(1, THREE_YEARS);
        Connection other = host.connection();
        other.setAutoCommit(false);
        TestHost.execute(other, "select 1 from invoice_lock.billing_attempt where invoice_id = '1' for update");

        InBackground<Long> pruning = InBackground.of(this::prune);

        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("pg_stat_activity", "wait_event_type = 'Lock'") == 1);
        assertThatThrownBy(() -> host.sql("select 1 from invoices where id = 1 for no key update nowait"))
                .as("what every update of the row takes first")
                .hasRootCauseMessage("ERROR: could not obtain lock on row in relation \"invoices\"");
        TestHost.execute(other, "rollback");
        assertThat(pruning.result()).isEqualTo(1);
    }

    @Test
    void an_attempt_that_a_person_releases_just_then_stays_with_those_before_it() throws Exception {
        host.sql("update invoices set pending = false");
        host.sql(
                "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, owner, started_at, settled_at) "
                        + "select 'invoices', '1', n, 'k' || n, case n when 1 then 'DECLINED' else 'WITHDRAWN' end, 'x', "
                        + "now() - interval '3 years', now() - interval '3 years' from generate_series(1, 2) n");
        Connection releasing = host.connection();
        releasing.setAutoCommit(false);
        TestHost.execute(
                releasing,
                "update invoice_lock.billing_attempt set state = 'NOT_BILLED', due_at = now() where number = 2");
        InBackground<Long> pruning = InBackground.of(this::prune);
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count("pg_stat_activity", "wait_event_type = 'Lock'") == 1);

        TestHost.execute(releasing, "commit");

        assertThat(pruning.result()).isZero();
        assertThat(biller.attempts(1)).hasSize(2);
    }

    @Test
    void an_invoice_that_is_gone_from_the_table_leaves_the_journal_too() {
        biller.billPending();
        settledAgo(1, THREE_YEARS);
        host.sql("delete from invoices where id = 1");

        assertThat(prune()).isEqualTo(1);
    }

    @Test
    void a_long_journal_is_pruned_page_by_page_and_other_billers_keep_theirs() {
        host.sql("insert into invoices (id, pending) select g, g % 3 = 0 from generate_series(101, 3100) g");
        for (String name : List.of("invoices", "others")) {
            host.sql(
                    "insert into invoice_lock.billing_attempt (biller, invoice_id, number, idempotency_key, state, owner, started_at, settled_at) "
                            + "select '" + name + "', g, 1, md5(g || '" + name
                            + "'), 'BILLED', 'x', now() - interval '3 years', now() - interval '3 years' "
                            + "from generate_series(101, 3100) g");
        }

        assertThat(prune()).isEqualTo(2_000);

        assertThat(host.count("invoice_lock.billing_attempt", "biller = 'invoices'"))
                .as("pending")
                .isEqualTo(1_000);
        assertThat(host.count("invoice_lock.billing_attempt", "biller = 'others'"))
                .isEqualTo(3_000);
        assertThat(prune()).as("nothing is left to do").isZero();
    }

    @Test
    void a_date_of_today_is_refused() {
        assertThatThrownBy(() -> InvoiceLockSchema.prune(
                        host.dataSource(), biller, Instant.now().minus(Duration.ofHours(23))))
                .isInstanceOf(SetupException.class)
                .hasMessageStartingWith("settledBefore is ")
                .hasMessageContaining("it must be at least 24 hours before the database's clock")
                .hasMessageContaining("Say e.g. ");
    }

    @Test
    void another_database_than_the_billers_is_refused() {
        try (TestHost elsewhere = new TestHost()) {
            assertThatThrownBy(() -> InvoiceLockSchema.prune(elsewhere.dataSource(), biller, twoYearsAgo()))
                    .isInstanceOf(SetupException.class)
                    .hasMessageContaining(
                            "Give InvoiceLockSchema.prune a DataSource that leads to the biller's own database.");
        }
    }

    private long prune() {
        return InvoiceLockSchema.prune(host.dataSource(), biller, twoYearsAgo());
    }

    private static Instant twoYearsAgo() {
        return Instant.now().minus(TWO_YEARS);
    }

    private void settledAgo(long invoiceId, Duration time) {
        host.letTimePass(invoiceId, time);
        host.sql("update invoice_lock.billing_attempt set settled_at = settled_at - interval '" + time.toDays()
                + " days' where invoice_id = '" + invoiceId + "'");
    }
}
