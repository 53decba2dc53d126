package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.jooq.impl.DSL.field;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** What {@code build()} saw holds in every transaction, whatever others have left on a connection of the pool. */
class SessionStateTest {
    /** A quote, a semicolon, a question mark and a backslash: none of them may end the text it stands in. */
    private static final String AWKWARD = "o'd;d?\\x";

    private final TestHost host = new TestHost();
    private final TestProvider provider = TestProvider.thatRemembers();
    private final AtomicReference<String> left = new AtomicReference<>("select 1");

    @AfterEach
    void close() {
        host.close();
    }

    @Ways.InEveryScope
    void r4_a_search_path_left_behind_does_not_decide_whose_payer_is_read(LockScope scope) {
        for (String tenant : List.of("one", "two")) {
            host.sql("create schema " + tenant + "; create table " + tenant + ".customers (payer text); insert into "
                    + tenant + ".customers values ('" + tenant + "')");
        }
        left.set("set search_path to one, public");
        List<Object> payers = new ArrayList<>();
        provider.answering((p, request) -> {
            payers.add(request.invoice().get("payer"));
            return p.charge(request);
        });
        host.invoices(3);
        LockingInvoiceBiller biller = host.running(host.server(leaving(), provider)
                .lockScope(scope)
                .concurrency(1)
                .invoices(InvoiceTable.named("public", "invoices")
                        .including(field("(select payer from customers)", String.class)
                                .as("payer"))));

        left.set("set search_path to two, public");
        biller.billPending();

        assertThat(payers).containsExactly("one", "one", "one");
    }

    @Ways.InEveryScope
    void r4_no_setting_left_behind_changes_what_an_expression_of_the_host_means(LockScope scope) {
        String[] settings = {
            "TimeZone",
            "DateStyle",
            "search_path",
            "standard_conforming_strings",
            "bytea_output",
            "xmloption",
            "xmlbinary",
            "lc_monetary",
            "lc_numeric",
            "lc_time",
            "array_nulls",
            "transform_null_equals",
            "default_text_search_config",
            "row_security",
            "extra_float_digits",
            "IntervalStyle",
            "jit",
            "gin_fuzzy_search_limit"
        };
        StringBuilder sum = new StringBuilder("concat_ws('|'");
        for (String setting : settings) {
            sum.append(", current_setting('").append(setting).append("')");
        }
        host.sql("create schema \"" + AWKWARD + "\"");
        host.sql("create function settings_now() returns text language sql volatile as $$ select " + sum + ") $$");
        List<Object> seen = new ArrayList<>();
        provider.answering((p, request) -> {
            seen.add(request.invoice().get("seen"));
            return p.charge(request);
        });
        left.set("set search_path to \"" + AWKWARD + "\", public");
        LockingInvoiceBiller biller = host.running(host.server(leaving(), provider)
                .lockScope(scope)
                .concurrency(1)
                .invoices(InvoiceTable.named("public", "invoices")
                        .including(field("public.settings_now()", String.class).as("seen"))));
        host.invoices(1);
        biller.billPending();
        left.set("set timezone to 'Pacific/Chatham'; set datestyle to 'ISO, DMY'; set search_path to public; "
                + "set bytea_output to 'escape'; set xmloption to document; set xmlbinary to hex; set lc_monetary to 'POSIX'; "
                + "set lc_numeric to 'POSIX'; set lc_time to 'POSIX'; set array_nulls to off; set transform_null_equals to on; "
                + "set default_text_search_config to 'simple'; set row_security to off; set extra_float_digits to -3; "
                + "set intervalstyle to 'iso_8601'; set jit to on; set gin_fuzzy_search_limit to 3; "
                + "set standard_conforming_strings to off");
        host.sql("insert into invoices (id) values (2)");
        biller.billPending();

        assertThat(seen).hasSize(2);
        assertThat(seen.get(1)).isEqualTo(seen.get(0));
        assertThat(seen.get(0).toString()).contains(AWKWARD);
        assertThat(seen.get(0).toString().split("\\|", -1)[16]).as("jit").isEqualTo("off");
    }

