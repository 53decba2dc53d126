package io.github.invoicelock.internal.errors;

import io.github.invoicelock.DatabaseException;
import java.sql.SQLException;
import java.util.Optional;

/** What a person reads when the database fails: what happened, and what to do. */
public final class Errors {
    private Errors() {}

    /** Where no bound of ours was set: in the host's transaction. */
    public static DatabaseException translated(Exception cause) {
        return translated(cause, Optional.empty());
    }

    public static DatabaseException translated(Exception cause, Waits waits) {
        return translated(cause, Optional.of(waits));
    }

    private static DatabaseException translated(Exception cause, Optional<Waits> waits) {
        String sqlState = SqlStates.of(cause).orElse(null);
        return new DatabaseException(explained(cause, state(cause), waits), sqlState, cause);
    }

    private static String explained(Exception cause, String state, Optional<Waits> waits) {
        if (SqlStates.silent(cause)) {
            return "No answer from the database"
                    + waits.map(bound -> " within " + bound.silence()).orElse("") + state
                    + ": the network or the server is gone. What was under way is found out about by a later run, under the same key; "
                    + "the next run goes on once the database answers.";
        }
        if (SqlStates.connectionLost(cause)) {
            return "The connection to the database was lost" + state + ": " + text(cause)
                    + " What was under way is found out about by a later run, under the same key.";
        }
        if (SqlStates.lockNotAvailable(cause)) {
            return "A lock was not free within lock_timeout" + state
                    + ", because another session holds a table (ALTER TABLE, VACUUM "
                    + "FULL, LOCK TABLE) or a row for longer than that; try again when it has ended. The database says: "
                    + text(cause);
        }
        if (SqlStates.cancelled(cause)) {
            return "A statement took longer than statement_timeout"
                    + waits.map(bound ->
                                    " (" + bound.statement() + ": the library's, or the role's if that is shorter)")
                            .orElse("")
                    + ", or somebody cancelled it" + state
                    + ". Create the index that build() advises; what a BilledHook or a trigger does counts, too. The database says: "
                    + text(cause);
        }
        return "The database answered with an error" + state + ": " + text(cause);
    }

    public static DatabaseException noConnection(SQLException cause) {
        String refused = "The DataSource gave no connection" + state(cause) + ": " + text(cause);
        String remedy = SqlStates.tooManyConnections(cause)
                ? " The server is full: its max_connections, or the connection limit of the role or of the database "
                        + "(pg_roles.rolconnlimit, pg_database.datconnlimit) is reached. Raise that limit, or make the pools of all "
                        + "servers together smaller than it."
                : SqlStates.notAuthorized(cause)
                        ? " The server does not take the DataSource's user or password: check both, and pg_hba.conf. The next run "
                                + "goes on once they are right."
                        : SqlStates.connectionLost(cause)
                                ? " The database cannot be reached: check the network and that the server is up. The next run goes on once it "
                                        + "answers."
                                : " If its pool is exhausted, make it larger: with lockScope THROUGH_CALL a biller needs one more than "
                                        + "concurrency, with CLAIM_ONLY at most 4.";
        return new DatabaseException(refused + remedy, SqlStates.of(cause).orElse(SqlStates.NO_CONNECTION), cause);
    }

    /** What the innermost cause that says anything says, as a sentence. */
    public static String text(Throwable failure) {
        String said = SqlStates.causes(failure)
                .flatMap(each -> message(each).stream())
                .reduce((outer, inner) -> inner)
                .orElseGet(() -> SqlStates.causes(failure)
                        .reduce((outer, inner) -> inner)
                        .orElse(failure)
                        .getClass()
                        .getSimpleName());
        return said.endsWith(".") ? said : said + ".";
    }

    private static Optional<String> message(Throwable failure) {
        try {
            return Optional.ofNullable(failure.getMessage());
        } catch (Throwable unusable) {
            return Optional.empty();
        }
    }

    private static String state(Throwable failure) {
        return SqlStates.of(failure).map(state -> " (SQLSTATE " + state + ")").orElse("");
    }
}
