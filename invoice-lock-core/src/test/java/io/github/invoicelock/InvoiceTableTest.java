package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.jooq.impl.DSL.condition;
import static org.jooq.impl.DSL.field;
import static org.jooq.impl.DSL.name;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.math.BigDecimal;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Any table of invoices. */
class InvoiceTableTest {
    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    static Stream<Arguments> ids() {
        return Stream.of(
                arguments("bigint", "9007199254740993", "9007199254740993"),
                arguments("integer", "42", "42"),
                arguments("smallint", "7", "7"),
                arguments("uuid", "'3F0C0000-0000-4000-8000-00000000000A'", "3f0c0000-0000-4000-8000-00000000000a"),
                arguments("text", "'R-1/ä ''quoted'''", "R-1/ä 'quoted'"),
                arguments("varchar(20)", "'  spaced '", "  spaced "),
                arguments("invoice_number", "5", "5"));
    }

    @ParameterizedTest
    @MethodSource("ids")
    void ids_of_every_type(String type, String literal, String id) {
        host.sql("create domain invoice_number as bigint check (value > 0)");
        host.sql("create table bills (id " + type + " primary key, pending boolean)");
        host.sql("insert into bills values (" + literal + ", true)");
        InvoiceTable table = InvoiceTable.named("bills");
        for (LockStrategy strategy : LockStrategy.values()) {
            for (LockScope scope : LockScope.values()) {
                host.sql("truncate invoice_lock.billing_attempt; update bills set pending = true");
                LockingInvoiceBiller server = host.running(host.server(provider)
                        .name("bills")
                        .invoices(table)
                        .lockStrategy(strategy)
                        .lockScope(scope));

                assertThat(server.billPending().billed())
                        .as("%s %s", strategy, scope)
                        .isEqualTo(1);

                assertThat(server.attempts(id))
                        .extracting(BillingAttempt::invoiceId)
                        .containsExactly(id);
                assertThat(host.count("bills", "pending")).isZero();
            }
        }
        assertThat(provider.chargesOf(id)).isEqualTo(1);
    }

