package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Where no index serves the search for pending invoices, build() logs what to create: something that PostgreSQL takes. */
class IndexAdviceTest {
    private static final String NO_INDEX = "no index serves the search for pending invoices";
    private static final String STATEMENT = "Create one: ";

    private final TestHost host = new TestHost();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void a_partitioned_table_takes_no_index_that_is_built_concurrently() {
        host.sql("create table parts (id bigint primary key, pending boolean) partition by hash (id)");
        InvoiceTable parts = InvoiceTable.named("parts");
        assertThat(logged(parts))
                .as("without partitions there is nothing to read")
                .doesNotContain(NO_INDEX);
        host.sql("create table parts_0 partition of parts for values with (modulus 2, remainder 0)");
        host.sql("create table parts_1 partition of parts for values with (modulus 2, remainder 1)");

        String advised = advised(parts);

        assertThat(advised).isEqualTo("create index on \"public\".\"parts\" (\"id\") where \"pending\"");
        host.sql(advised);
        assertThat(logged(parts)).doesNotContain(NO_INDEX);
    }

    @Test
    void a_view_has_no_index_but_the_table_behind_it_has() {
        host.sql("create table bills (number bigint primary key, open boolean, tenant text)");
        host.sql("create view all_bills as select number, open, tenant from bills");
        host.sql("create view bills_seen as select number as id, open as pending from all_bills");
        InvoiceTable view = InvoiceTable.named("bills_seen");

        assertThat(advised(view))
                .isEqualTo(
                        "on the table behind the view \"public\".\"bills_seen\" (bills): (\"id\") where \"pending\"");

        host.sql("create index on bills (number) where open");
        assertThat(logged(view)).doesNotContain(NO_INDEX);
    }

    @Test
    void tables_that_inherit_need_an_index_of_their_own() {
        host.sql("create table bills (id bigint primary key, pending boolean)");
        host.sql("create table old_bills (primary key (id)) inherits (bills)");
        InvoiceTable bills = InvoiceTable.named("bills");

        assertThat(advised(bills)).endsWith("; and on each table that inherits from it");

        host.sql("create index on bills (id) where pending; create index on old_bills (id) where pending");
        assertThat(logged(bills)).doesNotContain(NO_INDEX);
    }

    @Test
    void a_column_and_an_index_may_be_named_like_what_is_looked_for_in_a_plan() {
        host.sql("create table bills (id bigint primary key, pending boolean, \"Sort\" date)");
        InvoiceTable bills = InvoiceTable.named("bills").orderedBy("Sort");

        host.sql(advised(bills));
        host.sql("alter index \"bills_Sort_id_idx\" rename to \"Seq Scan Filter: Sort\"");

        assertThat(logged(bills)).doesNotContain(NO_INDEX);
    }

    private String advised(InvoiceTable table) {
        String log = logged(table);
        assertThat(log).contains(NO_INDEX).contains(STATEMENT);
        return log.substring(log.indexOf(STATEMENT) + STATEMENT.length())
                .lines()
                .findFirst()
                .orElseThrow();
    }

    private String logged(InvoiceTable table) {
        return Log.of(() -> host.server(TestProvider.thatRemembers())
                .name("bills")
                .invoices(table)
                .build()
                .close());
    }
}
