package io.github.invoicelock.internal.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.invoicelock.internal.errors.Waits;
import io.github.invoicelock.internal.errors.WorkFailure;
import java.lang.reflect.Proxy;
import java.net.SocketTimeoutException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** How a transaction ends: what has failed is never committed, and nobody waits for a connection that is lost. */
class ConnectionsTest {
    private static final Duration BOUND = Duration.ofSeconds(1);
    private static final Waits WAITS = new Waits(BOUND, BOUND);

    private final List<String> calls = new ArrayList<>();
    private @Nullable Throwable atRollback;

    @Test
    void a_failure_is_rolled_back_and_the_connection_given_back_as_it_came() {
        assertThatThrownBy(() -> transact(connection -> {
                    throw new IllegalArgumentException("mine");
                }))
                .hasMessage("mine");

        assertThat(calls).containsSubsequence("setAutoCommit false", "rollback", "setAutoCommit true", "close");
        assertThat(calls).doesNotContain("abort", "commit");
    }

    @Test
    void what_cannot_be_rolled_back_is_cut_whatever_the_driver_throws() {
        for (Throwable thrown : List.of(
                new SQLException("closed"), new IllegalStateException("a pool's"), new LinkageError("a class"))) {
            calls.clear();
            atRollback = thrown;

            assertThatThrownBy(() -> transact(connection -> {
                        throw new IllegalArgumentException("mine");
                    }))
                    .as("%s", thrown)
                    .isNotNull();

            assertThat(calls).as("%s", thrown).containsSubsequence("rollback", "abort", "close");
            assertThat(calls).as("%s", thrown).doesNotContain("setAutoCommit true", "commit");
        }
    }

    @Test
    void a_rollback_that_throws_what_the_work_threw_hides_nothing() {
        IllegalStateException once = new IllegalStateException("once and again");
        atRollback = once;

        assertThatThrownBy(() -> transact(connection -> {
                    throw once;
                }))
                .isSameAs(once);
        assertThat(calls).contains("abort").doesNotContain("setAutoCommit true");
    }

    @Test
    void a_connection_that_another_thread_may_still_use_is_cut_and_not_waited_for() {
        assertThatThrownBy(() -> transact(connection -> {
                    throw new WorkFailure("The hook did not return", null, true);
                }))
                .isInstanceOf(WorkFailure.class);

        assertThat(calls).contains("abort", "close").doesNotContain("rollback", "setAutoCommit true", "commit");
    }

    @Test
    void work_that_met_a_lost_connection_of_its_own_leaves_ours_usable() {
        assertThatThrownBy(() -> transact(connection -> {
                    throw new WorkFailure("The hook threw", new SocketTimeoutException("Read timed out"), false);
                }))
                .isInstanceOf(WorkFailure.class);

        assertThat(calls).contains("rollback", "setAutoCommit true").doesNotContain("abort");
    }

    @Test
    void a_statement_that_takes_too_long_is_told_with_its_bound_and_the_remedy() {
        assertThatThrownBy(() -> transact(connection -> {
                    throw new DataAccessException("late", new SQLException("canceling statement", "57014"));
                }))
                .hasMessageContaining("statement_timeout (PT1S: the library's, or the role's if that is shorter)")
                .hasMessageContaining("57014")
                .hasMessageContaining("the index that build() advises")
                .hasMessageContaining("BilledHook");
    }

    private void transact(Function<Connection, Object> work) {
        new Connections(dataSource(), new Server(170000, false, true, "me", "UTF8", "on", Duration.ZERO, Map.of()))
                .transact(WAITS, work);
    }

    private DataSource dataSource() {
        Connection connection = (Connection) Proxy.newProxyInstance(
                ConnectionsTest.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (self, method, arguments) -> {
                    String name = method.getName();
                    calls.add(name.equals("setAutoCommit") ? name + " " + arguments[0] : name);
                    if (name.equals("rollback") && atRollback != null) {
                        throw atRollback;
                    }
                    return name.equals("getAutoCommit")
                            ? (Object) true
                            : method.getReturnType() == boolean.class
                                    ? (Object) false
                                    : method.getReturnType() == int.class ? 0 : null;
                });
        return (DataSource) Proxy.newProxyInstance(
                ConnectionsTest.class.getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> connection);
    }
}
