package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.jooq.impl.DSL.field;

import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jooq.JSON;
import org.jooq.Record;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the gateway reads: at the first call, and after a crash by a server of other settings. */
class SnapshotTest {
    private static final String OTHER_SETTINGS =
            "set timezone = 'Asia/Kathmandu'; set datestyle = 'ISO, DMY'; set intervalstyle = 'sql_standard'; "
                    + "set bytea_output = 'escape'; set extra_float_digits = 0";

    /** Types, each with values that are read as jOOQ reads them from the table. */
    private static final Map<String, List<String>> VALUES = Map.ofEntries(
            Map.entry(
                    "numeric", List.of("1.50", "0.000", "1e-30", "1e300", "1234567890123456789.12345678901234567890")),
            Map.entry("numeric(12,2)", List.of("1.50")),
            Map.entry("cents", List.of("9007199254740993")),
            Map.entry("bigint", List.of("9007199254740993", "-9223372036854775808")),
            Map.entry("float8", List.of("0.1", "'NaN'", "'-Infinity'", "1.7976931348623157e308", "4.9e-324")),
            Map.entry("float4", List.of("0.1", "'NaN'", "3.4028235e38", "16777217")),
            Map.entry("timestamptz", List.of("'2024-02-29 23:59:59.123456+02'", "'0044-03-15 00:00:00+00 BC'")),
            Map.entry("timestamp", List.of("'2024-02-29 23:59:59.123456'", "'infinity'")),
            Map.entry("date", List.of("'2024-02-29'", "'infinity'")),
            Map.entry("timetz", List.of("'23:59:59.123456+02'")),
            Map.entry("interval", List.of("'1 year 2 mons -3 days 04:05:06.789'", "'-1 day -2 hours'")),
            Map.entry("uuid", List.of("'3f0c0000-0000-4000-8000-00000000000a'")),
            Map.entry("jsonb", List.of("'{\"a\": [1, 1.50, null, \"x\"]}'", "'\"s\"'", "'[1,2]'")),
            Map.entry("json", List.of("'{\"a\": 1.50}'")),
            Map.entry(
                    "text[]",
                    List.of(
                            "'{a,NULL,\"NULL\",\"\",\"a,b\",\"{x}\",\"q\\\"\\\\\"}'",
                            "'{}'",
                            "'[0:1]={a,b}'",
                            "'{{a,b},{c,NULL}}'")),
            Map.entry("int[]", List.of("'{1,NULL}'", "'{{1,2},{3,NULL}}'", "'{{{1},{2}}}'")),
            Map.entry("bigint[]", List.of("'{{9007199254740993}}'")),
            Map.entry("numeric[]", List.of("'{1.50,NULL}'", "'{{1.50},{NULL}}'")),
            Map.entry("uuid[]", List.of("'{{3f0c0000-0000-4000-8000-00000000000a}}'")),
            Map.entry("date[]", List.of("'{2024-02-29}'", "'{{2024-02-29},{NULL}}'")),
            Map.entry("jsonb[]", List.of("array['[1,2]'::jsonb, '[3,4]', 'null', null]")),
            Map.entry("timestamptz[]", List.of("array['2024-02-29 23:59:59.123456+02'::timestamptz]")),
            Map.entry("bytea", List.of("'\\x00ff5c27220a'", "''")),
            Map.entry("bytea[]", List.of("array['\\x00ff5c'::bytea]")),
            Map.entry("state", List.of("'so so'", "'NULL'", "'a,b\"{}'")),
            Map.entry("tags", List.of("'{a,b}'")),
            Map.entry("address", List.of("row('a,b \"c\"', '123', '{x,NULL}')", "row(null, null, null)")),
            Map.entry("int4range", List.of("'[1,5)'", "'empty'")),
            Map.entry("numrange", List.of("'(1.50,)'")),
            Map.entry("char(5)", List.of("'ab'")),
            Map.entry("\"char\"", List.of("'x'")),
            Map.entry("bit(3)", List.of("b'101'")),
            Map.entry("inet", List.of("'10.0.0.1/8'")),
            Map.entry("point", List.of("'(0.1,0.30000000000000004)'")),
            Map.entry("text", List.of("''", "E'a\\tb\\n\\u0001\\u007f\\u2028 \\U0001F4B8 \"\\\\'")));

    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();
    private final HikariDataSource otherServer = new HikariDataSource();

    @BeforeEach
    void open() {
        otherServer.setJdbcUrl(host.database().jdbcUrl());
        otherServer.setConnectionInitSql(OTHER_SETTINGS);
        otherServer.setMinimumIdle(0);
        host.sql("create type state as enum ('so so', 'NULL', 'a,b\"{}')");
        host.sql("create domain cents as bigint check (value >= 0)");
        host.sql("create domain tags as text[]");
        host.sql("create type address as (street text, zip char(5), lines text[])");
    }