    @Ways.InEveryScope
    void r9_a_statement_timeout_shorter_than_the_wait_asked_for_does_not_cut_it(LockScope scope) throws Exception {
        host.invoices(3);
        left.set("set statement_timeout to '300ms'; " + transactionTimeout("400ms"));
        LockingInvoiceBiller biller = host.running(host.server(leaving(), provider)
                .lockScope(scope)
                .lockStrategy(LockStrategy.WAIT)
                .waitTimeout(Duration.ofMillis(1_500))
                .concurrency(1));
        Connection holder = host.holding(2);

        BillingRun run = biller.billPending();

        assertThat(run.billed()).isEqualTo(2);
        assertThat(run.contended()).isEqualTo(1);
        holder.rollback();
        assertThat(biller.billPending().billed()).isEqualTo(1);
    }

    @Ways.InEveryScope
    void r9_a_statement_timeout_that_was_left_behind_ends_no_run(LockScope scope) {
        host.invoices(3);
        host.sql("create function slow() returns text language sql volatile as $$ select pg_sleep(0.2)::text $$");
        LockingInvoiceBiller biller = host.running(host.server(leaving(), provider)
                .lockScope(scope)
                .invoices(InvoiceTable.named("invoices")
                        .including(field("public.slow()", String.class).as("slow"))));
        left.set("set statement_timeout to '100ms'");

        assertThat(biller.billPending().billed()).isEqualTo(3);
    }

    @Test
    void r9_every_statement_of_ours_ends_by_a_limit_of_the_servers() {
        host.invoices(1);
        List<String> limits = new ArrayList<>();
        host.sql("create table limits (of_what text, value text)");
        host.sql(
                "create function note_limit() returns trigger language plpgsql as $$ begin insert into limits values (tg_table_name, "
                        + "current_setting('statement_timeout')); return new; end $$");
        host.sql("create trigger note after update on invoices for each row execute function note_limit()");
        host.sql(
                "create trigger note after insert or update on invoice_lock.billing_attempt for each row execute function note_limit()");

        host.running(host.server(provider)).billPending();

        assertThat(host.count("limits", "true")).isGreaterThanOrEqualTo(3);
        assertThat(host.count("limits", "value = '0'")).isZero();
        assertThat(limits).isEmpty();
    }

    @Test
    void r17_the_bound_on_the_clients_side_is_gone_when_a_connection_goes_back() throws Exception {
        host.invoices(5);
        host.running(host.server(provider)).billPending();

        try (Connection connection = host.dataSource().getConnection()) {
            assertThat(connection.getNetworkTimeout()).isZero();
        }
    }

    @Test
    void r17_a_pool_that_knows_no_network_timeout_bills_and_is_told_once() {
        host.invoices(20);
        String log = Log.of(() -> {
            DataSource old = new DelegatingDataSource(host.dataSource()) {
                @Override
                public Connection getConnection() throws SQLException {
                    return withoutNetworkTimeout(super.getConnection());
                }
            };
            assertThat(host.running(host.server(old, provider)).billPending().billed())
                    .isEqualTo(20);
        });
        assertThat(log.split("setNetworkTimeout", -1))
                .as("a few times by build(), once by the run, and not by each transaction")
                .hasSizeBetween(3, 4);
    }

