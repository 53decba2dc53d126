package io.github.invoicelock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import java.io.EOFException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/** What a person reads when the database cannot be worked with. */
class DatabaseMessagesTest {
    private final TestHost host = TestHost.withInvoices(2);
    private final TestProvider provider = TestProvider.thatRemembers();

    @AfterEach
    void close() {
        host.close();
    }

    @Test
    void a_lost_connection_about_which_the_driver_says_nothing() {
        assertThatThrownBy(() -> runOver(lost(new SQLException(null, "08006", new EOFException()))))
                .hasMessageContaining("The connection to the database was lost (SQLSTATE 08006)")
                .hasMessageNotContaining("null");
    }

    @Test
    void a_role_whose_connection_limit_is_reached_hears_of_the_limit_and_not_of_a_pool() throws Exception {
        String role = "limited_" + host.database().name();
        host.sql("create role " + role + " login password 'x' superuser");
        host.sql("alter role " + role + " nosuperuser; grant all on schema public, invoice_lock to " + role
                + "; grant all on all tables in schema public, invoice_lock to " + role);
        PGSimpleDataSource limited = new PGSimpleDataSource();
        limited.setUrl(host.database()
                .jdbcUrl()
                .replaceAll("user=[^&]*", "user=" + role)
                .replaceAll("password=[^&]*", "password=x"));
        LockingInvoiceBiller biller = host.running(host.server(limited, provider));
        try {
            host.sql("alter role " + role + " connection limit 0");
            assertThatThrownBy(biller::billPending)
                    .hasMessageContaining("53300")
                    .hasMessageContaining("connection limit")
                    .hasMessageContaining("pg_roles.rolconnlimit")
                    .hasMessageNotContaining("make it larger: with lockScope");
        } finally {
            host.sql("drop owned by " + role + "; drop role " + role);
        }
    }

    @Test
    void a_pool_that_is_exhausted() throws Exception {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(host.database().jdbcUrl());
        pool.setMaximumPoolSize(1);
        pool.setConnectionTimeout(500);
        try (pool;
                LockingInvoiceBiller biller = host.server(pool, provider).build();
                Connection taken = pool.getConnection()) {
            assertThat(taken.isValid(5)).isTrue();
            assertThatThrownBy(biller::billPending)
                    .hasMessageContaining("its pool is exhausted")
                    .hasMessageContaining("one more than concurrency")
                    .hasMessageNotContaining("null");
        }
    }

    @Test
    void a_server_that_is_not_there() {
        assertThatThrownBy(() -> runOver(lost(new SQLException("Connection refused", "08001"))))
                .hasMessageContaining("The DataSource gave no connection (SQLSTATE 08001)")
                .hasMessageContaining("Connection refused")
                .hasMessageNotContaining("make it larger");
    }

    @Test
    void a_password_that_the_server_does_not_take_is_not_a_pool_that_is_too_small() {
        for (String state : new String[] {"28P01", "28000"}) {
            assertThatThrownBy(() -> runOver(lost(new SQLException("password authentication failed", state))))
                    .hasMessageContaining(state)
                    .hasMessageContaining("user or password")
                    .hasMessageNotContaining("make it larger");
        }
    }

    @Test
    void a_user_and_a_password_that_the_host_changes_in_the_drivers_own_data_source_are_used_at_once() {
        String role = "rotated_" + host.database().name();
        host.sql("create role " + role + " superuser login password 'one'");
        PGSimpleDataSource source = new PGSimpleDataSource();
        source.setUrl(host.database().jdbcUrl());
        source.setUser(role);
        source.setPassword("one");
        try (LockingInvoiceBiller biller = host.server(source, provider).build()) {
            host.sql("alter role " + role + " rename to " + role + "_2");
            host.sql("alter role " + role + "_2 password 'two'");
            source.setUser(role + "_2");
            source.setPassword("two");

            assertThat(biller.billPending().billed()).isEqualTo(2);
        } finally {
            host.sql("drop role " + role + "_2");
        }
    }

    private void runOver(AtomicReference<@Nullable SQLException> next) {
        DataSource source = new DelegatingDataSource(host.dataSource()) {
            @Override
            public Connection getConnection() throws SQLException {
                SQLException failure = next.get();
                if (failure != null && !"08006".equals(failure.getSQLState())) {
                    throw failure;
                }
                Connection connection = super.getConnection();
                return failure == null ? connection : failing(connection, failure);
            }
        };
        SQLException failure = next.getAndSet(null);
        LockingInvoiceBiller biller = host.running(host.server(source, provider));
        next.set(failure);
        biller.billPending();
    }

    private static Connection failing(Connection connection, SQLException failure) {
        return (Connection) java.lang.reflect.Proxy.newProxyInstance(
                DatabaseMessagesTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("prepareStatement")) {
                        throw failure;
                    }
                    try {
                        return method.invoke(connection, arguments);
                    } catch (java.lang.reflect.InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static AtomicReference<@Nullable SQLException> lost(SQLException failure) {
        return new AtomicReference<>(failure);
    }
}