    @Test
    void an_id_may_be_given_in_any_java_type_that_fits() {
        host.invoices(3);
        LockingInvoiceBiller server = host.running(host.server(provider));

        assertThat(server.bill(1L).billed()).isEqualTo(1);
        assertThat(server.bill(2).billed()).isEqualTo(1);
        assertThat(server.bill(" 03").billed()).isEqualTo(1);
        assertThatThrownBy(() -> server.bill(UUID.randomUUID()))
                .isInstanceOf(InvoiceLockException.class)
                .hasMessageContaining("is of type bigint");
        assertThatThrownBy(() -> server.bill(99)).hasMessageContaining("There is no invoice 99");
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void a_schema_with_names_that_need_quoting_and_an_enum_of_states(LockStrategy strategy) {
        host.sql("create schema \"Billing Office\"");
        host.sql("create type \"Billing Office\".\"State\" as enum ('open', 'paid', 'refused')");
        host.sql(
                "create table \"Billing Office\".\"Invoice\" (\"Nr\" text primary key, \"State\" \"Billing Office\".\"State\" not null, \"select\" text)");
        host.sql("insert into \"Billing Office\".\"Invoice\" values ('a', 'open'), ('b', 'open'), ('c', 'paid')");
        InvoiceTable table = InvoiceTable.named("Billing Office", "Invoice")
                .id("Nr")
                .pendingWhen(condition("\"State\" = 'open'"))
                .onBilledSet("State", "paid")
                .onDeclinedSet("State", "refused")
                .storeReferenceIn("select");
        provider.answering((p, request) ->
                request.invoiceId().equals("a") ? p.charge(request) : BillingOutcome.declined("no", "no"));
        LockingInvoiceBiller server =
                host.running(host.server(provider).invoices(table).lockStrategy(strategy));

        BillingRun run = server.billPending();

        assertThat(run.billed()).isEqualTo(1);
        assertThat(run.declined()).isEqualTo(1);
        assertThat(host.one(
                        "select string_agg(\"State\"::text, ',' order by \"Nr\") from \"Billing Office\".\"Invoice\""))
                .isEqualTo("paid,refused,paid");
        assertThat(host.one("select \"select\" from \"Billing Office\".\"Invoice\" where \"Nr\" = 'a'"))
                .startsWith("ch_");
        assertThat(provider.requests()).hasSize(2);
    }

    @ParameterizedTest
    @EnumSource(LockScope.class)
    void a_nullable_timestamp_for_a_state(LockScope scope) {
        host.sql("create table bills (id int primary key, paid_at timestamptz)");
        host.sql("insert into bills select g, null from generate_series(1, 30) g");
        InvoiceTable table = InvoiceTable.named("bills")
                .pendingWhen(field(name("paid_at")).isNull())
                .storeBilledAtIn("paid_at");
        for (LockStrategy strategy : LockStrategy.values()) {
            host.sql("truncate invoice_lock.billing_attempt; update bills set paid_at = null");
            assertThat(host.running(host.server(provider)
                                    .invoices(table)
                                    .lockScope(scope)
                                    .lockStrategy(strategy)
                                    .concurrency(4))
                            .billPending()
                            .billed())
                    .isEqualTo(30);
            assertThat(host.count("bills", "paid_at is null")).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void only_what_is_billable_due_in_seven_days_or_sooner(LockStrategy strategy) {
        host.sql(
                "insert into invoices (id, due_date) values (1, current_date - 3), (2, current_date + 7), (3, current_date + 8), (4, null)");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .invoices(InvoiceTable.named("invoices").billableWhen(condition("due_date <= current_date + 7"))));

        assertThat(server.billPending().billed()).isEqualTo(2);
        assertThat(server.bill(3).seen()).as("not even by itself").isZero();
        assertThat(host.count("invoices", "pending")).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void in_the_configured_order_nulls_last_over_many_pages(LockStrategy strategy) {
        host.sql(
                "insert into invoices (id, due_date) select g, case when g % 5 > 0 then date '2030-01-01' + ((g * 7919) % 90)::int end "
                        + "from generate_series(1, 700) g");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .invoices(InvoiceTable.named("invoices").orderedBy("due_date")));

        assertThat(server.billPending().billed()).isEqualTo(700);

        String expected = host.one("select string_agg(id::text, ',' order by due_date nulls last, id) from invoices");
        assertThat(provider.requests().stream().map(BillingRequest::invoiceId).toList())
                .isEqualTo(List.of(String.valueOf(expected).split(",", -1)));
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void hundreds_of_one_date_and_of_none_over_several_pages(LockStrategy strategy) {
        host.sql(
                "insert into invoices (id, due_date) select (g * 7919) % 1009, case when g <= 300 then date '2030-01-01' end "
                        + "from generate_series(1, 600) g");
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .lockScope(LockScope.CLAIM_ONLY)
                .concurrency(16)
                .invoices(InvoiceTable.named("invoices").orderedBy("due_date")));

        assertThat(server.billPending().billed()).isEqualTo(600);

        assertThat(provider.charges()).isEqualTo(600);
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void partitions_that_are_partitioned_by_another_column(LockStrategy strategy) {
        host.sql("create table parts (id text, pending boolean default true, due_date date, region text, "
                + "primary key (id, due_date, region)) partition by range (due_date)");
        host.sql(
                "create table parts_30 (region text not null, due_date date not null, pending boolean default true, id text not null) "
                        + "partition by list (region)");
        host.sql("alter table parts attach partition parts_30 for values from ('2030-01-01') to ('2031-01-01')");
        host.sql("create table parts_30_eu partition of parts_30 for values in ('eu')");
        host.sql("create table parts_30_us partition of parts_30 for values in ('us', 'ca')");
        host.sql("create table parts_31 partition of parts for values from ('2031-01-01') to ('2032-01-01')");
        host.sql("insert into parts select g, true, date '2030-06-01' + g * 30, (array['eu', 'us', 'ca'])[1 + g % 3] "
                + "from generate_series(1, 15) g");

        for (LockScope scope : LockScope.values()) {
            host.sql("truncate invoice_lock.billing_attempt; update parts set pending = true");
            assertThat(host.running(host.server(provider)
                                    .name("parts")
                                    .lockStrategy(strategy)
                                    .lockScope(scope)
                                    .concurrency(4)
                                    .invoices(InvoiceTable.named("parts").orderedBy("due_date")))
                            .billPending()
                            .billed())
                    .as("%s", scope)
                    .isEqualTo(15);
            assertThat(host.count("parts", "pending")).isZero();
        }
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void a_table_that_others_inherit_from(LockStrategy strategy) {
        host.sql("create table bills (id bigint primary key, pending boolean)");
        host.sql("create table old_bills (closed_on date, primary key (id)) inherits (bills)");
        host.sql("insert into bills select g, true from generate_series(1, 10) g");
        host.sql("insert into old_bills select g, true, null from generate_series(11, 20) g");

        for (LockScope scope : LockScope.values()) {
            host.sql("truncate invoice_lock.billing_attempt; update bills set pending = true");
            assertThat(host.running(host.server(provider)
                                    .name("bills")
                                    .lockStrategy(strategy)
                                    .lockScope(scope)
                                    .concurrency(4)
                                    .invoices(InvoiceTable.named("bills")))
                            .billPending()
                            .billed())
                    .as("%s", scope)
                    .isEqualTo(20);
            assertThat(host.count("bills", "pending")).isZero();
        }
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void what_the_charge_needs_from_other_tables_comes_typed_from_the_snapshot(LockStrategy strategy) {
        host.sql("create table customers (id int primary key, method text, tags text[])");
        host.sql("insert into customers values (1, 'pm_1', '{a,b}')");
        host.invoices(1);
        InvoiceTable table = InvoiceTable.named("invoices")
                .including(
                        field("(select c.method from customers c where c.id = invoices.id)", String.class)
                                .as("payment_method"),
                        field("(select c.tags from customers c where c.id = invoices.id)")
                                .as("tags"),
                        field("amount * 2").as("double amount"));
        LockingInvoiceBiller server = host.running(host.server(provider)
                .lockStrategy(strategy)
                .retryPolicy(RetryPolicy.every(java.time.Duration.ZERO, 9))
                .invoices(table));
        provider.answering(BillingOutcome.unknown("500"));
        server.billPending();
        host.sql("update customers set method = 'pm_2'");
        host.sql("alter table invoices drop column state, add column new_one int");
        provider.answering(TestProvider::charge);
        server.billPending();

        for (BillingRequest request : provider.requests()) {
            assertThat(request.invoice().get("payment_method")).isEqualTo("pm_1");
            assertThat(request.invoice().get("tags")).isEqualTo(new String[] {"a", "b"});
            assertThat(request.invoice().get("double amount")).isEqualTo(new BigDecimal("2.20"));
        }
        assertThat(provider.requests()).hasSize(2);
        assertThat(provider.requests().get(1).invoice().get("new_one")).isNull();
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void a_partitioned_table_and_a_view(LockStrategy strategy) {
        host.sql("create table parts (id bigint primary key, pending boolean) partition by hash (id)");
        host.sql("create table parts_0 partition of parts for values with (modulus 2, remainder 0)");
        host.sql("create table parts_1 partition of parts for values with (modulus 2, remainder 1)");
        host.sql("insert into parts select g, true from generate_series(1, 50) g");
        host.sql("create view some_parts as select id, pending from parts where id <= 20");

        assertThat(host.running(host.server(provider)
                                .name("v")
                                .lockStrategy(strategy)
                                .invoices(InvoiceTable.named("some_parts")))
                        .billPending()
                        .billed())
                .isEqualTo(20);
        assertThat(host.running(host.server(provider)
                                .name("p")
                                .lockStrategy(strategy)
                                .invoices(InvoiceTable.named("parts")))
                        .billPending()
                        .billed())
                .isEqualTo(30);
        assertThat(provider.chargedTwice()).isEmpty();
        assertThat(host.count("parts", "pending")).isZero();
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void a_table_partitioned_by_due_date_whose_key_is_id_and_due_date(LockStrategy strategy) {
        partitionedByDueDate();
        host.sql(
                "insert into parts select g, true, date '2030-01-01' + (g * 37 % 90)::int from generate_series(1, 90) g");

        for (LockScope scope : LockScope.values()) {
            host.sql("truncate invoice_lock.billing_attempt; update parts set pending = true");
            assertThat(host.running(host.server(provider)
                                    .name("parts")
                                    .lockStrategy(strategy)
                                    .lockScope(scope)
                                    .concurrency(4)
                                    .invoices(InvoiceTable.named("parts").orderedBy("due_date")))
                            .billPending()
                            .billed())
                    .as("%s", scope)
                    .isEqualTo(90);
            assertThat(host.count("parts", "pending")).isZero();
        }
        assertThat(provider.chargedTwice()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(LockStrategy.class)
    void an_id_that_is_in_two_partitions_is_never_charged_twice(LockStrategy strategy) {
        partitionedByDueDate();
        host.sql("insert into parts values (1, true, '2030-01-05'), (1, true, '2030-02-05'), (2, true, '2030-01-06')");
        LockingInvoiceBiller server = host.running(
                host.server(provider).name("parts").lockStrategy(strategy).invoices(InvoiceTable.named("parts")));

        assertThatThrownBy(server::billPending)
                .isInstanceOf(BillingRunException.class)
                .hasMessageContaining("have the id 1. It must be unique over all partitions");

        assertThat(provider.chargedTwice()).isEmpty();
    }

    private void partitionedByDueDate() {
        host.sql(
                "create table parts (id bigint not null, pending boolean, due_date date not null, primary key (id, due_date)) "
                        + "partition by range (due_date)");
        host.sql("create table parts_jan partition of parts for values from ('2030-01-01') to ('2030-02-01')");
        host.sql("create table parts_feb partition of parts for values from ('2030-02-01') to ('2030-03-01')");
        host.sql("create table parts_mar partition of parts for values from ('2030-03-01') to ('2030-05-01')");
    }

    @Test
    void a_table_is_immutable_and_says_its_name() {
        InvoiceTable table = InvoiceTable.named("billing", "invoices");
        assertThat(table.id("nr")).isNotSameAs(table);
        assertThat(table).hasToString("InvoiceTable.named(\"billing\", \"invoices\")");
        assertThat(InvoiceTable.named("x")).hasToString("InvoiceTable.named(\"x\")");
    }
}
