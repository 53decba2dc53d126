package io.github.invoicelock.internal.errors;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.SocketTimeoutException;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** Errors are told apart by what the server said, and whatever a host's exception looks like. */
class SqlStatesTest {
    @ParameterizedTest
    @CsvSource({
        "23514, ExecConstraints, true",
        "42501, ExecWithCheckOptions, true",
        "42501, aclcheck_error, false",
        "54000, index_form_tuple_context, true",
        "54000, GetNewTransactionId, false",
        "54000, GetNewMultiXactId, false"
    })
    void an_error_is_one_invoices_own_by_its_state_and_by_where_the_server_found_it(
            String state, String routine, boolean ofOneInvoice) {
        PSQLException failure =
                new PSQLException(new ServerErrorMessage("SERROR\0C" + state + "\0Msaid\0R" + routine + "\0"));

        assertThat(SqlStates.ofOneInvoice(new RuntimeException(failure))).isEqualTo(ofOneInvoice);
    }

    @Test
    @Timeout(20)
    void a_cycle_of_causes_ends() {
        RuntimeException outer = new RuntimeException("outer");
        outer.initCause(new IllegalStateException("inner", outer));

        assertThat(SqlStates.of(outer)).isEmpty();
        assertThat(SqlStates.ofOneInvoice(outer)).isFalse();
        assertThat(SqlStates.connectionLost(outer)).isFalse();
        assertThat(Errors.text(outer)).isIn("outer.", "inner.");
    }

    @Test
    void an_exception_whose_own_methods_throw_has_no_cause_and_no_message() {
        Throwable unusable = new UnusableException();

        assertThat(SqlStates.connectionLost(unusable)).isFalse();
        assertThat(Errors.text(unusable)).isEqualTo("UnusableException.");
    }

    @Test
    void a_lost_connection_of_somebody_elses_code_is_not_ours() {
        SocketTimeoutException silent = new SocketTimeoutException("Read timed out");

        assertThat(SqlStates.connectionLost(silent)).isTrue();
        assertThat(SqlStates.connectionLost(new WorkFailure("The hook threw", silent, false)))
                .isFalse();
        assertThat(SqlStates.connectionLost(
                        new WorkFailure("The hook threw", new SQLException("gone", "08006"), false)))
                .isFalse();
    }

    private static final class UnusableException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        @Override
        public @Nullable String getMessage() {
            throw new IllegalStateException("no message");
        }

        @Override
        public synchronized Throwable getCause() {
            throw new IllegalStateException("no cause");
        }
    }
}