    private static Connection withoutNetworkTimeout(Connection connection) {
        return (Connection) java.lang.reflect.Proxy.newProxyInstance(
                SessionStateTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                    if (method.getName().endsWith("NetworkTimeout")) {
                        throw new AbstractMethodError(method.getName());
                    }
                    try {
                        return method.invoke(connection, arguments);
                    } catch (java.lang.reflect.InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Test
    void r16_withdraw_leaves_the_hosts_transaction_as_it_was_where_the_row_is_held() throws Exception {
        host.invoices(3);
        LockingInvoiceBiller biller = host.running(host.server(provider));
        Connection holder = host.holding(2);
        Connection hosts = host.connection();
        TestHost.execute(hosts, "set statement_timeout to '300ms'; " + transactionTimeout("5s"));
        hosts.setAutoCommit(false);
        TestHost.execute(hosts, "update invoices set reference = 'kept' where id = 1");

        assertThat(biller.withdraw(hosts, 2)).isEqualTo(Withdrawal.IN_FLIGHT);

        assertThat(TestHost.one(hosts, "show statement_timeout")).isEqualTo("300ms");
        assertThat(TestHost.one(hosts, "show lock_timeout")).isEqualTo("0");
        hosts.commit();
        assertThat(host.one("select reference from invoices where id = 1")).isEqualTo("kept");
        holder.rollback();
    }

    @Test
    void r16_withdraw_waits_longer_than_the_hosts_own_limits_and_leaves_them_as_they_were() throws Exception {
        host.invoices(3);
        LockingInvoiceBiller biller = host.running(host.server(provider));
        Connection holder = host.holding(2);
        Connection hosts = host.connection();
        TestHost.execute(hosts, "set statement_timeout to '200ms'; set lock_timeout to '100ms'");
        hosts.setAutoCommit(false);
        InBackground<Withdrawal> withdrawal = InBackground.of(() -> biller.withdraw(hosts, 2));
        await().atMost(Duration.ofSeconds(30))
                .until(() -> host.count(
                                "pg_stat_activity",
                                "wait_event_type = 'Lock' and clock_timestamp() - query_start > interval '400ms' "
                                        + "and datname = current_database()")
                        > 0);

        holder.rollback();

        assertThat(withdrawal.result()).isEqualTo(Withdrawal.WITHDRAWN);
        assertThat(TestHost.one(hosts, "show statement_timeout")).isEqualTo("200ms");
        assertThat(TestHost.one(hosts, "show lock_timeout")).isEqualTo("100ms");
        hosts.commit();
        assertThat(biller.billPending().billed()).isEqualTo(2);
    }

    @Test
    void r16_an_error_in_withdraw_leaves_a_transaction_that_goes_on() throws Exception {
        host.invoices(2);
        LockingInvoiceBiller biller = host.running(host.server(provider));
        host.sql("create function refuse() returns trigger language plpgsql as $$ begin raise 'not today'; end $$");
        host.sql(
                "create trigger refuse before insert on invoice_lock.billing_attempt for each row execute function refuse()");
        Connection hosts = host.connection();
        hosts.setAutoCommit(false);
        TestHost.execute(hosts, "update invoices set reference = 'kept' where id = 1");

        assertThatThrownBy(() -> biller.withdraw(hosts, 2))
                .isInstanceOfSatisfying(
                        DatabaseException.class, e -> assertThat(e.sqlState()).isEqualTo("P0001"));

        hosts.commit();
        assertThat(host.one("select reference from invoices where id = 1")).isEqualTo("kept");
    }

    @Test
    void r16_a_snapshot_older_than_the_last_change_of_the_row_is_an_error_and_no_answer() throws Exception {
        host.invoices(2);
        LockingInvoiceBiller biller = host.running(host.server(provider));
        Connection hosts = host.connection();
        hosts.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        hosts.setAutoCommit(false);
        TestHost.execute(hosts, "select count(*) from invoices");
        host.sql("update invoices set amount = amount + 1 where id = 2");

        assertThatThrownBy(() -> biller.withdraw(hosts, 2))
                .isInstanceOfSatisfying(
                        DatabaseException.class, e -> assertThat(e.sqlState()).isEqualTo("40001"));
        assertThat(TestHost.one(hosts, "select count(*) from invoices")).isEqualTo("2");
        hosts.rollback();
    }

    /** Before PostgreSQL 17 there is none. */
    private String transactionTimeout(String value) {
        boolean known = Integer.parseInt(String.valueOf(host.one("show server_version_num"))) >= 170000;
        return known ? String.format(Locale.ROOT, "set transaction_timeout to '%s'", value) : "select 1";
    }

    private DataSource leaving() {
        return new DelegatingDataSource(host.dataSource()) {
            @Override
            public Connection getConnection() throws SQLException {
                Connection connection = super.getConnection();
                try (Statement statement = connection.createStatement()) {
                    statement.execute(left.get());
                }
                return connection;
            }
        };
    }
}
