package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.condition;

import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** One invoice has one name: what is in doubt under a biller's name is never charged again under another, or under the same for another. */
class BillerRegistryTest {
    private final TestHost host = TestHost.withInvoices(2);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @TestFactory
    Stream<DynamicTest> a_second_name_over_the_same_rows_is_refused_however_they_are_named() {
        host.sql("create view invoices_view as select * from invoices");
        host.sql("create view view_of_the_view as select * from invoices_view where amount > 0");
        host.sql("create table first_part (id bigint primary key, pending boolean not null default true)");
        host.sql("create table parent (id bigint not null, pending boolean, primary key (id)) partition by range (id)");
        host.sql("create table part_1 partition of parent for values from (0) to (100)");
        host.sql("create table part_2 partition of parent for values from (100) to (200)");
        host.sql("create table child (primary key (id)) inherits (first_part)");
        host.sql("create table customers (id bigint primary key, pending boolean, blocked boolean)");
        String notBlocked = " where not exists (select from customers c where c.id = i.id and c.blocked)";
        host.sql("create view of_invoices as select * from invoices i" + notBlocked);
        host.sql("create view of_first_part as select * from first_part i" + notBlocked);
        host.sql("create view of_a_query as select * from (select * from invoices limit 9) i");
        host.sql("create view of_a_with as with i as (select * from invoices) select * from i");
        host.sql(
                "create view of_both as select id, pending from invoices union all select id, pending from first_part");
        Stream.of("of_a_query", "of_a_with", "of_both").forEach(this::writable);
        return Stream.of(
                pair("of_invoices", "of_first_part", false),
                pair("customers", "of_invoices", false),
                pair("of_invoices", "customers", false),
                pair("of_invoices", "invoices", true),
                pair("of_invoices", "invoices_view", true),
                pair("invoices", "of_a_query", true),
                pair("of_a_with", "invoices", true),
                pair("of_both", "first_part", true),
                pair("of_invoices", "of_both", true),
                pair("invoices", "invoices", true),
                pair("invoices", "invoices_view", true),
                pair("invoices_view", "invoices", true),
                pair("invoices", "view_of_the_view", true),
                pair("invoices_view", "view_of_the_view", true),
                pair("parent", "part_1", true),
                pair("part_1", "parent", true),
                pair("part_1", "part_2", false),
                pair("first_part", "child", true),
                pair("child", "first_part", true),
                pair("invoices", "first_part", false));
    }

    private void writable(String view) {
        host.sql("create or replace function written() returns trigger language plpgsql as 'begin return new; end'");
        host.sql("create trigger written instead of update on " + view + " for each row execute function written()");
    }

    private DynamicTest pair(String first, String second, boolean refused) {
        return DynamicTest.dynamicTest(first + " and " + second, () -> {
            host.sql("truncate invoice_lock.biller");
            host.server(provider)
                    .name("one")
                    .invoices(InvoiceTable.named(first))
                    .build()
                    .close();
            LockingInvoiceBiller.Builder other =
                    host.server(provider).name("two").invoices(InvoiceTable.named(second));
            if (refused) {
                assertThatThrownBy(other::build)
                        .isInstanceOf(SetupException.class)
                        .hasMessageContaining("The biller \"one\" bills the same pending invoices")
                        .hasMessageContaining("Use one name on every server");
            } else {
                assertThatCode(() -> other.build().close()).doesNotThrowAnyException();
            }
        });
    }

    @Test
    void a_condition_that_is_written_otherwise_makes_no_other_invoices() {
        InvoiceTable open = InvoiceTable.named("invoices").onBilledSet("state", "paid");
        host.running(host.server(provider).name("one").invoices(open.pendingWhen(condition("state='open'"))));

        assertThatThrownBy(() -> host.server(provider)
                        .name("two")
                        .invoices(open.pendingWhen(condition("state = 'open'")))
                        .build())
                .hasMessageContaining("The biller \"one\" bills the same pending invoices");
        InvoiceTable ofAView = InvoiceTable.named("invoices_view");
        host.sql("create view invoices_view as select * from invoices");
        assertThatThrownBy(() -> host.server(provider)
                        .name("two")
                        .invoices(ofAView.billableWhen(condition("amount > 1")))
                        .build())
                .hasMessageContaining("The biller \"one\" bills the same pending invoices");
    }

    @Test
    void what_becomes_the_same_rows_later_is_refused_when_the_server_starts_again() {
        host.sql("create table apart (id bigint not null primary key, pending boolean)");
        host.sql("create table parent (id bigint not null primary key, pending boolean) partition by range (id)");
        host.server(provider)
                .name("one")
                .invoices(InvoiceTable.named("apart"))
                .build()
                .close();
        LockingInvoiceBiller.Builder two = host.server(provider).name("two").invoices(InvoiceTable.named("parent"));
        two.build().close();
        host.sql("alter table parent attach partition apart for values from (0) to (100)");

        assertThatThrownBy(two::build).hasMessageContaining("The biller \"one\" bills the same pending invoices");
    }

    @Test
    void a_renamed_table_keeps_its_name_and_its_keys_without_a_word() {
        provider.answering(BillingOutcome.unknown("500"));
        LockingInvoiceBiller before = host.running(host.server(provider).name("bills"));
        before.billPending();
        before.close();
        host.sql("create schema archive");
        host.sql("alter table invoices rename to charges");
        host.sql("alter table charges set schema archive");

        LockingInvoiceBiller after =
                host.running(host.server(provider).name("bills").invoices(InvoiceTable.named("archive", "charges")));
        host.letTimePass(1, Duration.ofMinutes(1));
        provider.answering(TestProvider::charge);
        after.recover();

        assertThat(host.one("select invoices from invoice_lock.biller")).isEqualTo("\"archive\".\"charges\"");
        assertThat(provider.requests().stream()
                        .filter(request -> request.invoiceId().equals("1"))
                        .map(BillingRequest::idempotencyKey)
                        .distinct())
                .hasSize(1);
    }

    @Test
    void a_table_that_was_restored_from_a_dump_keeps_its_name() {
        host.server(provider).name("bills").build().close();
        host.sql("create table restored (like invoices including all)");
        host.sql("drop table invoices");
        host.sql("alter table restored rename to invoices");

        host.server(provider).name("bills").build().close();

        assertThat(host.one("select invoices_oid = 'invoices'::regclass::oid from invoice_lock.biller"))
                .isEqualTo("t");
    }

    @Test
    void a_name_that_stands_for_another_table_is_refused_with_the_way_to_keep_it() {
        host.sql("create table others (like invoices including all)");
        host.server(provider).name("bills").build().close();
        LockingInvoiceBiller.Builder others =
                host.server(provider).name("bills").invoices(InvoiceTable.named("others"));

        assertThatThrownBy(others::build)
                .hasMessageContaining(
                        "The name \"bills\" stands for table \"public\".\"invoices\", not for \"public\".\"others\"")
                .hasMessageContaining("keep the name")
                .hasMessageContaining(
                        "update \"invoice_lock\".\"biller\" set invoices = '\"public\".\"others\"' where name = 'bills'")
                .hasMessageNotContaining("Give this biller a name of its own");
        host.sql("update \"invoice_lock\".\"biller\" set invoices = '\"public\".\"others\"' where name = 'bills'");
        others.build().close();
    }
}