    @AfterEach
    void close() {
        otherServer.close();
        host.close();
    }

    @Ways.WithEveryStrategy
    void every_value_is_what_the_table_holds_at_the_first_call_and_after_a_crash(LockStrategy strategy)
            throws SQLException {
        everyValue("create table bills (id int primary key, pending boolean default true");
        InvoiceTable bills = InvoiceTable.named("bills");

        billedByTwo(bills, strategy, host.dataSource(), otherServer);
        host.sql("truncate invoice_lock.billing_attempt; update bills set pending = true");
        billedByTwo(bills, strategy, otherServer, host.dataSource());

        Record one = held("select * from bills where id = 1");
        assertThat(provider.requestsFor(1)).hasSize(4).allSatisfy(request -> same(request.invoice(), one));
        Record empty = held("select * from bills where id = 2");
        assertThat(provider.requestsFor(2)).hasSize(4).allSatisfy(request -> same(request.invoice(), empty));
    }

    @Test
    void every_value_of_a_relative_is_what_its_table_holds() throws SQLException {
        everyValue("create table customers (id int primary key, pending boolean default true");
        host.sql("create table bills (id serial primary key, pending boolean default true)");
        host.sql("insert into bills select from generate_series(1, 2)");
        Record one = held("select * from customers where id = 1");
        Record empty = held("select * from customers where id = 2");
        InvoiceTable bills = InvoiceTable.named("bills")
                .including(field(DSL.name("id")).as("customer"))
                .including(java.util.Arrays.stream(one.fields())
                        .filter(column -> column.getName().startsWith("c"))
                        .map(column -> field(
                                        "(select {0} from customers c where c.id = bills.id)",
                                        field(DSL.name(column.getName())))
                                .as("customer_" + column.getName()))
                        .toArray(org.jooq.Field<?>[]::new));

        billedByTwo(bills, LockStrategy.NOWAIT, host.dataSource(), otherServer);

        for (BillingRequest request : provider.requests()) {
            Record held = request.invoiceId().equals("1") ? one : empty;
            assertThat(request.invoice().get("customer", Integer.class)).hasToString(request.invoiceId());
            for (org.jooq.Field<?> column : held.fields()) {
                if (column.getName().startsWith("c")) {
                    assertThat(request.invoice().get("customer_" + column.getName()))
                            .as(column.getName())
                            .isEqualTo(held.get(column));
                }
            }
        }
        assertThat(provider.requests()).hasSize(4);
    }

    /** The first server's answer is lost; the second continues. */
    private void billedByTwo(
            InvoiceTable bills, LockStrategy strategy, javax.sql.DataSource first, javax.sql.DataSource second) {
        provider.answering(BillingOutcome.unknown("cut off"));
        serverOn(first, bills, strategy).billPending();
        provider.answering(TestProvider::charge);
        assertThat(serverOn(second, bills, strategy).billPending().billed()).isEqualTo(2);
    }

    private LockingInvoiceBiller serverOn(javax.sql.DataSource pool, InvoiceTable bills, LockStrategy strategy) {
        return host.running(LockingInvoiceBiller.builder(pool, provider)
                .name("bills")
                .invoices(bills)
                .lockStrategy(strategy)
                .retryPolicy(RetryPolicy.every(Duration.ZERO, 9)));
    }

    /** A table of columns c0, c1, …, with a row of all values and one of nulls. */
    private void everyValue(String createTable) {
        StringBuilder columns = new StringBuilder(createTable);
        StringBuilder values = new StringBuilder("1, true");
        int number = 0;
        for (Map.Entry<String, List<String>> each : VALUES.entrySet()) {
            for (String value : each.getValue()) {
                columns.append(", c").append(number++).append(' ').append(each.getKey());
                values.append(", ").append(value);
            }
        }
        String table = createTable.split(" ", -1)[2];
        host.sql(columns + ", total numeric(12,2) generated always as (id * 1.10) stored)");
        host.sql("insert into " + table + " values (" + values + ")");
        host.sql("insert into " + table + " (id) values (2)");
    }

    /** In a session of its own: PgBouncer would lend one with the other server's settings. */
    private Record held(String query) throws SQLException {
        try (Connection connection = host.database().directDataSource().getConnection()) {
            return Objects.requireNonNull(
                    DSL.using(connection, SQLDialect.POSTGRES).fetchOne(query));
        }
    }

    private static void same(Record read, Record held) {
        for (org.jooq.Field<?> column : held.fields()) {
            if (!column.getName().equals("pending")) {
                assertThat(read.get(column.getName())).as(column.getName()).isEqualTo(held.get(column));
            }
        }
    }

    @Test
    void what_jooq_alone_cannot_read_ends_no_run() {
        host.sql("create extension if not exists hstore");
        host.sql(
                "create table bills (id int primary key, pending boolean default true, until timestamptz, at time, states state[], amount numeric, tags hstore)");
        host.sql(
                "insert into bills values (1, true, 'infinity', '23:59:59.123456', '{\"so so\",NULL}', 'NaN', 'a=>1'), "
                        + "(2, true, '-infinity', '00:00', '{{\"so so\"},{NULL}}', '1.50', null)");

        billedByTwo(InvoiceTable.named("bills"), LockStrategy.NOWAIT, host.dataSource(), otherServer);

        assertThat(provider.requestsFor(1))
                .hasSize(2)
                .extracting(BillingRequest::invoice)
                .allSatisfy(invoice -> {
                    assertThat(invoice.get("until")).isEqualTo(OffsetDateTime.MAX);
                    assertThat(invoice.get("at")).isEqualTo(LocalTime.of(23, 59, 59, 123_456_000));
                    assertThat(invoice.get("states")).isEqualTo(new String[] {"so so", null});
                    assertThat(invoice.get("amount")).as("no BigDecimal").isNull();
                    assertThat(invoice.get("tags")).hasToString("{a=1}");
                });
        assertThat(provider.requestsFor(2))
                .hasSize(2)
                .extracting(BillingRequest::invoice)
                .allSatisfy(invoice -> {
                    assertThat(invoice.get("until")).isEqualTo(OffsetDateTime.MIN);
                    assertThat(invoice.get("states")).isEqualTo(new String[][] {{"so so"}, {null}});
                });
    }

    @Test
    void an_array_has_the_dimensions_that_its_own_invoice_holds() {
        host.sql("create table bills (id int primary key, pending boolean default true, a int[])");
        host.sql("insert into bills values (1, true, '{1,2}'), (2, true, '{{1},{2}}')");

        billedByTwo(InvoiceTable.named("bills"), LockStrategy.SKIP_LOCKED, host.dataSource(), otherServer);

        assertThat(provider.requestsFor(1))
                .hasSize(2)
                .extracting(request -> request.invoice().get("a", Integer[].class))
                .containsOnly(new Integer[] {1, 2});
        assertThat(provider.requestsFor(2))
                .hasSize(2)
                .extracting(request -> request.invoice().get("a", Integer[][].class))
                .containsOnly(new Integer[][] {{1}, {2}});
    }

    @Test
    void times_are_in_utc_wherever_the_server_is() {
        host.sql("create table bills (id int primary key, pending boolean default true, at timestamptz)");
        host.sql("insert into bills select g, true, '2024-02-29 12:00+02' from generate_series(1, 2) g");

        billedByTwo(InvoiceTable.named("bills"), LockStrategy.NOWAIT, otherServer, host.dataSource());

        assertThat(provider.requests())
                .extracting(request -> String.valueOf(request.invoice().get("at")))
                .containsOnly("2024-02-29T10:00Z");
    }

    @Test
    void what_jsonb_cannot_tell_apart_is_the_same_at_every_call() {
        host.sql(
                "create table bills (id int primary key, pending boolean default true, j json, n jsonb, f float8, a int[])");
        host.sql(
                "insert into bills select g, true, '{\"a\" : 1, \"a\":2}', 'null', '-0', '[0:0]={7}' from generate_series(1, 2) g");

        billedByTwo(InvoiceTable.named("bills"), LockStrategy.NOWAIT, host.dataSource(), otherServer);

        assertThat(provider.requests())
                .hasSize(4)
                .extracting(BillingRequest::invoice)
                .allSatisfy(invoice -> {
                    assertThat(invoice.get("j", JSON.class)).isEqualTo(JSON.valueOf("{\"a\": 2}"));
                    assertThat(invoice.get("n")).isNull();
                    assertThat(invoice.get("f")).isEqualTo(0.0);
                    assertThat(invoice.get("a")).isEqualTo(new Integer[] {7});
                });
    }

    @Test
    void money_comes_as_the_server_prints_it() {
        host.sql("create table bills (id int primary key, pending boolean default true, amount money)");
        host.sql("insert into bills values (1, true, '1234.56'), (2, true, null)");

        billedByTwo(InvoiceTable.named("bills"), LockStrategy.WAIT, host.dataSource(), otherServer);

        assertThat(provider.requestsFor(1))
                .extracting(request -> request.invoice().get("amount"))
                .containsExactly("$1,234.56", "$1,234.56");
        assertThat(provider.requestsFor(2))
                .extracting(request -> request.invoice().get("amount"))
                .containsExactly(null, null);
    }
}
